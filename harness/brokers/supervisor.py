"""The harness's end of a keeper: start it, give it commands, know what it reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
START_DEADLINE_S = 60.0  # of an interpreter that starts on a crowded machine
CLEAN_DEADLINE_S = 15.0

_lifelines: weakref.WeakSet[Supervisor] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Order:
    """What to run, and how. ``companions`` are started before it and die with it; ``lock`` is held while it lives."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    companions: Sequence[Sequence[str]] = ()
    lock: Path | None = None
    grace_s: float = 8.0


@dataclass(slots=True)
class _Seen:
    """What the keeper has reported so far."""

    pid: int = 0
    exit_status: int | None = None
    exited_ns: int = 0
    signals: dict[int, int] = field(default_factory=dict)  # number -> when, monotonic ns
    failure: str = ""
    over: bool = False  # the keeper is gone, and with it everything below it


class Supervisor:
    """One keeper and the broker it holds. Thread-safe: a sampler may look while a fault is carried out."""

    def __init__(self, order: Order) -> None:
        """Start it. Raises OSError when the program cannot be started; ``locked`` in its text when the lock is taken."""
        document = {
            "argv": list(order.argv),
            "env": dict(order.env),
            "cwd": str(order.cwd),
            "log": str(order.log),
            "companions": [list(companion) for companion in order.companions],
            "owner": os.getpid(),
            "lock": str(order.lock or ""),
            "grace_s": order.grace_s,
        }
        self._grace_s = order.grace_s
        self._seen = _Seen()
        self._changed = threading.Condition()
        self._started = False
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",  # it may outlive the folder that the harness was started in
        )
        _lifelines.add(self)
        self._send(json.dumps(document))
        self._reader = threading.Thread(target=self._read, name="keeper-reports", daemon=True)
        self._reader.start()
        self._wait(lambda seen: bool(seen.pid or seen.failure or seen.over), START_DEADLINE_S)
        if not self._seen.pid:
            self.abandon()
            raise OSError(self._seen.failure or "the keeper did not start it in time")

    @property
    def pid(self) -> int:
        return self._seen.pid

    @property
    def keeper_pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it lives; -9 after a kill, as ``subprocess`` has it."""
        with self._changed:
            return self._seen.exit_status

    @property
    def exited_ns(self) -> int:
        return self._seen.exited_ns

    @property
    def alive(self) -> bool:
        with self._changed:
            return self._seen.exit_status is None and not self._seen.over

    def signal(self, number: int) -> int:
        """Send a signal to the broker; returns when it was sent (monotonic ns), 0 when the broker was gone."""
        return self._ask(f"signal {number}", number)

    def kill(self) -> int:
        """Signal 9 to the whole of it, and wait until nothing is left; returns when it was sent."""
        at_ns = self._ask("kill", 9)
        self.join(CLEAN_DEADLINE_S)
        return at_ns

    def stop(self) -> None:
        """Signal 15, signal 9 after the grace period, and wait until nothing is left."""
        self._send("stop")
        if not self.join(self._grace_s + CLEAN_DEADLINE_S):
            self.abandon()

    def release(self) -> None:
        """Let it live on without this process. Nothing can be asked of it from here afterwards."""
        self._send("release")
        _lifelines.discard(self)
        self._close()
        # The keeper is still our child: collect it if it ends first, and do not warn if it does not.
        self._process.returncode = 0

    def abandon(self) -> None:
        """Close the pipe: the keeper kills everything. The end that a dying harness comes to by itself."""
        self._close()
        self.join(CLEAN_DEADLINE_S)

    def join(self, timeout_s: float) -> bool:
        """Wait until the keeper is gone; True if it is."""
        if not self._wait(lambda seen: seen.over, timeout_s):
            return False
        self._process.wait()
        self._close()
        self._reader.join(1.0)
        return True

    def _ask(self, command: str, number: int) -> int:
        with self._changed:
            self._seen.signals.pop(number, None)
        if not self._send(command):
            return 0
        self._wait(lambda seen: number in seen.signals or seen.over, CLEAN_DEADLINE_S)
        with self._changed:
            return self._seen.signals.get(number, 0)

    def _send(self, line: str) -> bool:
        pipe = self._process.stdin
        try:
            if pipe is None or pipe.closed:
                return False
            pipe.write(line.encode() + b"\n")
            pipe.flush()
        except OSError:
            return False
        return True

    def _close(self) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            try:
                pipe.close()
            except OSError:
                return

    def _read(self) -> None:
        reports = self._process.stdout
        assert reports is not None
        with reports:
            for line in reports:
                self._note(json.loads(line))
        with self._changed:
            self._seen.over = True
            self._changed.notify_all()

    def _note(self, report: dict[str, object]) -> None:
        with self._changed:
            match report["event"]:
                case "started":
                    self._seen.pid = int(str(report["pid"]))
                case "signalled":
                    self._seen.signals[int(str(report["number"]))] = int(str(report["at_ns"]))
                case "exited":
                    self._seen.exit_status = int(str(report["status"]))
                    self._seen.exited_ns = int(str(report["at_ns"]))
                case "failed":
                    self._seen.failure = str(report["reason"])
            self._changed.notify_all()

    def _wait(self, until: Callable[[_Seen], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not until(self._seen):
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return True

    def _drop_lifeline(self) -> None:
        """In a forked child: its copy of the pipe would keep a broker alive after the harness is gone."""
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, pipe.fileno())
            os.close(nowhere)


def _after_fork() -> None:
    for supervisor in list(_lifelines):
        supervisor._drop_lifeline()
    _lifelines.clear()


os.register_at_fork(after_in_child=_after_fork)
