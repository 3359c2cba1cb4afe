"""A helper process of a fault: started by path, told what to do a JSON line at a time, gone when the harness is gone.

The programs import nothing of the project, so that they are up in milliseconds, and end when their standard input closes or
the harness's own process does.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

CLOSE_DEADLINE_S = 10.0


class HelperFailed(HarnessError):
    """A fault's helper could not do its part; the fault did not take place."""

    code = "H019"
    exit_code = 3


class Helper:
    """One such process. Thread-safe; every request has one answer, and an answer with ``error`` raises HelperFailed."""

    def __init__(self, program: Path, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(program), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the harness's to handle
            cwd="/",
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, do: str, **fields: object) -> Mapping[str, Any]:
        """Raises HelperFailed with what it says, or when it is gone."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        with self._lock:
            try:
                pipe_in.write(json.dumps({"do": do, **fields}).encode() + b"\n")
                pipe_in.flush()
                line = pipe_out.readline()
            except (OSError, ValueError):
                line = b""
        if not line:
            raise HelperFailed(
                f"the {self._what} is gone (status {self._process.poll()})", next_command="harness doctor"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise HelperFailed(
                f"the {self._what}: {answer['error']}", next_command=answer.get("next", "harness doctor")
            )
        return answer

    def close(self) -> None:
        """It tidies up and ends; signal 9 if it does not."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        with self._lock:
            for pipe in (pipe_in, pipe_out):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        try:
            self._process.wait(CLOSE_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
