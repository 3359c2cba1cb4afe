"""What starts the worker processes of a run: this machine's fork server, or an engine that has them on other machines.

The conductor and its crew know only these protocols; ``harness/swarm`` holds the engine that spreads a run over Locust workers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness.errors import HarnessError
from harness.history.meta import HistoryMeta
from harness.history.writer import EventLog
from harness.model.result import LoadRecord
from harness.runner.control import Command, Counter, Reply, WorkerSpec
from harness.runner.workers import WorkerHandle, worker_context

LEAD_S = 0.06  # between the command and a phase's first intended time


class Worker(Protocol):
    """The conductor's end of one worker process, wherever that runs."""

    spec: WorkerSpec
    local: bool  # its process id means something on this machine

    @property
    def pid(self) -> int: ...

    def alive(self) -> bool: ...

    def send(self, command: Command) -> None:
        """Raises what the worker failed with, or WorkerDied."""
        ...

    def reply(self, timeout_s: float) -> Reply | None:
        """The next reply, or None in time. Raises what the worker failed with, or WorkerDied."""
        ...

    def death(self) -> HarnessError:
        """What the worker failed with where it said so, else WorkerDied; only for one that is not alive."""
        ...

    def count(self, counter: Counter) -> int: ...

    def end(self, timeout_s: float = 2.0) -> None:
        """Make sure the process is gone, after at most ``timeout_s`` of patience."""
        ...


class LoadEngine(Protocol):
    """Used by one run at a time: ``open``, then ``hire`` each worker, then ``gather`` once all have ended."""

    lead_s: float

    def open(self, folder: Path, label: str, meta: HistoryMeta, events: EventLog) -> None:
        """A run begins: its history goes to ``folder``, ``label`` is the broker as the report calls it."""
        ...

    def hire(self, spec: WorkerSpec) -> Worker: ...

    def check(self) -> None:
        """Raises WorkerDied when a part of the engine that carries workers is lost."""
        ...

    def gather(self) -> None:
        """The workers have ended: bring their histories into the folder. Raises HarnessError when one is not whole."""
        ...

    def record(self) -> LoadRecord | None:
        """Where the load came from, for the result; None when all of it came from this machine's own processes."""
        ...


class ForkedEngine:
    """Worker processes of this machine, from a fork server; they write into the run's folder themselves."""

    lead_s = LEAD_S

    def __init__(self) -> None:
        self._context = worker_context()

    def open(self, folder: Path, label: str, meta: HistoryMeta, events: EventLog) -> None:
        pass

    def hire(self, spec: WorkerSpec) -> Worker:
        return WorkerHandle(self._context, spec)

    def check(self) -> None:
        pass

    def gather(self) -> None:
        pass

    def record(self) -> LoadRecord | None:
        return None
