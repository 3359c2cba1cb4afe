"""A publisher: local transactions, a few of them under way at a time, each settled by the receipt of its COMMIT.

A thread of its own takes whatever has been submitted and sends it as one transaction: a single message at a low rate, and many when they
come faster than the broker commits. So a message never waits for others to come, and the broker syncs its journal once a transaction, not
once a message. A message that is alone and goes to one queue needs no transaction, only a receipt of its own; one that is copied into
several needs it, because without one the broker syncs after each copy, and a kill between leaves some groups with it and some without.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from typing import NamedTuple

from harness.adapters.activemq import frames
from harness.adapters.activemq.chunks import Chunks, Verdict
from harness.adapters.activemq.destinations import Destinations
from harness.adapters.activemq.headers import GROUP, LANE, notes_headers
from harness.adapters.activemq.link import Frame, Link, error_text
from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import Outcome, OutcomeBuffer, Outcomes, OutgoingBatch

UNDER_WAY_MAX = 2  # one that the broker works on, and one that is ready when it has done so
CHUNK_ROWS_MAX = 500
CHUNK_BYTES_MAX = 4 << 20


def expires_ms(expires_ns: int) -> int:
    """A deadline of the monotonic clock as ActiveMQ wants it: milliseconds since 1970, rounded down."""
    return (time.time_ns() + expires_ns - time.monotonic_ns()) // 1_000_000


class Row(NamedTuple):
    number: int
    payload: bytes
    key: bytes | None
    level: int  # the priority class
    expires_ns: int


class SendHeads:
    """Command and headers of a SEND, ready but for what differs from message to message. Kept by lane and priority."""

    def __init__(self, destinations: Destinations) -> None:
        self._target = destinations.target
        self._persistent = "true" if destinations.persistent else "false"
        self._lanes = destinations.lanes
        self._priorities = destinations.priorities
        self._ready: dict[tuple[int, int], bytes] = {}

    def of(self, row: Row) -> bytes:
        lane = -1 if not self._lanes else 0 if row.key is None else zlib.crc32(row.key) % self._lanes
        kind = (lane, self._priorities[min(row.level, len(self._priorities) - 1)])
        start = self._ready.get(kind)
        if start is None:
            start = self._ready[kind] = frames.head("SEND", self._headers(*kind))
        if row.expires_ns:
            expiry = [("expires", str(expires_ms(row.expires_ns))), *notes_headers(Notes(expires_ns=row.expires_ns))]
            start += "".join(f"{name}:{value}\n" for name, value in expiry).encode()
        return start

    def _headers(self, lane: int, priority: int) -> list[frames.Header]:
        headers = [("destination", self._target), ("persistent", self._persistent)]
        if lane >= 0:
            headers += [(GROUP, str(lane)), (LANE, str(lane))]
        return headers + ([("priority", str(priority))] if len(self._priorities) > 1 else [])


class ActivemqPublisher:
    def __init__(self, broker: BrokerInfo, destinations: Destinations, window: int) -> None:
        self._heads = SendHeads(destinations)
        self._copied = len(destinations.needs.groups) > 1
        self._window = window
        self._changed = threading.Condition()
        self._queue: deque[Row] = deque()
        self._chunks = Chunks()
        self._buffer = OutcomeBuffer()
        self._closing = False
        self._link = Link(broker, on_receipt=self._on_receipt, on_error=self._on_error, on_lost=self._wake)
        self._link.open()
        self._sender = threading.Thread(target=self._send_all, name="stomp-publisher", daemon=True)
        self._sender.start()

    # -- the caller's thread ----------------------------------------------------------------------------------------

    def submit(self, batch: OutgoingBatch) -> int:
        self._link.check()
        with self._changed:
            room = min(len(batch), self._window - self._chunks.messages - len(self._queue))
            if room <= 0:
                return 0
            payloads, ttls_ms = batch.payloads[:room], batch.ttls_ms[:room]
            expires = deadlines_ns(payloads, ttls_ms, time.monotonic_ns())
            self._queue.extend(map(Row, batch.indexes[:room], payloads, batch.keys, batch.classes, expires))
            self._changed.notify_all()
            return room

    def poll(self, timeout_s: float) -> Outcomes:
        with self._changed:
            if not len(self._buffer) and not self._link.lost and timeout_s > 0:
                self._changed.wait_for(lambda: len(self._buffer) > 0 or self._link.lost != "", timeout_s)
            if len(self._buffer):
                return self._buffer.drain()
        self._link.check()
        with self._changed:  # a receipt may arrive just now: what it adds must not fall between drain's two steps
            return self._buffer.drain()

    def close(self, timeout_s: float) -> Outcomes:
        with self._changed:
            self._changed.wait_for(
                lambda: (not self._queue and not len(self._chunks)) or self._link.lost != "", timeout_s
            )
            why = self._link.lost or "closed before it was acknowledged"
            self._closing = True
            self._changed.notify_all()
        self._link.close()
        self._sender.join()
        now_ns = time.monotonic_ns()
        with self._changed:
            for index in [*self._chunks.abandon(), *(row.number for row in self._queue)]:
                self._buffer.add(index, Outcome.INFO, now_ns, error=why)
            self._queue.clear()
            return self._buffer.drain()

    # -- the sender's thread ----------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._something_to_do)
                if self._link.lost or self._closing:
                    return
                rows = self._next_rows()
                name = self._chunks.begin([row.number for row in rows])
            try:
                self._link.send(self._frames(name, rows))
            except BrokerUnavailable:
                return  # the caller learns it from the link

    def _something_to_do(self) -> bool:
        return bool(self._queue and len(self._chunks) < UNDER_WAY_MAX) or self._closing or self._link.lost != ""

    def _next_rows(self) -> list[Row]:
        rows: list[Row] = []
        size = 0
        while self._queue and len(rows) < CHUNK_ROWS_MAX and size < CHUNK_BYTES_MAX:
            rows.append(self._queue.popleft())
            size += len(rows[-1].payload)
        return rows

    def _frames(self, name: str, rows: list[Row]) -> bytes:
        if len(rows) == 1 and not self._copied:
            return frames.send(self._heads.of(rows[0]) + b"receipt:%b\n" % name.encode(), rows[0].payload)
        within = b"transaction:%b\n" % name.encode()
        sends = [frames.send(self._heads.of(row) + within, row.payload) for row in rows]
        return b"".join([frames.begin(name), *sends, frames.commit(name)])

    # -- the receiver's thread --------------------------------------------------------------------------------------

    def _on_receipt(self, name: str) -> None:
        now_ns = time.monotonic_ns()
        with self._changed:
            self._settle(self._chunks.received(name), now_ns)

    def _on_error(self, frame: Frame) -> None:
        now_ns = time.monotonic_ns()
        with self._changed:
            self._settle(self._chunks.refused(frame.headers.get("receipt-id", ""), error_text(frame)), now_ns)

    def _settle(self, verdict: Verdict, now_ns: int) -> None:
        for index in verdict.indexes:
            self._buffer.add(index, verdict.outcome, now_ns, error=verdict.error)
        self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
