"""The ``harness`` command: its sub-commands, and one place where errors become text and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys

import typer

from harness import __version__
from harness.cli.loading import loading
from harness.cli.output import emit_error
from harness.errors import DiskFull, HarnessError, Interrupted, UsageError

app = typer.Typer(
    name="harness",
    help="Head-to-head measurements of log brokers and queue brokers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


def _register() -> None:
    """Each module adds its commands; imported here, so that ``--version`` and completion stay quick."""
    from harness.cli import bench, broker, claim, doctor, fault, rehearse, run, size, sweep, workload

    run.register(app)
    sweep.register(app)
    workload.register(app)
    broker.register(app)
    doctor.register(app)
    bench.register(app)
    fault.register(app)
    claim.register(app)
    size.register(app)
    rehearse.register(app)


def main() -> None:
    """Entry point. Never shows a traceback for what is not our fault (set HARNESS_DEBUG=1 to see them all)."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        with loading():
            _register()
        app(standalone_mode=True)
    except HarnessError as error:
        if os.environ.get("HARNESS_DEBUG"):
            raise
        emit_error(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        emit_error(Interrupted("interrupted; what was finished is kept"), as_json=False)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except OSError as error:  # of a file that was named: not there, no permission, no space
        if os.environ.get("HARNESS_DEBUG") or not error.filename:
            raise
        told = _told(error)
        emit_error(told, as_json="--json" in sys.argv)
        sys.exit(told.exit_code)


def _told(error: OSError) -> HarnessError:
    text = f"{error.filename}: {error.strerror or error}"
    if error.errno == errno.ENOSPC:
        return DiskFull(text, next_command="df -h")
    return UsageError(text, next_command="harness COMMAND --help")


def _as_interrupt(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
