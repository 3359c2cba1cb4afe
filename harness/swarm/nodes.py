"""One Locust worker as the master sees it, and the worker processes that it carries."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from harness.errors import HarnessError, WorkerDied
from harness.model.result import LoadWorker
from harness.runner.control import COUNTERS, Command, Counter, Failed, Reply, WorkerSpec, end_in_words
from harness.swarm.clock import ClockWatch, RoundTrip
from harness.swarm.messages import (
    Chunk,
    Counts,
    Death,
    Finished,
    Hello,
    Hired,
    Order,
    Pong,
    ToAgent,
    Trouble,
    Word,
)


class Node:
    """What is known of one Locust worker. Written by the engine's reading thread, read by the conductor's."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.label = address
        self.cell = 0
        self.hello: Hello | None = None
        self.watch = ClockWatch(same_clock=False)
        self.workers: dict[str, RemoteWorker] = {}
        self.gone = False  # its Locust worker or its agent ended: the bridge says so
        self.lost = False  # it went in the middle of a run
        self.trouble: HarnessError | None = None
        self.heard_at = time.monotonic()
        self._streams = Path()
        self._files: dict[str, BinaryIO] = {}
        self._got: dict[str, int] = {}
        self._chunks = 0
        self._sizes: dict[str, int] | None = None

    @property
    def alive(self) -> bool:
        return not self.gone and not self.lost

    @property
    def host(self) -> str:
        return self.hello.host if self.hello is not None else self.address

    def silent_s(self) -> float:
        return time.monotonic() - self.heard_at

    def slice(self) -> list[str]:
        return list(self.workers)

    def begin(self, cell: int, label: str, streams: Path) -> None:
        self.cell, self.label, self._streams = cell, label, streams
        self.workers, self.trouble = {}, None
        self._files, self._got, self._chunks, self._sizes = {}, {}, 0, None
        self.heard_at = time.monotonic()
        streams.mkdir(parents=True, exist_ok=True)

    # -- messages ---------------------------------------------------------------------------------------------------

    def hear(self, message: object, heard_ns: int) -> int | None:
        """One message; the number of chunks to confirm, when it was one. Raises WorkerDied for what makes no sense."""
        self.heard_at = time.monotonic()
        if isinstance(message, Hello):
            if self.hello is None:
                from harness.swarm.agent import clock_name

                self.hello = message
                self.watch = ClockWatch(same_clock=message.clock == clock_name())
        elif isinstance(message, Pong):
            self.watch.add(RoundTrip(message.sent_ns, message.heard_ns, message.answered_ns, heard_ns))
        elif getattr(message, "cell", None) != self.cell:
            return None
        elif isinstance(message, Chunk):
            return self._write(message)
        elif isinstance(message, Counts):
            for name, row in message.rows.items():
                if name in self.workers and len(row) == COUNTERS:
                    self.workers[name].counters[:] = row
        elif isinstance(message, Hired | Word | Death):
            if message.worker in self.workers:
                self.workers[message.worker].hear(message)
        elif isinstance(message, Finished):
            self._sizes = dict(message.sizes)
        elif isinstance(message, Trouble):
            self.trouble = message.error
        return None

    def _write(self, chunk: Chunk) -> int:
        name = chunk.file
        if "/" in name or not name.endswith(".arrows"):
            raise WorkerDied(f"{self.label} sent a piece of {name!r}, which is no stream of a history")
        if chunk.offset != self._got.get(name, 0):
            raise WorkerDied(f"{self.label} sent bytes {chunk.offset} of {name} after byte {self._got.get(name, 0)}")
        if name not in self._files:
            self._files[name] = (self._streams / name).open("xb", buffering=0)
        self._files[name].write(chunk.data)
        self._got[name] = chunk.offset + len(chunk.data)
        self._chunks += 1
        return self._chunks

    # -- the end ----------------------------------------------------------------------------------------------------

    def settled(self, silence_max_s: float) -> bool:
        """Nothing more is to be expected of it in this run."""
        return self.whole() or self.lost or self.gone or self.trouble is not None or self.silent_s() > silence_max_s

    def whole(self) -> bool:
        return self._sizes is not None and all(self._got.get(name, 0) == size for name, size in self._sizes.items())

    def close_files(self) -> None:
        for file in self._files.values():
            file.close()

    def record(self) -> LoadWorker:
        measured = self.watch.measured()
        return LoadWorker(
            name=self.label,
            host=self.host,
            slice=self.slice(),
            state="done" if self.whole() else "lost",
            same_clock=self.watch.same_clock,
            offset_us=round(measured.offset_ns / 1e3, 1),
            bound_us=round(measured.bound_ns / 1e3, 1),
            drift_ppm=round(measured.drift * 1e6, 2),
            round_trips=self.watch.count,
        )


class RemoteWorker:
    """The conductor's end of a worker process that a Locust worker carries (``runner.engine.Worker``)."""

    local = False

    def __init__(self, spec: WorkerSpec, node: Node, say: Callable[[Node, ToAgent], None]) -> None:
        self.spec = spec
        self._node = node
        self._say = say
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._pid = 0
        self._death: HarnessError | None = None
        self.counters: np.ndarray[tuple[int], np.dtype[np.int64]] = np.zeros(COUNTERS, dtype=np.int64)

    def hear(self, message: Hired | Word | Death) -> None:
        if isinstance(message, Hired):
            self._pid = message.pid
        elif isinstance(message, Death):
            where = f"{self._node.label} on {self._node.host}"
            words = end_in_words(message.status)
            self._death = self._death or WorkerDied(f"the worker process {self.spec.worker} of {where} {words}")
        elif isinstance(message.reply, Failed):
            self._death = message.reply.error
        else:
            self._replies.put(message.reply)

    @property
    def pid(self) -> int:
        """On its own host."""
        return self._pid

    def alive(self) -> bool:
        return self._death is None

    def send(self, command: Command) -> None:
        if not self.alive():
            raise self.death()
        self._say(self._node, Order(self._node.cell, self.spec.worker, command))

    def reply(self, timeout_s: float) -> Reply | None:
        over = not self.alive()  # asked first: what it said before is in the queue then
        try:
            return self._replies.get(timeout=0.0 if over else max(0.0, timeout_s))
        except queue.Empty:
            if over:
                raise self.death() from None
            return None

    def death(self) -> HarnessError:
        assert self._death is not None
        return self._death

    def count(self, counter: Counter) -> int:
        return int(self.counters[counter])

    def end(self, timeout_s: float = 2.0) -> None:
        """Its agent ends it when the run's history is gathered."""
