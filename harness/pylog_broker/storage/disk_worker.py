"""Disk work that can block (fsync of a closed segment, deletion), off the thread that serves requests.

One thread, started with the first job, works through a queue in order. `InlineWorker` does each job at once: for tests, and
for tools that have nothing else to do meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

Job = Callable[[], None]


class Worker(Protocol):
    """Runs jobs in the order they come; a job deals with its own expected errors."""

    def submit(self, job: Job) -> None: ...

    def close(self) -> None: ...


class InlineWorker:
    """Does each job at once."""

    def submit(self, job: Job) -> None:
        job()

    def close(self) -> None:
        pass


class ThreadWorker:
    """Does the jobs on one thread of its own."""

    def __init__(self, name: str = "pylog-disk") -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """Finish all jobs, then end."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
