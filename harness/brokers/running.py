"""Run one command of an installation: its output goes to a log, and into the error when it fails."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.errors import BrokerMissing

DEADLINE_S = 900.0  # a slow line and a cold repository; nothing here computes
SHOWN_LINES = 12


def run(argv: Sequence[str], log: Path, *, cwd: Path | None = None) -> str:
    """Standard output of the command. Raises BrokerMissing with its last lines, and the command itself to try by hand."""
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            timeout=DEADLINE_S,
            check=False,
        )
    except OSError:
        raise BrokerMissing(f"there is no {argv[0]!r} on this machine", next_command="harness doctor") from None
    except subprocess.TimeoutExpired:
        raise BrokerMissing(f"no end after {DEADLINE_S:.0f} s: {shown}", next_command=shown) from None
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {shown}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        words = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-SHOWN_LINES:])
        raise BrokerMissing(
            f"a command failed with status {done.returncode} (all of its output: {log}):\n    $ {shown}\n{words}",
            next_command=shown,
        )
    return done.stdout
