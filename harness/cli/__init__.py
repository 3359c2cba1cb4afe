"""The command line: parse, call, print, exit code. No logic lives here.

Data goes to stdout, progress and errors to stderr; ``--json`` prints one versioned document. Exit codes: 0 done, 1 an
expectation failed, 2 usage, 3 broker or environment missing, 4 not comparable, 5 measurement invalid, 130 interrupted.
"""

from harness.cli.app import main

__all__ = ["main"]
