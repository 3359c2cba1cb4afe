"""One Locust worker's slice of one run: its worker processes, their counters, and their histories on the way to the master.

Everything here is done in small turns and nothing waits, so a slow master or a slow page only slows what is sent to it: chunks of history
beyond ``WINDOW`` that are not confirmed, and requests beyond ``PAGES`` that are not shown, stay on disk.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.errors import WorkerDied
from harness.history import consume
from harness.history.clocks import ClockOffset
from harness.history.writer import STREAMS_FOLDER
from harness.runner.control import COUNTERS, Command, Counter, Failed, PhaseDone, RunPhase, WorkerSpec
from harness.runner.sampling import Sampler
from harness.runner.workers import WorkerHandle, worker_context
from harness.swarm.messages import Chunk, Counts, Death, Hired, Open, ToEngine, Word
from harness.swarm.tail import Requests, Tail, delivered, published

WINDOW: Final = 16  # chunks of history on the way: 4 MiB a worker, at most
PAGES: Final = 2  # batches of requests that Locust's page has not taken in yet
PAGE_ROWS: Final = 2000
COUNTS_EVERY_S: Final = 0.05
SHIP_EVERY_S: Final = 0.1
END_PATIENCE_S: Final = 0.6
SHOW_DEADLINE_S: Final = 5.0  # for requests that are still to be shown when all else is finished


class Slice:
    """Owns a scratch folder and the worker processes in it; ``end`` leaves neither."""

    def __init__(self, opened: Open, say: Callable[[ToEngine], None], show: Callable[[bytes], None]) -> None:
        self.cell = opened.cell
        self._opened = opened
        self._say = say
        self._show = show
        self._folder = Path(tempfile.mkdtemp(prefix="harness-slice-"))
        self._context = worker_context()
        self._workers: dict[str, WorkerHandle] = {}
        self._over: set[str] = set()
        self._own = ClockOffset()
        self._producers: dict[int, ClockOffset] = {}
        self._tails: dict[str, Tail] = {}
        self._chunks = self._confirmed = 0
        self._on_page = 0
        self._page: list[Requests] = []
        self._phases: tuple[str, ...] = ()
        self._counts_at = self._ship_at = 0.0
        self._finishing: float | None = None
        self._sampler: Sampler | None = Sampler(self._folder, self._targets, _nothing, name=opened.label)
        self._sampler.start()

    # -- orders -----------------------------------------------------------------------------------------------------

    def clocks(self, own: ClockOffset, producers: dict[int, ClockOffset]) -> None:
        self._own, self._producers = own, producers

    def hire(self, spec: WorkerSpec) -> None:
        self._phases = tuple(phase.name for phase in spec.workload.phases)
        here = dataclasses.replace(spec, folder=self._folder, gateway=self._folder / "gateway.sqlite")
        worker = self._workers[spec.worker] = WorkerHandle(self._context, here)
        self._say(Hired(self.cell, spec.worker, worker.pid))

    def order(self, name: str, command: Command) -> None:
        worker = self._workers.get(name)
        if worker is None or name in self._over:
            return
        if isinstance(command, RunPhase):
            command = RunPhase(command.index, self._local(command.start_ns), self._local(command.deadline_ns))
        worker.tell(command)  # of one that is gone the next turn hears, and why

    def received(self, chunks: int) -> None:
        self._confirmed = max(self._confirmed, chunks)

    def shown(self) -> None:
        self._on_page -= 1

    def finish(self) -> None:
        for worker in self._workers.values():
            worker.end(END_PATIENCE_S)
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        self._finishing = time.monotonic()

    # -- turns ------------------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """What is due now; True when the slice is finished and all of its history was confirmed."""
        if self._finishing is None:
            for name, worker in list(self._workers.items()):
                if name not in self._over:
                    self._hear(name, worker)
        now = time.monotonic()
        if now - self._counts_at >= COUNTS_EVERY_S:
            self._count(now)
        if now - self._ship_at >= SHIP_EVERY_S or self._finishing is not None:
            self._ship_at = now
            waiting = self._ship()
            waiting = self._fill_page() or waiting
            if self._finishing is not None and not waiting and self._confirmed == self._chunks:
                return self._on_page == 0 or now - self._finishing > SHOW_DEADLINE_S
        return False

    def _hear(self, name: str, worker: WorkerHandle) -> None:
        try:
            reply = worker.heard(0.0)
        except WorkerDied:
            self._note_death(name, worker)
            return
        if reply is None:
            return
        if isinstance(reply, PhaseDone):
            reply = PhaseDone(reply.index, reply.offered, self._masters(reply.end_ns))
        elif isinstance(reply, Failed):
            self._over.add(name)  # nothing comes after it
        self._count(time.monotonic())  # before the reply: what it speaks of is in the counters
        self._say(Word(self.cell, name, reply))

    def _note_death(self, name: str, worker: WorkerHandle) -> None:
        self._over.add(name)
        status = worker.exit_status()
        self._count(time.monotonic())
        self._say(Death(self.cell, name, status))

    def _count(self, now: float) -> None:
        self._counts_at = now
        rows: dict[str, tuple[int, ...]] = {}
        for name, worker in self._workers.items():
            row = [int(value) for value in worker.counters[:COUNTERS]]
            if row[Counter.LAST_ACTIVITY_NS]:
                row[Counter.LAST_ACTIVITY_NS] = self._masters(row[Counter.LAST_ACTIVITY_NS])
            rows[name] = tuple(row)
        self._say(Counts(self.cell, rows))

    # -- history ----------------------------------------------------------------------------------------------------

    def _ship(self) -> bool:
        """Send what was written since, as far as the window allows; True when there may be more."""
        for path in sorted((self._folder / STREAMS_FOLDER).glob("*.arrows")):
            if path.name not in self._tails:
                self._tails[path.name] = Tail(path)
        for name, tail in self._tails.items():
            while self._chunks - self._confirmed < WINDOW:
                piece = tail.chunk()
                if piece is None:
                    break
                self._chunks += 1
                self._say(Chunk(self.cell, name, piece[0], piece[1]))
            else:
                return True
        return False

    def _fill_page(self) -> bool:
        """Requests for Locust's page, as far as it keeps up; True when there may be more."""
        if not self._page and self._on_page < PAGES:
            for name, tail in self._tails.items():
                self._page.extend(self._requests(name, tail))
        while self._page and self._on_page < PAGES:
            self._on_page += 1
            self._show(_page_body(self._page))
        patient = self._finishing is None or time.monotonic() - self._finishing < SHOW_DEADLINE_S
        return bool(self._page) and patient

    def _requests(self, name: str, tail: Tail) -> list[Requests]:
        table = name.partition("-")[0]
        base = f"{self._opened.broker}/{self._opened.workload}"
        groups = self._opened.groups
        if table == "publish":
            return [request for batch in tail.batches() for request in published(batch, base, self._phases)]
        if table == consume.STREAM:
            return [
                request
                for batch in tail.batches()
                for request in delivered(
                    consume.rows_of("deliver", batch), base, self._phases, groups, self._own, self._producers
                )
            ]
        return []

    def sizes(self) -> dict[str, int]:
        return {name: tail.sent for name, tail in self._tails.items()}

    def end(self) -> None:
        for worker in self._workers.values():
            worker.end(0.0)
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- clocks -----------------------------------------------------------------------------------------------------

    def _local(self, masters_ns: int) -> int:
        own = self._own
        return masters_ns + round(own.offset_ns + own.drift * (masters_ns + own.offset_ns - own.at_ns))

    def _masters(self, local_ns: int) -> int:
        own = self._own
        return local_ns - round(own.offset_ns + own.drift * (local_ns - own.at_ns))

    def _targets(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {("client", name): (worker.pid,) for name, worker in list(self._workers.items())}


def _nothing() -> int:
    return 0


def _page_body(page: list[Requests]) -> bytes:
    """At most ``PAGE_ROWS`` requests from the front of ``page``, taken out of it."""
    rows: list[object] = []
    room = PAGE_ROWS
    while page and room:
        kind, name, ms, sizes, errors = page.pop(0)
        part = min(room, len(ms))
        room -= part
        rows.append([kind, name, [round(value, 3) for value in ms[:part]], sizes[:part],
                     {str(place): text for place, text in errors.items() if place < part}])  # fmt: skip
        if part < len(ms):
            rest = {place - part: text for place, text in errors.items() if place >= part}
            page.insert(0, Requests(kind, name, ms[part:], sizes[part:], rest))
    return json.dumps({"requests": rows}).encode()
