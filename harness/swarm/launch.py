"""``harness run --load locust``: start a Locust master and its workers on this machine, wait, and leave nothing behind.

They are ordinary ``locust`` command lines (``commands`` gives them, ``--print-command`` prints them), so what runs here in one go can be
started by hand on several machines.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import LoadEngineError

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
STOP_DEADLINE_S: Final = 120.0
LOOK_S: Final = 0.1
OWN_OPTIONS: Final = {"--load": 1, "--workers": 1, "--web-port": 1, "--print-command": 0, "--json": 0}


@dataclass(frozen=True, slots=True)
class LocustRun:
    """``workers`` 0: one Locust process that is both. ``web_port``: with Locust's page, else headless."""

    arguments: tuple[str, ...]
    workers: int
    web_port: int | None = None
    host: str = "127.0.0.1"
    port: int = 5557

    def master(self) -> list[str]:
        """Arguments after ``locust``."""
        line = ["-f", str(LOCUSTFILE), "--users", str(max(1, self.workers)), "--spawn-rate", str(max(1, self.workers))]
        if self.workers:
            line += ["--master", "--master-bind-host", self.host, "--master-bind-port", str(self.port)]
            line += ["--expect-workers", str(self.workers)]
        if self.web_port is None:
            line += ["--headless"]
        else:
            line += ["--web-host", self.host, "--web-port", str(self.web_port), "--autostart"]
        return [*line, "--harness", shlex.join(self.arguments)]

    def worker(self) -> list[str]:
        return ["-f", str(LOCUSTFILE), "--worker", "--master-host", self.host, "--master-port", str(self.port)]

    def lines(self) -> list[str]:
        """As a person types them."""
        shown = [shlex.join(["locust", *self.master()])]
        return shown + [shlex.join(["locust", *self.worker()])] * self.workers


def without_own_options(arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments of ``harness run`` that the study on the master takes: all but those about Locust and the output."""
    kept: list[str] = []
    skip = 0
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if skip:
            skip -= 1
        elif name in OWN_OPTIONS:
            skip = 0 if equals else OWN_OPTIONS[name]
        else:
            kept.append(argument)
    return tuple(kept)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_locust(run: LocustRun, logs: Path) -> int:
    """The master's exit code, which is the study's. Ctrl-C ends the study in order first. Raises LoadEngineError."""
    logs.mkdir(parents=True, exist_ok=True)
    quiet = ["--loglevel", "INFO", "--only-summary"]
    with _owner() as owner, _Processes(owner, logs) as processes:
        master = processes.start(
            "master", [*run.master(), *quiet, "--csv", str(logs / "locust"), "--harness-owner", str(owner)]
        )
        for number in range(run.workers):
            processes.start(f"worker-{number + 1}", [*run.worker(), *quiet, "--harness-owner", str(owner)])
        try:
            code = _wait(master)
        except KeyboardInterrupt:
            master.send_signal(signal.SIGTERM)
            code = _wait(master, STOP_DEADLINE_S)
        if code in (-signal.SIGKILL, -signal.SIGSEGV):
            raise LoadEngineError(f"the Locust master was killed; its words:\n{processes.last_words('master')}")
        if code not in (0, 1, 2, 3, 4, 5, 130):
            raise LoadEngineError(f"the Locust master ended with {code}:\n{processes.last_words('master')}")
    return code


def _wait(process: subprocess.Popen[bytes], deadline_s: float | None = None) -> int:
    started = time.monotonic()
    while process.poll() is None:
        if deadline_s is not None and time.monotonic() - started > deadline_s:
            process.kill()
        time.sleep(LOOK_S)
    return process.returncode


@contextlib.contextmanager
def _owner() -> Iterator[int]:
    """The read end of a pipe whose write end closes with this process: the sign for every Locust process to go."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(write)
        os.close(read)


class _Processes:
    """The Locust processes of this run. Their own words go to files; the study's progress goes to our stderr."""

    def __init__(self, owner: int, logs: Path) -> None:
        self._owner = owner
        self._logs = logs
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> _Processes:
        return self

    def start(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self._logs / f"{name}.out").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "locust", *arguments, "--logfile", str(self._logs / f"{name}.log")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                pass_fds=[self._owner],
                start_new_session=True,  # Ctrl-C reaches the master only, and through us
            )
        self._started.append(process)
        return process

    def last_words(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return "\n".join((self._logs / f"{name}.log").read_text(errors="replace").splitlines()[-10:])
        return ""

    def __exit__(self, *_: object) -> None:
        for process in self._started[1:]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10.0)
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()


def scratch_logs() -> Path:
    return Path(tempfile.mkdtemp(prefix="harness-locust-"))
