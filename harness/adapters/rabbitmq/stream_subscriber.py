"""A member of a group that reads streams: lanes by token, places by note, what failed comes back through classic queues.

A stream over AMQP 0-9-1 hands everything to everybody and takes nothing back. So a member reads only the lanes whose token it holds
(``lanes.Lanes`` spreads them), an acknowledgement towards the broker is nothing but credit for more, and what counts as settled is the
place that the member writes down (``place_book``), a few times a second and when it leaves. A crash returns everything after that place.
"""

from __future__ import annotations

import functools
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
from harness.adapters.rabbitmq.headers import notes_of
from harness.adapters.rabbitmq.lanes import LanePost, Lanes
from harness.adapters.rabbitmq.link import CLOSE_TIMEOUT_S, Connection, Link
from harness.adapters.rabbitmq.place_book import PlaceBook
from harness.adapters.rabbitmq.places import Place
from harness.adapters.rabbitmq.reader import LaneReader
from harness.adapters.rabbitmq.topology import Topology
from harness.errors import BrokerUnavailable, Unsupported
from harness.model.broker import BrokerInfo
from harness.model.messages import (
    UNKNOWN,
    Deliveries,
    DeliveryBuffer,
    Disposition,
    DispositionKind,
    Outcome,
    Reason,
    Settled,
)

COMMIT_EVERY_S = 0.1
REWIND_WAIT_S = 3.0  # for lanes to come back
CANNOT_SAY = 2  # a stream flags no redelivery


class StreamDelivery(NamedTuple):
    """One message in the client's buffer, and the handle that ``receive`` gives out for it. ``reader`` is None for a retried copy."""

    payload: bytes
    received_ns: int
    reader: LaneReader | None
    term: int
    offset: int
    post: LanePost
    tag: int
    redelivered: int
    notes: Notes


class StreamSubscriber:
    def __init__(self, broker: BrokerInfo, topology: Topology, group: str, member: int) -> None:
        self._topology = topology
        self._changed = threading.Condition()
        self._buffer: deque[StreamDelivery] = deque()
        self._link = Link(broker, self._prepare, self._wake)
        self._lanes = Lanes(
            self._link, self._changed, topology, group, member, self._on_token, self._withdraw, self._may_leave
        )
        number = self._lanes.channels
        self._copies = CopyPublisher(self._link, number + 1, self._changed, persistent=topology.persistent)
        self._book = PlaceBook(self._link, number + 2, self._written)
        self._again = LanePost(number + 3, UNKNOWN, topology.again_queue(group), member)
        self._readers = [
            LaneReader(
                self._link, number + 4 + post.lane, topology.stream(post.lane), topology.place_queue(group, post.lane),
                post, self._lanes.prefetch, self._on_message,
            )
            for post in self._lanes.posts
        ]  # fmt: skip
        self._reading = 0  # lanes that are in an earlier one begin anew
        self._by_place = {reader.place_queue: reader for reader in self._readers}
        self._link.open()

    def ready(self) -> bool:
        """Whether this member stands at every lane, and reads those whose token it holds."""
        with self._changed:
            reading = all(reader.progress is not None for reader in self._readers if reader.holds_token)
        return not self._link.lost and self._lanes.ready() and reading

    def unsettled(self) -> int:
        """Retried copies in this member's hands; what it has read of the streams counts until it is written down as settled."""
        with self._changed:
            return 0 if self._link.lost else len(self._again.unsettled)

    # -- the caller's thread ----------------------------------------------------------------------------------------

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        with self._changed:
            if timeout_s > 0:
                self._changed.wait_for(lambda: self._available() > 0 or self._link.lost != "", timeout_s)
            self._link.check()
            rows = [self._buffer.popleft() for _ in range(min(limit, self._available()))]
        if any(row.notes.expires_ns for row in rows):
            rows = self._without_expired(rows)
        handed = DeliveryBuffer()
        for row in rows:
            handed.add(
                row.payload,
                row.received_ns,
                row,
                partition=row.post.lane,
                position=row.offset,
                redelivered=row.redelivered,
                attempt=row.notes.attempt,
            )
        return handed.drain()

    def _available(self) -> int:
        """How many of the buffered messages may be handed out now: no more than the prefetch are in hand, over all lanes."""
        read = sum(len(reader.post.unsettled) for reader in self._readers) + len(self._again.unsettled)
        in_hand = read - len(self._buffer)
        return max(0, min(len(self._buffer), self._topology.needs.prefetch - in_hand))

    def _without_expired(self, rows: Sequence[StreamDelivery]) -> list[StreamDelivery]:
        """A stream expires nothing: the consumer looks at the deadline, and buries what is past it."""
        now_ns = time.monotonic_ns()
        late = [row for row in rows if 0 < row.notes.expires_ns <= now_ns]
        if late:
            self._bury(late, Reason.EXPIRED)
        return [row for row in rows if not 0 < row.notes.expires_ns <= now_ns]

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._link.check()
        rows = [handle for handle in deliveries.handles if isinstance(handle, StreamDelivery)]
        if how.kind is DispositionKind.ABANDON:
            self._link.abort()
            return Settled(Outcome.OK)
        if how.kind is DispositionKind.RETRY:
            return self._retry(rows, how.after_ms)
        if how.kind is DispositionKind.DEAD:
            return self._bury(rows, Reason.REJECTED)
        self._accept(rows)
        return Settled(Outcome.OK)

    def _accept(self, rows: Sequence[StreamDelivery]) -> None:
        """Towards the broker: credit. Towards the group: settled, and written down soon."""
        written: list[bytes] = []
        with self._changed:
            for post in {row.post for row in rows}:
                mine = [row for row in rows if row.post is post]
                reader = mine[0].reader
                if reader is None:
                    acks = post.acknowledge(row.tag for row in mine)
                    written += [frames.ack(post.number, tag, multiple=multiple) for tag, multiple in acks]
                else:
                    current = [row for row in mine if row.term == reader.term]
                    written += reader.settle([(row.offset, row.tag) for row in current])
        if written:
            self._link.send(b"".join(written))
        for post in {row.post for row in rows if row.post.closing}:
            self._lanes.settled(post)

    def _bury(self, rows: Sequence[StreamDelivery], reason: Reason) -> Settled:
        """A copy with the reason into the dead letters, where the workload keeps them, and then settled."""
        if not self._topology.needs.dead_letter:
            self._accept(rows)
            return Settled(Outcome.OK)
        return self._copy(self._topology.dead_queue, rows, [replace(row.notes, reason=reason) for row in rows])

    def _retry(self, rows: Sequence[StreamDelivery], after_ms: int) -> Settled:
        rungs = self._topology.rungs_ms
        if not rungs:
            raise Unsupported("this plan has no retry ladder: the workload's needs.retry is not set")
        queue = self._topology.wait_queue(self._again.queue, rungs[rung_for(rungs, after_ms)])
        return self._copy(queue, rows, [replace(row.notes, attempt=row.notes.attempt + 1) for row in rows])

    def _copy(self, queue: str, rows: Sequence[StreamDelivery], notes: Sequence[Notes]) -> Settled:
        """Copy each, wait for the confirms, then settle the originals. What was not copied is handed out again."""
        failures = self._copies.publish(queue, [(row.payload, note, 0) for row, note in zip(rows, notes, strict=True)])
        self._accept([row for row, failed in zip(rows, failures, strict=True) if not failed])
        left = [row for row, failed in zip(rows, failures, strict=True) if failed]
        with self._changed:
            self._buffer.extendleft(reversed(left))
        error = next(filter(None, failures), "")
        return Settled(Outcome.FAIL if error else Outcome.OK, failures.count(""), error)

    def rewind(self) -> None:
        """Back to the first message in every lane that this member reads. Returns when that is written down.

        A lane that comes later, because its reader lost its connection before it could write that down, begins there, too. Raises
        BrokerUnavailable where it cannot be told whether it is written down.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._link.lost != "" or self._reads_its_lanes(), REWIND_WAIT_S)
            self._link.check()
            again = [r for r in self._readers if r.holds_token and r.progress is not None and not r.post.closing]
            self._reading = 1 + max([self._reading, *(reader.reading for reader in again)])
            self._buffer = deque(row for row in self._buffer if row.reader not in again)
            for reader in again:
                reader.to_the_start(self._reading)
        for reader in again:
            self._link.call(reader.open_anew)
        self._flush()
        self._link.check()
        with self._changed:
            if any(reader.pending for reader in again):
                raise BrokerUnavailable("the broker has not taken the note of a rewound place")

    def _reads_its_lanes(self) -> bool:
        """A member that has just come has to wait for them; whoever took one in the meantime may keep it. Holds the lock."""
        mine = self._lanes.mine()
        held = [reader for reader in self._readers if reader.holds_token or reader.post in mine]
        return all(reader.holds_token and reader.progress is not None for reader in held)

    def close(self) -> None:
        if not self._link.lost:
            self._flush()
        self._link.close()

    def _flush(self) -> None:
        """Wait until the places are written down, or for so long as is worth waiting."""
        self._link.call(self._write_places)
        with self._changed:
            self._changed.wait_for(
                lambda: self._link.lost != "" or not any(reader.pending for reader in self._readers), CLOSE_TIMEOUT_S
            )

    # -- the link's thread ------------------------------------------------------------------------------------------

    def _prepare(self, connection: Connection) -> None:
        self._copies.prepare(connection)
        self._book.prepare(connection)
        if self._topology.rungs_ms:
            connection.channel(channel_number=self._again.number, on_open_callback=self._consume_again)
        for reader in self._readers:
            reader.prepare(connection)
        self._lanes.prepare(connection)
        self._link.later(COMMIT_EVERY_S, self._tick)

    def _consume_again(self, channel: Any) -> None:
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.basic_qos(prefetch_count=self._topology.needs.prefetch)
        channel.basic_consume(self._again.queue, self._on_again)

    def _on_token(self, post: LanePost, _method: Any, _properties: Any, _body: bytes) -> None:
        """The lane is this member's now: find out where the last one stopped."""
        reader = self._readers[post.lane]
        with self._changed:
            term = reader.begin()
        self._book.read(reader.place_queue, functools.partial(self._start, reader, term))

    def _start(self, reader: LaneReader, term: int, place: Place) -> None:
        with self._changed:
            if reader.term != term or reader.post.closing:
                return
            reader.start(place, self._reading)
            self._changed.notify_all()
        reader.open_anew()

    def _on_message(self, reader: LaneReader, term: int, method: Any, properties: Any, body: bytes) -> None:
        now_ns = time.monotonic_ns()
        headers = properties.headers
        offset = headers["x-stream-offset"]
        with self._changed:
            if not reader.read(term, offset, method.delivery_tag):
                return
            row = StreamDelivery(
                body, now_ns, reader, term, offset, reader.post, method.delivery_tag, CANNOT_SAY, notes_of(headers)
            )
            self._buffer.append(row)
            self._changed.notify_all()

    def _on_again(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        now_ns = time.monotonic_ns()
        tag = method.delivery_tag
        notes = notes_of(properties.headers)
        with self._changed:
            self._again.unsettled.add(tag)
            row = StreamDelivery(body, now_ns, None, 0, UNKNOWN, self._again, tag, int(method.redelivered), notes)
            self._buffer.append(row)
            self._changed.notify_all()

    def _tick(self) -> None:
        if not self._link.lost:
            self._write_places()
            self._link.later(COMMIT_EVERY_S, self._tick)

    def _write_places(self) -> None:
        with self._changed:
            notes = [(reader.place_queue, reader.next_note()) for reader in self._readers]
        for queue, place in notes:
            if place is not None:
                self._book.write(queue, place)

    def _written(self, place_queue: str) -> None:
        reader = self._by_place[place_queue]
        with self._changed:
            reader.noted()
            self._changed.notify_all()
        if reader.post.closing:
            self._lanes.settled(reader.post)

    def _withdraw(self, post: LanePost) -> None:
        """Stop reading a lane that is given back; what was handed out is still settled and written down. Holds the lock."""
        reader = self._readers[post.lane]
        reader.stop(row.offset for row in self._buffer if row.reader is reader)
        self._buffer = deque(row for row in self._buffer if row.reader is not reader)

    def _may_leave(self, post: LanePost) -> bool:
        """The token goes on only when the place is written down. Holds the lock."""
        pending = self._readers[post.lane].pending
        if pending:
            self._link.call(self._write_places)
        return not pending

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
