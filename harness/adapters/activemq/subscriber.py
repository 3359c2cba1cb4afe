"""A member of a group: the broker pushes up to the prefetch into a buffer, ``receive`` takes from it, ``settle`` acknowledges each."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from harness.adapters.activemq import frames
from harness.adapters.activemq.destinations import DEAD_PREFIX, QUEUE, Destinations
from harness.adapters.activemq.headers import (
    GROUP,
    LANE,
    lane_of,
    notes_headers,
    notes_of,
    reason_of,
    redelivered,
)
from harness.adapters.activemq.link import Frame, Link
from harness.adapters.activemq.publisher import expires_ms
from harness.adapters.emulation.notes import Notes
from harness.errors import BrokerUnavailable, Unsupported
from harness.model.broker import BrokerInfo
from harness.model.messages import (
    DEAD_LETTERS,
    Deliveries,
    DeliveryBuffer,
    Disposition,
    DispositionKind,
    Outcome,
    Reason,
    Settled,
)

RETRY_FRAMES_MAX = 100  # copies under way at a time


class Delivery(NamedTuple):
    """One message in the client's buffer, and the handle that ``receive`` gives out for it."""

    payload: bytes
    received_ns: int
    ack_id: str
    queue: str
    lane: int
    redelivered: bool
    priority: str
    notes: Notes
    reason: Reason


class ActivemqSubscriber:
    def __init__(self, broker: BrokerInfo, destinations: Destinations, group: str) -> None:
        self._destinations = destinations
        self._dead = group == DEAD_LETTERS
        self._changed = threading.Condition()
        self._buffer: deque[Delivery] = deque()
        self._numbers = itertools.count(1)
        self._link = Link(broker, on_message=self._on_message, on_lost=self._wake)
        self._link.open()
        try:
            for place, queue in enumerate(destinations.read_by(group)):
                self._subscribe(str(place), queue)
        except BrokerUnavailable:
            self._link.abort()
            raise

    def _subscribe(self, subscription: str, queue: str) -> None:
        headers = [
            ("id", subscription),
            ("destination", QUEUE + queue),
            ("ack", "client-individual"),
            ("activemq.prefetchSize", str(self._destinations.needs.prefetch)),
            ("receipt", f"s{subscription}"),
        ]
        problem = self._link.ask(f"s{subscription}", frames.frame("SUBSCRIBE", headers))
        if problem:
            raise BrokerUnavailable(f"cannot subscribe to {queue}: {problem}")

    # -- the caller's thread ----------------------------------------------------------------------------------------

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        with self._changed:
            if not self._buffer and not self._link.lost and timeout_s > 0:
                self._changed.wait_for(lambda: bool(self._buffer) or self._link.lost != "", timeout_s)
            self._link.check()
            rows = [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]
        if not self._dead and any(row.notes.expires_ns for row in rows):
            rows = self._without_expired(rows)
        handed = DeliveryBuffer()
        for row in rows:
            handed.add(
                row.payload,
                row.received_ns,
                row,
                partition=row.lane,
                redelivered=int(row.redelivered),
                attempt=row.notes.attempt,
                reason=row.reason,
            )
        return handed.drain()

    def _without_expired(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """The broker checks when it dispatches; what expires in the client's buffer the client must see (JMS clients do)."""
        now_ns = time.monotonic_ns()
        late = [row for row in rows if 0 < row.notes.expires_ns <= now_ns]
        if late:
            self._link.send(b"".join(self._bury_expired(row) for row in late))
        return [row for row in rows if not 0 < row.notes.expires_ns <= now_ns]

    def _bury_expired(self, row: Delivery) -> bytes:
        """One transaction: a copy with the reason into the dead letters, and the acknowledgement."""
        name = f"x{next(self._numbers)}"
        start = self._copy_head(DEAD_PREFIX + row.queue, row, replace(row.notes, reason=Reason.EXPIRED))
        copy = frames.send(start + f"transaction:{name}\n".encode(), row.payload)
        acknowledged = frames.ack(row.ack_id, transaction=name)
        return b"".join([frames.begin(name), copy, acknowledged, frames.commit(name)])

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._link.check()
        rows = [handle for handle in deliveries.handles if isinstance(handle, Delivery)]
        if how.kind is DispositionKind.ABANDON:
            self._link.abort()
            return Settled(Outcome.OK)
        if how.kind is DispositionKind.RETRY:
            return self._retry(rows, how.after_ms)
        if rows:
            dead = how.kind is DispositionKind.DEAD and self._destinations.needs.dead_letter
            answer = frames.nack if dead else frames.ack
            self._link.send(b"".join([answer(row.ack_id) for row in rows]))
        return Settled(Outcome.OK)

    def _retry(self, rows: Sequence[Delivery], after_ms: int) -> Settled:
        """A delayed copy of each; the broker has stored it before the original is acknowledged."""
        copies = 0
        error = ""
        for start in range(0, len(rows), RETRY_FRAMES_MAX):
            part = rows[start : start + RETRY_FRAMES_MAX]
            receipts = [f"r{next(self._numbers)}" for _ in part]
            sends = [self._retry_frame(row, after_ms, name) for row, name in zip(part, receipts, strict=True)]
            problems = self._link.ask_all(receipts, b"".join(sends))
            done = [row for row, problem in zip(part, problems, strict=True) if not problem]
            if done:
                self._link.send(b"".join([frames.ack(row.ack_id) for row in done]))
            copies += len(done)
            error = next(filter(None, problems), error)
        return Settled(Outcome.FAIL if error else Outcome.OK, copies, error)

    def _retry_frame(self, row: Delivery, after_ms: int, receipt: str) -> bytes:
        start = self._copy_head(row.queue, row, replace(row.notes, attempt=row.notes.attempt + 1))
        extra = f"AMQ_SCHEDULED_DELAY:{after_ms}\n" if after_ms > 0 else ""
        if row.notes.expires_ns:
            extra += f"expires:{expires_ms(row.notes.expires_ns)}\n"
        return frames.send(start + f"{extra}receipt:{receipt}\n".encode(), row.payload)

    def _copy_head(self, queue: str, row: Delivery, notes: Notes) -> bytes:
        headers = [
            ("destination", QUEUE + queue),
            ("persistent", "true" if self._destinations.persistent else "false"),
            *notes_headers(notes),
        ]
        if row.lane >= 0:
            headers += [(GROUP, str(row.lane)), (LANE, str(row.lane))]
        if self._destinations.prioritized:
            headers.append(("priority", row.priority))
        return frames.head("SEND", headers)

    def rewind(self) -> None:
        raise Unsupported("ActiveMQ keeps nothing that was acknowledged: there is no replay")

    def close(self) -> None:
        self._link.close()

    # -- stomp.py's receiver thread ---------------------------------------------------------------------------------

    def _on_message(self, frame: Frame) -> None:
        now_ns = time.monotonic_ns()
        headers = frame.headers
        delivery = Delivery(
            frame.body,
            now_ns,
            headers["ack"],
            headers["destination"].removeprefix(QUEUE),
            lane_of(headers),
            redelivered(headers),
            headers.get("priority", "4"),
            notes_of(headers),
            reason_of(headers) if self._dead else Reason.NONE,
        )
        with self._changed:
            self._buffer.append(delivery)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
