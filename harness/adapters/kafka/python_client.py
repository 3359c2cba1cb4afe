"""Publisher, consumer and copier on kafka-python: a thread does the sending, futures say what became of it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import kafka
import numpy as np
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.outcomes import outcome_of
from harness.adapters.kafka.ports import COMMITTED, Copy, Fetched, Owner
from harness.adapters.kafka.reach import reach
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import UNKNOWN, Outcome, OutcomeBuffer, Outcomes, OutgoingBatch

logging.getLogger("kafka").addHandler(logging.NullHandler())
_log = logging.getLogger(__name__)

CLOSE_S: Final = 2.0
ANSWER_S: Final = (
    0.02  # in which a fetch that finds something is answered, on a busy machine too; others a broker holds back
)
NO_FETCH: Final = Fetched([], np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), 0, [])


def _producer(broker: BrokerInfo, conf: dict[str, Any], topics: Sequence[str]) -> Any:
    reach(broker)
    try:
        producer = kafka.KafkaProducer(**conf, **settings.python_access(broker.access))
        for topic in topics:
            producer.partitions_for(topic)  # metadata now: ``send`` must not wait for it
    except KafkaError as problem:
        raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem
    return producer


def _close(producer: Any) -> None:
    """Close at once. The library's ``close`` gives up half-way when messages are open, so its sender is told to drop them first."""
    try:
        producer.close(timeout=0)
    except KafkaError:
        producer._sender.force_close()
        producer._sender.join(CLOSE_S)
        producer.close(timeout=CLOSE_S)


def _outcome(error: BaseException) -> Outcome:
    """Errors with a code of the protocol came from the broker; all others happened on the way."""
    code = getattr(error, "errno", None)
    return outcome_of(code) if isinstance(code, int) and code > 0 else Outcome.INFO


class PythonPublisher:
    """Outcomes are collected on the library's sender thread, hence the lock."""

    def __init__(
        self, broker: BrokerInfo, layout: Layout, acks: str, linger_ms: float, window: int, *, expiry: bool
    ) -> None:
        self._window = window
        self._expiry = expiry
        self._classes = layout.classes
        self._first_lanes = [layout.first_lane(topic) for topic in layout.classes]
        self._changed = threading.Condition()
        self._buffer = OutcomeBuffer()
        self._open: set[int] = set()
        self._producer = _producer(broker, settings.python_producer(broker.address, acks, linger_ms), layout.classes)

    def submit(self, batch: OutgoingBatch) -> int:
        with self._changed:
            room = min(len(batch), self._window - len(self._open))
            self._open.update(batch.indexes[:room])
        expires = (
            deadlines_ns(batch.payloads[:room], batch.ttls_ms[:room], time.monotonic_ns())
            if self._expiry
            else [0] * room
        )
        for row in range(room):
            index = batch.indexes[row]
            level = batch.classes[row] if len(self._classes) > 1 else 0
            headers = Notes(expires_ns=expires[row]).headers() if expires[row] else None
            try:
                future = self._producer.send(
                    self._classes[level], batch.payloads[row], key=batch.keys[row], headers=headers
                )
            except KafkaError as problem:
                self._on_failed(index, problem)
                continue
            future.add_callback(self._on_settled, index, self._first_lanes[level])
            future.add_errback(self._on_failed, index)
        return max(0, room)

    def _on_settled(self, index: int, first_lane: int, record: Any) -> None:
        now_ns = time.monotonic_ns()
        offset = record.offset if record.offset is not None and record.offset >= 0 else UNKNOWN
        with self._changed:
            if index in self._open:
                self._open.discard(index)
                self._buffer.add(index, Outcome.OK, now_ns, first_lane + record.partition, offset)
                self._changed.notify()

    def _on_failed(self, index: int, error: BaseException) -> None:
        now_ns = time.monotonic_ns()
        with self._changed:
            if index in self._open:
                self._open.discard(index)
                self._buffer.add(index, _outcome(error), now_ns, error=str(error) or type(error).__name__)
                self._changed.notify()

    def poll(self, timeout_s: float) -> Outcomes:
        with self._changed:
            if timeout_s > 0:
                self._changed.wait_for(lambda: len(self._buffer) > 0, timeout_s)
            return self._buffer.drain()

    def close(self, timeout_s: float) -> Outcomes:
        with self._changed:
            self._changed.wait_for(lambda: not self._open, timeout_s)
            abandoned, self._open = sorted(self._open), set()  # what the library says of them now no longer counts
        _close(self._producer)
        now_ns = time.monotonic_ns()
        with self._changed:
            for index in abandoned:
                self._buffer.add(index, Outcome.INFO, now_ns, error="closed before it was acknowledged")
            return self._buffer.drain()


class _Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, first_lanes: Mapping[str, int], owner: Owner) -> None:
        self._first_lanes = first_lanes
        self._owner = owner
        self._lanes: list[int] = []

    def on_partitions_revoked(self, revoked: Any) -> None:
        del revoked  # eager: all of them
        lanes, self._lanes = self._lanes, []
        self._owner.revoked(lanes, lost=False)

    def on_partitions_lost(self, lost: Any) -> None:
        del lost
        lanes, self._lanes = self._lanes, []
        self._owner.revoked(lanes, lost=True)

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._lanes = [self._first_lanes[place.topic] + place.partition for place in assigned]
        self._owner.assigned(self._lanes)


class PythonConsumer:
    """A group member. ``poll`` of this library already returns what is there without waiting for more."""

    def __init__(
        self, broker: BrokerInfo, layout: Layout, group: str, owner: Owner, instance: str | None = None
    ) -> None:
        self._layout = layout
        self._owner = owner
        self._topics = layout.read_by(group)
        self._first_lanes = {topic: layout.first_lane(topic) for topic in self._topics}
        self._asked: Any = None  # the library's future of the fetch that was sent last
        self._asked_at = 0.0
        reach(broker)
        try:
            conf = settings.python_consumer(broker.address, layout.group_id(group), instance)
            self._consumer = kafka.KafkaConsumer(**conf, **settings.python_access(broker.access))
            self._consumer.subscribe(list(self._topics), listener=_Listener(self._first_lanes, owner))
            for topic in self._topics:  # a group's leader without metadata would give every member nothing
                self._consumer.partitions_for_topic(topic)
        except KafkaError as problem:
            raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem

    @property
    def glance_s(self) -> float:
        """The library asks for more inside ``poll`` alone: while a member works nothing is read ahead but one answer.

        So a fetch that was just sent, or that the next poll sends, is given the time to be answered. One that the broker has
        held for longer found nothing yet.
        """
        if self._asked is not None and not self._asked.is_done:
            return max(0.0, self._asked_at + ANSWER_S - time.monotonic())
        return 0.0 if self._consumer.assignment() <= self._consumer.paused() else ANSWER_S

    def _note_asked(self) -> None:
        sent = self._consumer._fetcher._fetch_futures
        if sent and sent[-1] is not self._asked:
            self._asked, self._asked_at = sent[-1], time.monotonic()

    def fetch(self, limit: int, timeout_s: float) -> Fetched:
        records: dict[Any, list[Any]] = self._call(self._consumer.poll, math.ceil(timeout_s * 1000), limit)
        self._note_asked()
        if not records:
            return NO_FETCH
        received_ns = time.monotonic_ns()
        payloads: list[bytes] = []
        lanes: list[int] = []
        offsets: list[int] = []
        raws: list[object] = []
        for place, rows in records.items():
            lanes += [self._first_lanes[place.topic] + place.partition] * len(rows)
            payloads += [row.value or b"" for row in rows]
            offsets += [row.offset for row in rows]
            raws += rows
        columns = np.array(lanes, dtype=np.int32), np.array(offsets, dtype=np.int64)
        return Fetched(payloads, *columns, received_ns, raws)

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except KafkaError as problem:
            raise BrokerUnavailable(f"the consumer gave up: {problem}") from problem

    def _place(self, lane: int) -> Any:
        return TopicPartition(*self._layout.place(lane))

    def commit(self, positions: Mapping[int, int], *, wait: bool) -> None:
        if not positions:
            return
        offsets = {self._place(lane): OffsetAndMetadata(offset, "", -1) for lane, offset in positions.items()}
        lanes = list(positions)

        def answered(_: Any, answer: Any) -> None:
            if isinstance(answer, BaseException):
                self._owner.commit_failed(lanes)
            self._owner.commit_answered()

        try:
            if wait:
                self._consumer.commit(offsets, timeout_ms=int(settings.CONNECT_TIMEOUT_S * 1000))
            else:
                self._consumer.commit_async(offsets, callback=answered)
        except KafkaError as problem:
            _log.debug("commit: %s", problem)
            self._owner.commit_failed(lanes)
            self._owner.commit_answered()

    def pause(self, lanes: list[int]) -> None:
        self._consumer.pause(*[self._place(lane) for lane in lanes])

    def resume(self, lanes: list[int]) -> None:
        self._consumer.resume(*[self._place(lane) for lane in lanes])

    def start_offsets(self, lanes: list[int]) -> dict[int, int]:
        places = {self._place(lane): lane for lane in lanes}
        starts: dict[Any, int] = self._call(self._consumer.beginning_offsets, list(places)) if places else {}
        return {places[place]: offset for place, offset in starts.items()}

    def seek(self, positions: Mapping[int, int]) -> None:
        for lane, offset in positions.items():
            place = self._place(lane)
            if offset == COMMITTED:
                offset = self._call(self._consumer.committed, place) or 0  # noqa: PLW2901
            self._consumer.seek(place, offset)

    def key_of(self, raw: object) -> bytes | None:
        return cast(Any, raw).key  # type: ignore[no-any-return]

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]:
        return cast(Any, raw).headers or ()

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=int(settings.CONNECT_TIMEOUT_S * 1000))


class PythonCopier:
    """Publishes what an emulation copies, and waits: a copy must be safe before its original is settled."""

    def __init__(self, broker: BrokerInfo, acks: str) -> None:
        conf = settings.python_producer(broker.address, acks, 0)
        conf["delivery_timeout_ms"] = int(settings.COPY_TIMEOUT_S * 1000)
        self._producer = _producer(broker, conf, ())

    def publish(self, copies: Sequence[Copy], timeout_s: float) -> list[Outcome]:
        futures: list[Any] = []
        for copy in copies:
            try:
                futures.append(
                    self._producer.send(copy.topic, copy.payload, key=copy.key, headers=copy.headers or None)
                )
            except KafkaError as problem:
                futures.append(problem)
        deadline = time.monotonic() + timeout_s
        return [self._wait(future, deadline) for future in futures]

    def _wait(self, future: Any, deadline: float) -> Outcome:
        if isinstance(future, KafkaError):
            return _outcome(future)
        try:
            future.get(timeout=max(0.0, deadline - time.monotonic()))
        except KafkaError as problem:
            return _outcome(problem)
        return Outcome.OK

    def close(self) -> None:
        _close(self._producer)
