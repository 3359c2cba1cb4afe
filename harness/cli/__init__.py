"""The command line: parse, call, print, exit code. No logic lives here.

Data goes to stdout, progress and errors to stderr; ``--json`` prints one versioned document. Exit codes: 0 done, 1 an
expectation failed, 2 usage, 3 broker or environment missing, 4 not comparable, 5 measurement invalid or a run cut short,
130 interrupted.
"""


def main() -> None:
    """Imported when called: each worker process runs the program's first lines again, and has no use for a command line."""
    from harness.cli.loading import loading

    with loading():
        from harness.cli.app import main as run
    run()
