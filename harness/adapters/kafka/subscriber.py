"""A member of a group: receives, settles, commits; and emulates on plain topics what Kafka has no word for.

Plain workloads go straight through: what the library read is handed out as it came. Where a workload needs priorities, expiry or
retries, what is read is first sorted into buffers here: by class, and by due time for what came from a retry topic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.adapters.emulation import notes
from harness.adapters.emulation.notes import Notes
from harness.adapters.emulation.priority_lanes import PriorityLanes
from harness.adapters.emulation.retry_ladder import WaitingRoom
from harness.adapters.kafka import settings
from harness.adapters.kafka.copies import Copies, insist
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.ports import COMMITTED, Copier, Copy, Fetched, LogConsumer, Owner
from harness.adapters.kafka.progress import Progress
from harness.adapters.kafka.reach import reachable
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import (
    DEAD_LETTERS,
    NO_DELIVERIES,
    UNKNOWN,
    Deliveries,
    DeliveryBuffer,
    Disposition,
    DispositionKind,
    Int64s,
    Outcome,
    Reason,
    Settled,
)
from harness.model.workload import Needs

CANNOT_SAY = 2  # the protocol does not tell a first delivery from a later one
FETCH_MAX = 500
BUFFER_MIN = 200  # messages of one class read ahead before its topic is paused
WAITING_MAX = 10_000  # retries not due yet that one member reads ahead
COMMIT_ANSWER_S = 2 * settings.REQUEST_TIMEOUT_MS / 1000  # later it is taken for lost
REWIND_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Entry:
    """One message on its way through the buffers."""

    lane: int
    offset: int
    payload: bytes
    received_ns: int
    raw: object
    noted: Notes


class KafkaSubscriber:
    """``make_consumer`` and ``make_copier`` hide the client library."""

    def __init__(
        self,
        broker: BrokerInfo,
        layout: Layout,
        needs: Needs,
        group: str,
        make_consumer: Callable[[Owner], LogConsumer],
        make_copier: Callable[[], Copier],
    ) -> None:
        self._broker = broker
        self._layout = layout
        self._group = group
        self._prefetch = needs.prefetch
        self._dead_reader = group == DEAD_LETTERS
        self._rungs = () if self._dead_reader else layout.rungs[group]
        self._levels = 1 if self._dead_reader else len(layout.classes)
        self._expiry = needs.expiry and not self._dead_reader
        self._direct = self._levels == 1 and not self._expiry and not self._rungs and not self._dead_reader
        self._ready_entries: PriorityLanes[Entry] = PriorityLanes(self._levels, max(BUFFER_MIN, 2 * needs.prefetch))
        self._waiting: WaitingRoom[Entry] = WaitingRoom()
        self._paused: set[int] = set()  # lanes
        self._progress = Progress()
        self._assigned = False
        self._gone = False
        self._expired_copies = 0
        self._committed_at = time.monotonic()
        self._commit_asked_at: float | None = None
        self._consumer = make_consumer(self)
        self._copies = Copies(layout, group, self._consumer, make_copier)

    # --- what the client library tells us, inside fetch

    def assigned(self, lanes: list[int]) -> None:
        self._progress.assign(lanes)
        self._paused -= set(lanes)
        self._assigned = True

    def revoked(self, lanes: list[int], *, lost: bool) -> None:
        if not lost and not self._gone:
            self._consumer.commit(self._progress.to_commit(lanes), wait=True)
        gone = set(lanes)
        self._progress.revoke(lanes)
        self._ready_entries.drop(lambda entry: entry.lane in gone)
        self._waiting.drop(lambda entry: entry.lane in gone)
        self._assigned = False

    def commit_failed(self, lanes: list[int]) -> None:
        self._progress.commit_failed(lanes)

    def commit_answered(self) -> None:
        self._commit_asked_at = None

    def ready(self) -> bool:
        """The group has given this member its share."""
        return self._assigned

    def held(self) -> int:
        """Messages that were handed out and are not settled."""
        return self._progress.open_count() - len(self._ready_entries) - len(self._waiting)

    def next_up(self) -> tuple[int, int]:
        """Of what ``receive`` would hand out now the highest class, and how many it holds; (-1, 0) for nothing. Waits for nothing."""
        self._check()
        self._sort_in(self._consumer.fetch(FETCH_MAX, self._consumer.glance_s))
        self._take_due(time.monotonic_ns())
        self._commit_if_due()
        return self._ready_entries.top()

    # --- receiving

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        self._check()
        deadline = time.monotonic() + timeout_s
        room = min(limit, self._prefetch - self.held())
        while True:
            wait_s = self._patience_s(deadline)
            if self._direct and room > 0 and not len(self._ready_entries) and not self._paused:
                fetched = self._consumer.fetch(room, wait_s)
                deliveries = self._hand_over(fetched) if len(fetched) else NO_DELIVERIES
            else:
                at_once = room > 0 and len(self._ready_entries) > 0
                self._sort_in(self._consumer.fetch(FETCH_MAX, self._glance_s() if at_once else wait_s))
                deliveries = self._pick(room) if room > 0 else NO_DELIVERIES
            self._commit_if_due()
            if len(deliveries) or time.monotonic() >= deadline:
                return deliveries

    def _glance_s(self) -> float:
        """What is ready waits for a look at the classes above it; the highest waits for nothing."""
        return 0.0 if self._ready_entries.top()[0] == self._levels - 1 else self._consumer.glance_s

    def _patience_s(self, deadline: float) -> float:
        """How long a fetch may wait: not past the deadline, a commit or a retry that comes due."""
        now = time.monotonic()
        until = deadline
        if self._progress.pending():
            until = min(until, max(now, self._commit_due_at()))
        due_ns = self._waiting.next_due_ns()
        if due_ns is not None:
            until = min(until, due_ns / 1e9)
        return max(0.0, until - now)

    def _commit_due_at(self) -> float:
        """While one is on its way nothing is due: a broker that is away must not be asked, or waited for, in a busy loop."""
        due = self._committed_at + settings.COMMIT_EVERY_S
        return due if self._commit_asked_at is None else max(due, self._commit_asked_at + COMMIT_ANSWER_S)

    def _hand_over(self, fetched: Fetched) -> Deliveries:
        """The direct way: columns as they came."""
        count = len(fetched)
        self._progress.read(fetched.lanes, fetched.offsets)
        return Deliveries(
            payloads=fetched.payloads,
            partitions=fetched.lanes,
            positions=fetched.offsets,
            received_ns=np.full(count, fetched.received_ns, dtype=np.int64),
            redelivered=np.full(count, CANNOT_SAY, dtype=np.uint8),
            delivery_counts=np.full(count, UNKNOWN, dtype=np.int16),
            attempts=np.zeros(count, dtype=np.int16),
            reasons=np.zeros(count, dtype=np.uint8),
            handles=fetched.raws,
        )

    def _sort_in(self, fetched: Fetched) -> None:
        """The sorted way: by class, or into the waiting room until due."""
        if len(fetched):
            self._progress.read(fetched.lanes, fetched.offsets)
        now_ns = time.monotonic_ns()
        rows = zip(fetched.payloads, fetched.lanes.tolist(), fetched.offsets.tolist(), fetched.raws, strict=True)
        for payload, lane, offset, raw in rows:
            noted = notes.read(self._consumer.headers_of(raw))
            entry = Entry(lane, offset, payload, fetched.received_ns, raw, noted)
            if noted.due_ns > now_ns and not self._dead_reader:
                self._waiting.put(noted.due_ns, entry)
            else:
                self._ready_entries.put(self._layout.level_of(entry.lane, entry.noted.priority), entry)
        self._hold_back()

    def _hold_back(self) -> None:
        """Pause the topics of classes that are read ahead far enough, and go on with those that are not any more."""
        pause: list[int] = []
        resume: list[int] = []
        for lane in self._progress.owned():
            topic = lane // self._layout.partitions
            if topic < self._levels:
                full, low = self._ready_entries.full(topic), self._ready_entries.low(topic)
            else:
                full, low = len(self._waiting) >= WAITING_MAX, len(self._waiting) * 2 <= WAITING_MAX
            if full and lane not in self._paused:
                pause.append(lane)
            elif low and lane in self._paused:
                resume.append(lane)
        if pause:
            self._consumer.pause(pause)
            self._paused |= set(pause)
        if resume:
            self._consumer.resume(resume)
            self._paused -= set(resume)

    def _pick(self, room: int) -> Deliveries:
        now_ns = time.monotonic_ns()
        self._take_due(now_ns)
        picked: list[Entry] = []
        expired: list[Entry] = []
        while len(picked) < room and (entry := self._ready_entries.take()) is not None:
            late = self._expiry and 0 < entry.noted.expires_ns <= now_ns
            (expired if late else picked).append(entry)
        if expired:
            self._bury(expired)
        return self._columns(picked, now_ns) if picked else NO_DELIVERIES

    def _take_due(self, now_ns: int) -> None:
        while (due := self._waiting.take_due(now_ns)) is not None:
            self._ready_entries.put(self._layout.level_of(due.lane, due.noted.priority), due)

    def _columns(self, picked: list[Entry], now_ns: int) -> Deliveries:
        """``received_ns`` is when the member gets it: time spent in these buffers is the emulation's cost."""
        buffer = DeliveryBuffer()
        for entry in picked:
            buffer.add(
                entry.payload,
                now_ns,
                entry.raw,
                partition=entry.lane,
                position=entry.offset,
                redelivered=CANNOT_SAY,
                attempt=entry.noted.attempt,
                reason=int(entry.noted.reason) if self._dead_reader else Reason.NONE,
            )
        return buffer.drain()

    # --- settling

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._check()
        if how.kind is DispositionKind.ABANDON:
            self._leave()
            return Settled(Outcome.OK)
        lanes, offsets = deliveries.partitions, deliveries.positions
        ours = self._progress.open(lanes, offsets)
        revoked = len(ours) - int(ours.sum())
        if revoked:
            deliveries = deliveries.take(np.flatnonzero(ours).tolist())
            lanes, offsets = deliveries.partitions, deliveries.positions
        copies, self._expired_copies = self._expired_copies, 0
        if how.kind is DispositionKind.RETRY:
            copies += self._move(self._copies.retries(deliveries, how.after_ms), lanes, offsets)
        elif how.kind is DispositionKind.DEAD and self._layout.dead:
            copies += self._move(self._copies.dead_letters(deliveries), lanes, offsets)
        else:
            self._progress.settle(lanes, offsets)
        self._commit_if_due()
        if revoked:
            return Settled(
                Outcome.INFO, copies, f"{revoked} came from a partition that was taken away: they come again"
            )
        return Settled(Outcome.OK, copies)

    def _bury(self, expired: list[Entry]) -> None:
        """Expired messages were never handed out: move them aside here and now."""
        lanes = np.array([entry.lane for entry in expired], dtype=np.int32)
        offsets = np.array([entry.offset for entry in expired], dtype=np.int64)
        if not self._layout.dead:
            self._progress.settle(lanes, offsets)
            return
        letters = [
            self._copies.dead_letter(entry.payload, entry.raw, entry.noted.attempt, Reason.EXPIRED) for entry in expired
        ]
        self._expired_copies += self._move(letters, lanes, offsets)

    def _move(self, copies: list[Copy], lanes: npt.NDArray[np.int32], offsets: Int64s) -> int:
        """Publish copies, then settle the originals of those that are safe."""
        good = self._copies.publish(copies)
        self._progress.settle(lanes[good], offsets[good])
        insist(copies, good)
        return len(copies)

    def _commit_if_due(self) -> None:
        now = time.monotonic()
        early = now - self._committed_at < settings.COMMIT_EVERY_S
        if early and self._progress.settled_since_commit < settings.COMMIT_EVERY_MESSAGES:
            return
        if self._commit_asked_at is not None and now - self._commit_asked_at < COMMIT_ANSWER_S:
            return  # one at a time: a commit that a library sends again after a lost broker could overtake a later one
        if self._progress.pending():
            self._commit_asked_at = now
            self._consumer.commit(self._progress.to_commit(), wait=False)
        self._committed_at = now

    # --- replay, the end

    def rewind(self) -> None:
        self._check()
        deadline = time.monotonic() + REWIND_TIMEOUT_S
        while not self._assigned:
            self._sort_in(self._consumer.fetch(1, 0.1))
            if time.monotonic() >= deadline:
                raise BrokerUnavailable("the group gave this member no share to rewind")
        owned = self._progress.owned()
        classes = len(self._layout.classes) * self._layout.partitions
        positions = self._consumer.start_offsets([lane for lane in owned if lane < classes])
        self._consumer.commit(self._progress.to_commit() | positions, wait=True)
        positions |= {lane: COMMITTED for lane in owned if lane >= classes}  # retries are not history
        self._progress.assign(owned)
        self._ready_entries.drop(lambda entry: True)
        self._waiting.drop(lambda entry: True)
        self._consumer.seek(positions)
        if self._paused:
            self._consumer.resume(sorted(self._paused))
            self._paused.clear()

    def close(self) -> None:
        if self._gone:
            return
        if reachable(self._broker):
            self._consumer.commit(self._progress.to_commit(), wait=True)
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        self._consumer.close()
        self._copies.close()

    def _check(self) -> None:
        if self._gone:
            raise BrokerUnavailable("this subscriber was closed or abandoned its connection")
