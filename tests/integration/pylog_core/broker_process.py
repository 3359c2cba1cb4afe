"""A pylog broker as a process of its own, on a free port and a private data folder, always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS_MAX = 60  # bounds of a hang, not of a slow machine
STOP_SECONDS_MAX = 30


class BrokerProcess:
    """Started on entry, ended on exit; standard error is in `log`."""

    def __init__(self, data_dir: Path, *settings: str, arguments: tuple[str, ...] = ()) -> None:
        self.data_dir = data_dir
        self._settings = settings
        self._arguments = arguments
        self.port = 0
        self.log = data_dir.with_name(data_dir.name + ".log")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def rss_bytes(self) -> int:
        return _status_bytes(self.pid, "VmRSS")

    def rss_bytes_max(self) -> int:
        return _status_bytes(self.pid, "VmHWM")

    def start(self) -> None:
        """Start and wait for the line that says the broker is ready."""
        command = [sys.executable, "-m", "harness.pylog_broker", "serve", "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir), *self._arguments]
        for setting in self._settings:
            command += ["--set", setting]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        killer = threading.Timer(START_SECONDS_MAX, self._process.kill)
        killer.start()
        try:
            line = self._ready_line()
        finally:
            killer.cancel()
        assert line.startswith("listening on 127.0.0.1:"), f"{line!r}; log: {self.log.read_text()}"
        self.port = int(line.split()[2].rpartition(":")[2])

    def _ready_line(self) -> str:
        """The line that names the port."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL; returns the exit code."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._process.poll() is None:
            os.kill(self._process.pid, number)
        try:
            code = self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            assert self._process.stdout is not None
            self._process.stdout.close()
        return code

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        else:
            self._process.wait()


def _status_bytes(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} in /proc/{pid}/status")
