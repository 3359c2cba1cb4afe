"""A publisher process: sends its share of a phase at the intended times, or as fast as its window allows, and records every outcome.

Open loop: the schedule does not wait for the broker. What is due and cannot go out (window full, connection lost) goes out as soon as
it can, and its latency still counts from the intended time.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.errors import BrokerUnavailable
from harness.history.writer import EventLog, TableWriter
from harness.model import envelope
from harness.model.messages import UNKNOWN, Adapter, Outcome, Outcomes, OutgoingBatch, Publisher
from harness.model.workload import Phase
from harness.plan.stream import CHUNK, MessageStream, PhaseChunks
from harness.runner.control import Counter, PhaseDone, RunPhase, WorkerSpec
from harness.runner.inflight import InFlight, SettledRows

RECONNECT_PAUSE_S = 0.2  # a dozen workers that knock more often would slow the restart they wait for
CLOSE_TIMEOUT_S = 5.0
POLL_MAX_S = 0.02  # upper bound of one wait, so that commands and flushes are never late by more
EARLY_S = 0.001  # some libraries wait in whole milliseconds: the last one before an intended time is waited for here
GLANCE_S = 0.0002  # how often outcomes are looked for in it
LULL_S = 0.003  # a flush takes a millisecond or two: it belongs where no intended time is near
Column = np.ndarray[Any, np.dtype[Any]] | int

ERRORS_MAX = 15  # different error texts kept by one publisher; the last place collects the others


class PublishingWorker:
    """Owns one publisher connection at a time, the message stream of one producer, and the ``publish`` table."""

    def __init__(
        self,
        spec: WorkerSpec,
        adapter: Adapter,
        counters: np.ndarray[tuple[int], np.dtype[np.int64]],
        idle: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._adapter = adapter
        self._counters = counters
        self.idle = idle  # lets the process notice a closed pipe
        workload = spec.workload
        self._stream = MessageStream(
            workload, seed=spec.seed, repeat=spec.repeat, producer=spec.producer, run_number=spec.run_number
        )
        window_max = max([workload.window, *[phase.flood.in_flight for phase in workload.phases if phase.flood]])
        self._ledger = InFlight(_power_of_two(4 * (window_max + CHUNK)), keep_payloads=workload.resend.max > 0)
        self._kept = TableWriter(spec.folder, "publish", spec.worker)
        self._table: TableWriter | None = self._kept
        self._events = EventLog(spec.folder, spec.worker)
        self._errors: dict[str, int] = {}
        self._publisher: Publisher | None = None
        self._window = 0
        self._resends: list[tuple[int, int, np.void, bytes, int]] = []  # due_ns, order, row, payload, attempt
        self._resend_order = 0
        self._lost_at = 0

    # -- connection -------------------------------------------------------------------------------------------------

    def connect(self, window: int, deadline_ns: int) -> bool:
        """A publisher with this window, within the deadline. A window that differs from the last one needs a new one."""
        if self._publisher is not None and self._window == window:
            return True
        self._part(CLOSE_TIMEOUT_S)
        self._window = window
        while True:
            try:
                self._publisher = self._adapter.publisher(self._spec.broker, self._spec.plan, window)
            except BrokerUnavailable as error:
                if time.monotonic_ns() >= deadline_ns:
                    self._events.add("warning", text=f"publisher could not connect: {error.message}")
                    return False
                self.idle()
                time.sleep(RECONNECT_PAUSE_S)
                continue
            if self._lost_at:
                self._events.add(
                    "connected_again", role="publisher", seconds=(time.monotonic_ns() - self._lost_at) / 1e9
                )
                self._lost_at = 0
            self._counters[Counter.READY] = 1
            return True

    def _lost(self, error: BrokerUnavailable) -> None:
        """The connection is gone: what was open is INFO."""
        self._lost_at = self._lost_at or time.monotonic_ns()
        self._counters[Counter.READY] = 0
        self._events.add("connection_lost", role="publisher", error=error.message)
        self._part(0.0)

    def _part(self, timeout_s: float) -> None:
        """Close the publisher; afterwards nothing is open. What it kept silent about is INFO, and said to be its fault."""
        publisher, self._publisher = self._publisher, None
        if publisher is None:
            return
        self._record(publisher.close(timeout_s))
        if self._ledger.outstanding:
            rows = self._ledger.forsaken()
            self._counters[Counter.UNKNOWN] += len(rows)
            self._events.add("warning", text=f"the adapter never settled {len(rows)} publishes")
            self._write(
                rows,
                outcomes=int(Outcome.INFO),
                settled_ns=time.monotonic_ns(),
                partitions=UNKNOWN,
                positions=UNKNOWN,
                errors=self._error_number("never settled by the adapter"),
            )

    # -- phases -----------------------------------------------------------------------------------------------------

    def run(self, command: RunPhase) -> PhaseDone:
        """Publish one phase, settle all of it or give up at the deadline."""
        phase = self._spec.workload.phases[command.index]
        if phase.flood is not None:
            source: _Source = _FloodSource(self._stream, command, phase)
            window = phase.flood.in_flight
        else:
            source = _ScheduledSource(self._stream, command)
            window = self._spec.workload.window
        pending: deque[OutgoingBatch] = deque()
        end_ns = command.start_ns
        while True:
            now = time.monotonic_ns()
            if now >= command.deadline_ns:
                break
            if not self.connect(window, command.deadline_ns):
                break
            try:
                finished = self._step(source, pending, now)
            except BrokerUnavailable as error:
                self._lost(error)
                continue
            if finished:
                break
            end_ns = max(end_ns, time.monotonic_ns()) if source.left() or pending else end_ns
        self._give_up(command, source, pending)
        return PhaseDone(command.index, source.offered, end_ns)

    def _step(self, source: _Source, pending: deque[OutgoingBatch], now: int) -> bool:
        """Offer what is due, collect what is settled; True when the phase is finished."""
        publisher = self._publisher
        assert publisher is not None
        if not pending:
            self._refill(source, pending, now)
        taken = 0
        blocked = False
        while pending and not blocked:
            batch = pending.popleft()
            at_ns = time.monotonic_ns()
            try:
                taken = publisher.submit(batch)
            except BrokerUnavailable:
                pending.appendleft(batch)
                raise
            self._ledger.submitted(batch, taken, at_ns)
            self._counters[Counter.SUBMITTED] += taken
            blocked = taken < len(batch)
            if blocked:
                pending.appendleft(batch.after(taken))
        patience_s = self._patience_s(source, bool(pending))
        if self._table is not None:
            self._table.flush_if_due(overdue=patience_s < LULL_S)
        self._record(self._wait(publisher, patience_s))
        self.idle()
        return not pending and not source.left() and not self._ledger.outstanding and not self._resends

    def _wait(self, publisher: Publisher, patience_s: float) -> Outcomes:
        """Outcomes, or nothing by the time that something else is to be done; never later than that."""
        if patience_s > 2 * EARLY_S:
            return publisher.poll(patience_s - EARLY_S)
        if patience_s > 0:
            time.sleep(min(patience_s, GLANCE_S))
        return publisher.poll(0.0)

    def _refill(self, source: _Source, pending: deque[OutgoingBatch], now: int) -> None:
        if now < self._next_due_ns(source, now):
            return
        room = self._ledger.room(CHUNK)
        while self._resends and self._resends[0][0] <= now and room:
            _, _, row, payload, attempt = heapq.heappop(self._resends)
            pending.append(self._ledger.offer(np.array([row]), [payload], attempt))
            room -= 1
        if room:
            rows, payloads = source.due(room, now)
            if len(rows):
                pending.append(self._ledger.offer(rows, payloads, 0))

    def _patience_s(self, source: _Source, blocked: bool) -> float:
        """How long to wait for outcomes: not past the next intended time."""
        if blocked:
            return POLL_MAX_S
        now = time.monotonic_ns()
        return min(POLL_MAX_S, max(0, self._next_due_ns(source, now) - now) / 1e9)

    def _next_due_ns(self, source: _Source, now: int) -> int:
        due = source.next_due_ns(now)
        return min(due, self._resends[0][0]) if self._resends else due

    def _give_up(self, command: RunPhase, source: _Source, pending: deque[OutgoingBatch]) -> None:
        """Past the deadline: what is open is INFO, what was never sent is FAIL. Nothing offered goes unrecorded."""
        if self._ledger.outstanding:
            self._part(0.0)
        unsent = 0
        for batch in pending:
            rows = self._ledger.withdraw(batch)
            self._write(
                rows,
                outcomes=int(Outcome.FAIL),
                settled_ns=time.monotonic_ns(),
                partitions=UNKNOWN,
                positions=UNKNOWN,
                errors=self._error_number("never sent: the phase's deadline passed"),
            )
            unsent += len(rows)
        pending.clear()
        unsent += len(self._resends)
        self._resends.clear()
        rest = source.abandon()
        if unsent or rest:
            self._events.add("gave_up", phase=command.index, unsent=unsent + rest)

    # -- outcomes ---------------------------------------------------------------------------------------------------

    def recording(self, on: bool) -> None:
        """Write the history from now on, or no longer; what waits is written out."""
        if not on and self._table is not None:
            self._table.flush()
        self._table = self._kept if on else None

    def _record(self, outcomes: Outcomes) -> None:
        if not len(outcomes):
            return
        rows = self._ledger.settle(outcomes)
        kinds = outcomes.outcomes
        good = int(np.count_nonzero(kinds == Outcome.OK))
        unknown = int(np.count_nonzero(kinds == Outcome.INFO))
        self._counters[Counter.ACKNOWLEDGED] += good
        self._counters[Counter.UNKNOWN] += unknown
        self._counters[Counter.FAILED] += len(rows) - good - unknown
        self._counters[Counter.LAST_ACTIVITY_NS] = time.monotonic_ns()
        numbers: int | np.ndarray[tuple[int], np.dtype[np.int64]] = 0
        if good < len(rows):
            numbers = np.array(
                [self._error_number(outcomes.errors.get(index, "")) for index in outcomes.indexes.tolist()]
            )
            self._plan_resends(outcomes, rows)
        self._write(
            rows,
            outcomes=kinds,
            settled_ns=outcomes.settled_ns,
            partitions=outcomes.partitions,
            positions=outcomes.positions,
            errors=numbers,
        )

    def _write(
        self,
        settled: SettledRows,
        *,
        outcomes: Column,
        settled_ns: Column,
        partitions: Column,
        positions: Column,
        errors: Column,
    ) -> None:
        if self._table is None:
            return
        self._table.append(
            len(settled),
            {
                "attempt": settled.attempts,
                "submitted_ns": settled.submitted_ns,
                "channel": 0,
                "outcome": outcomes,
                "settled_ns": settled_ns,
                "partition": partitions,
                "position": positions,
                "error": errors,
            },
            settled.rows,
        )

    def _plan_resends(self, outcomes: Outcomes, settled: SettledRows) -> None:
        resend = self._spec.workload.resend
        again = (outcomes.outcomes != Outcome.OK) & (settled.attempts < resend.max)
        if not resend.max or not again.any():
            return
        due = time.monotonic_ns() + int(resend.backoff * 1e9)
        payloads = self._ledger.payloads_of(outcomes.indexes)
        for place in np.flatnonzero(again).tolist():
            self._resend_order += 1
            heapq.heappush(
                self._resends,
                (
                    due,
                    self._resend_order,
                    envelope.unpack([payloads[place]])[0],
                    payloads[place],
                    int(settled.attempts[place]) + 1,
                ),
            )

    def _error_number(self, text: str) -> int:
        """0 for none; otherwise a number unique to this producer and text (see ``errors`` of the history's meta)."""
        if not text:
            return 0
        if text not in self._errors and len(self._errors) >= ERRORS_MAX - 1:
            text = "other errors"
        place = self._errors.setdefault(text, len(self._errors))
        return 1 + self._spec.producer * ERRORS_MAX + place

    @property
    def errors(self) -> dict[int, str]:
        return {self._error_number(text): text for text in list(self._errors)}

    def close(self, timeout_s: float) -> None:
        self._part(timeout_s)
        self._kept.close()
        self._events.close()


class _Source:
    """Where a phase's messages come from."""

    offered = 0

    def due(self, room: int, now: int) -> tuple[envelope.Envelopes, list[bytes]]:
        raise NotImplementedError

    def left(self) -> bool:
        raise NotImplementedError

    def next_due_ns(self, now: int) -> int:
        raise NotImplementedError

    def abandon(self) -> int:
        """How many were intended and never drawn."""
        return 0


class _ScheduledSource(_Source):
    """Paced and burst phases: every message has an intended time."""

    def __init__(self, stream: MessageStream, command: RunPhase) -> None:
        self._times = stream.offsets_ns(command.index) + command.start_ns
        self._chunks = stream.chunks(command.index)
        self._place = 0

    def due(self, room: int, now: int) -> tuple[envelope.Envelopes, list[bytes]]:
        end = min(int(np.searchsorted(self._times, now, side="right")), self._place + room)
        if end <= self._place:
            return envelope.empty(0), []
        rows, payloads = _packed(self._chunks, self._times[self._place : end])
        self._place += len(rows)
        self.offered += len(rows)
        return rows, payloads

    def left(self) -> bool:
        return self._place < len(self._times)

    def next_due_ns(self, now: int) -> int:
        return int(self._times[self._place]) if self.left() else now + 1_000_000_000

    def abandon(self) -> int:
        rest = len(self._times) - self._place
        self._place = len(self._times)
        return rest


class _FloodSource(_Source):
    """As fast as possible for a time: closed loop, so the intended time is the moment of drawing and means nothing."""

    def __init__(self, stream: MessageStream, command: RunPhase, phase: Phase) -> None:
        assert phase.for_ is not None
        assert phase.flood is not None
        self._chunks = stream.chunks(command.index)
        self._start_ns = command.start_ns
        self._end_ns = command.start_ns + int(phase.for_ * 1e9)
        self._most = phase.flood.max_messages if phase.flood.max_messages is not None else 1 << 62
        self._over = False

    def due(self, room: int, now: int) -> tuple[envelope.Envelopes, list[bytes]]:
        if now < self._start_ns or not self.left():
            return envelope.empty(0), []
        count = min(room, self._most - self.offered)
        rows, payloads = _packed(self._chunks, np.full(count, now))
        self.offered += len(rows)
        return rows, payloads

    def left(self) -> bool:
        self._over = self._over or time.monotonic_ns() >= self._end_ns or self.offered >= self._most
        return not self._over

    def next_due_ns(self, now: int) -> int:
        if now < self._start_ns:
            return self._start_ns
        return now if self.left() else now + 1_000_000_000


def _packed(
    chunks: PhaseChunks, times: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[envelope.Envelopes, list[bytes]]:
    rows, bodies = chunks.take(len(times))
    rows = rows.copy()
    rows["intended_ns"] = times[: len(rows)]
    return rows, envelope.pack(rows, bodies)


def _power_of_two(least: int) -> int:
    return 1 << max(4, (least - 1).bit_length())
