"""Disk work that can block (fsync of a closed segment, deletion), off the thread that serves requests.

A thread, started with the first job, works through a queue in order. `InlineWorker` does each job at once: for tests, and
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
    """Does the jobs on threads of its own: on one, in order, or side by side on up to `threads`."""

    def __init__(self, name: str = "pylog-disk", *, threads: int = 1) -> None:
        self._name = name
        self._threads_max = threads
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, job: Job) -> None:
        if len(self._threads) < self._threads_max:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """Finish all jobs, then end."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
