"""A member of a group: the broker pushes up to the prefetch into a buffer, ``receive`` takes from it, ``settle`` acknowledges."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from harness.adapters.emulation.notes import Notes
from harness.adapters.emulation.retry_ladder import rung_for
from harness.adapters.rabbitmq import frames
from harness.adapters.rabbitmq.copies import CopyPublisher
from harness.adapters.rabbitmq.headers import delivery_count_of, notes_of, reason_of
from harness.adapters.rabbitmq.lanes import LanePost, Lanes
from harness.adapters.rabbitmq.link import Connection, Link
from harness.adapters.rabbitmq.topology import Topology
from harness.errors import Unsupported
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


class Delivery(NamedTuple):
    """One message in the client's buffer, and the handle that ``receive`` gives out for it."""

    payload: bytes
    received_ns: int
    post: LanePost
    tag: int
    redelivered: bool
    delivery_count: int
    priority: int
    notes: Notes
    reason: Reason


class RabbitmqSubscriber:
    """``topology`` says which queues the group has; with lanes, ``lanes.Lanes`` spreads them over the members."""

    def __init__(self, broker: BrokerInfo, topology: Topology, group: str, member: int) -> None:
        self._topology = topology
        self._dead = group == DEAD_LETTERS
        self._changed = threading.Condition()
        self._buffer: deque[Delivery] = deque()
        self._link = Link(broker, self._prepare, self._wake)
        self._lanes = Lanes(self._link, self._changed, topology, group, member, self._on_message, self._withdraw)
        self._copies: CopyPublisher | None = None
        if not self._dead and (topology.rungs_ms or topology.needs.expiry or topology.needs.retry):
            self._copies = CopyPublisher(
                self._link, self._lanes.channels + 1, self._changed, persistent=topology.persistent
            )
        self._link.open()

    def ready(self) -> bool:
        """Whether this member's consumers are all in place."""
        return not self._link.lost and self._lanes.ready()

    def unsettled(self) -> int:
        """Messages that the broker has handed to this member and that are not acknowledged."""
        with self._changed:
            return 0 if self._link.lost else sum(len(post.unsettled) for post in self._lanes.posts)

    # -- the caller's thread ----------------------------------------------------------------------------------------

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        with self._changed:
            if not self._buffer and not self._link.lost and timeout_s > 0:
                self._changed.wait_for(lambda: bool(self._buffer) or self._link.lost != "", timeout_s)
            self._link.check()
            rows = [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]
        if any(row.notes.expires_ns for row in rows):
            rows = self._without_expired(rows)
        handed = DeliveryBuffer()
        for row in rows:
            handed.add(
                row.payload,
                row.received_ns,
                row,
                partition=row.post.lane,
                position=row.tag,
                redelivered=int(row.redelivered),
                delivery_count=row.delivery_count,
                attempt=row.notes.attempt,
                reason=row.reason,
            )
        return handed.drain()

    def _without_expired(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """What a careful consumer checks itself: the broker's expiry does not reach the prefetch buffer or a retried message."""
        if self._dead:
            return list(rows)
        now_ns = time.monotonic_ns()
        late = [row for row in rows if 0 < row.notes.expires_ns <= now_ns]
        for row in late:
            if self._topology.needs.dead_letter and self._copies is not None:
                notes = replace(row.notes, reason=Reason.EXPIRED)
                self._copies.publish(self._topology.dead_queue, [(row.payload, notes, row.priority)])
        if late:
            self._acknowledge(late)
        return [row for row in rows if not 0 < row.notes.expires_ns <= now_ns]

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._link.check()
        rows = [handle for handle in deliveries.handles if isinstance(handle, Delivery)]
        if how.kind is DispositionKind.ABANDON:
            self._link.abort()
            return Settled(Outcome.OK)
        if how.kind is DispositionKind.RETRY:
            return self._retry(rows, how.after_ms)
        if how.kind is DispositionKind.DEAD:
            self._reject(rows, requeue=False)
        else:
            self._acknowledge(rows)
        return Settled(Outcome.OK)

    def _acknowledge(self, rows: Sequence[Delivery]) -> None:
        written: list[bytes] = []
        with self._changed:
            for post in {row.post for row in rows}:
                tags = [row.tag for row in rows if row.post is post]
                written += [frames.ack(post.number, tag, multiple=multiple) for tag, multiple in post.acknowledge(tags)]
        self._send(written, rows)

    def _send(self, written: Sequence[bytes], rows: Sequence[Delivery]) -> None:
        if written:
            self._link.send(b"".join(written))
        for post in {row.post for row in rows if row.post.closing}:
            self._lanes.settled(post)

    def _reject(self, rows: Sequence[Delivery], *, requeue: bool) -> None:
        written: list[bytes] = []
        with self._changed:
            for post in {row.post for row in rows}:
                tags = [row.tag for row in rows if row.post is post]
                written += [frames.reject(post.number, tag, requeue=requeue) for tag in post.remove(tags)]
        self._send(written, rows)

    def _retry(self, rows: Sequence[Delivery], after_ms: int) -> Settled:
        """Copy each onto the rung of its delay, wait for the confirms, then acknowledge the originals."""
        rungs = self._topology.rungs_ms
        if self._copies is None or not rungs:
            raise Unsupported("this plan has no retry ladder: the workload's needs.retry is not set")
        rung = rungs[rung_for(rungs, after_ms)]
        error = ""
        copies = 0
        for post in {row.post for row in rows}:
            mine = [row for row in rows if row.post is post]
            queue = self._topology.wait_queue(post.queue, rung)
            again = [(row.payload, replace(row.notes, attempt=row.notes.attempt + 1), row.priority) for row in mine]
            failures = self._copies.publish(queue, again)
            self._acknowledge([row for row, failed in zip(mine, failures, strict=True) if not failed])
            self._reject([row for row, failed in zip(mine, failures, strict=True) if failed], requeue=True)
            copies += failures.count("")
            error = next(filter(None, failures), error)
        return Settled(Outcome.FAIL if error else Outcome.OK, copies, error)

    def rewind(self) -> None:
        raise Unsupported("RabbitMQ's classic and quorum queues keep nothing that was acknowledged: there is no replay")

    def close(self) -> None:
        self._link.close()

    # -- the link's thread ------------------------------------------------------------------------------------------

    def _prepare(self, connection: Connection) -> None:
        self._lanes.prepare(connection)
        if self._copies is not None:
            self._copies.prepare(connection)

    def _on_message(self, post: LanePost, method: Any, properties: Any, body: bytes) -> None:
        now_ns = time.monotonic_ns()
        headers = properties.headers
        delivery = Delivery(
            body,
            now_ns,
            post,
            method.delivery_tag,
            method.redelivered,
            delivery_count_of(headers),
            properties.priority or 0,
            notes_of(headers),
            reason_of(headers) if self._dead else Reason.NONE,
        )
        with self._changed:
            if post.closing:
                return  # goes back with the channel
            post.unsettled.add(method.delivery_tag)
            self._buffer.append(delivery)
            self._changed.notify_all()

    def _withdraw(self, post: LanePost) -> None:
        """Forget what was not handed out yet from a lane that is given back; the broker hands it to the next. Holds the lock."""
        post.remove(row.tag for row in self._buffer if row.post is post)
        self._buffer = deque(row for row in self._buffer if row.post is not post)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
