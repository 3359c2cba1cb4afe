"""Publisher, consumer and copier on confluent-kafka (librdkafka).

librdkafka reconnects by itself. With ``retries`` 0 a request that was on the wire when the connection broke fails with a code that
``outcomes`` reads as INFO; a message that had not been sent yet waits for the broker, up to ``message.timeout.ms``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import confluent_kafka
import numpy as np

from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.outcomes import outcome_of
from harness.adapters.kafka.ports import Copy, Fetched, Owner
from harness.adapters.kafka.reach import reach
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import UNKNOWN, Outcome, OutcomeBuffer, Outcomes, OutgoingBatch

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

PURGE_S: Final = 1.0
POLL_CHUNK_S: Final = 0.1
NO_FETCH: Final = Fetched([], np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), 0, [])


def _ignore(error: object) -> None:
    """Connection errors are not news here: every message has an outcome of its own."""
    _log.debug("%s", error)


def _producer(broker: BrokerInfo, conf: dict[str, Any]) -> Any:
    reach(broker)
    secured = {**conf, **settings.confluent_access(broker.access), "error_cb": _ignore}
    producer = confluent_kafka.Producer(secured, logger=_log)
    try:
        producer.list_topics(timeout=settings.CONNECT_TIMEOUT_S)
    except confluent_kafka.KafkaException as problem:
        raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem
    return producer


class ConfluentPublisher:
    """The hot path: one ``produce`` and one callback a message, columns made once a ``poll``."""

    def __init__(
        self, broker: BrokerInfo, layout: Layout, acks: str, linger_ms: float, window: int, *, expiry: bool
    ) -> None:
        self._window = window
        self._expiry = expiry
        self._classes = layout.classes
        self._first_lanes = [layout.first_lane(topic) for topic in layout.classes]
        self._settled: list[tuple[int, int, int, int]] = []  # index, lane, offset, settled_ns
        self._failed = OutcomeBuffer()
        self._open = 0
        self._closed = False
        self._producer = _producer(broker, settings.confluent_producer(broker.address, acks, linger_ms, window))
        for topic in layout.classes:
            self._producer.list_topics(topic, timeout=settings.CONNECT_TIMEOUT_S)

    def submit(self, batch: OutgoingBatch) -> int:
        room = min(len(batch), self._window - self._open)
        if room <= 0:
            return 0
        if self._expiry and any(batch.ttls_ms[:room]):
            return self._submit_with_headers(batch, room)
        produce, settled = self._producer.produce, self._on_settled
        taken = 0
        try:
            if len(self._classes) == 1:
                topic = self._classes[0]
                for payload, key, index in zip(batch.payloads[:room], batch.keys, batch.indexes, strict=False):
                    produce(topic, payload, key, on_delivery=partial(settled, index, 0))
                    taken += 1
            else:
                rows = zip(batch.payloads[:room], batch.keys, batch.indexes, batch.classes, strict=False)
                for payload, key, index, level in rows:
                    lane = self._first_lanes[level]
                    produce(self._classes[level], payload, key, on_delivery=partial(settled, index, lane))
                    taken += 1
        except BufferError:
            pass  # the library's own queue is full: that is what the return value says
        self._open += taken
        return taken

    def _submit_with_headers(self, batch: OutgoingBatch, room: int) -> int:
        expires = deadlines_ns(batch.payloads[:room], batch.ttls_ms[:room], time.monotonic_ns())
        taken = 0
        try:
            for row in range(room):
                level = batch.classes[row] if len(self._classes) > 1 else 0
                self._producer.produce(
                    self._classes[level],
                    batch.payloads[row],
                    batch.keys[row],
                    on_delivery=partial(self._on_settled, batch.indexes[row], self._first_lanes[level]),
                    headers=Notes(expires_ns=expires[row]).headers(),
                )
                taken += 1
        except BufferError:
            pass  # as above
        self._open += taken
        return taken

    def _on_settled(self, index: int, first_lane: int, error: Any, message: Any) -> None:
        now_ns = time.monotonic_ns()
        if error is None:
            offset = message.offset()
            lane = first_lane + message.partition()
            self._settled.append((index, lane, offset if offset is not None and offset >= 0 else UNKNOWN, now_ns))
            return
        self._failed.add(index, outcome_of(error.code()), now_ns, error=error.str())

    def poll(self, timeout_s: float) -> Outcomes:
        self._producer.poll(0)
        if not self._settled and not len(self._failed):
            deadline = time.monotonic() + timeout_s
            while True:
                self._producer.poll(max(0.0, deadline - time.monotonic()))
                if self._settled or len(self._failed) or time.monotonic() >= deadline:
                    break
        return self._drain()

    def _drain(self) -> Outcomes:
        settled, self._settled = self._settled, []
        count = len(settled)
        columns = np.array(settled, dtype=np.int64).reshape(count, 4)
        good = Outcomes(
            indexes=columns[:, 0].copy(),
            outcomes=np.full(count, Outcome.OK, dtype=np.uint8),
            partitions=columns[:, 1].astype(np.int32),
            positions=columns[:, 2].copy(),
            settled_ns=columns[:, 3].copy(),
        )
        self._open -= count + len(self._failed)
        if not len(self._failed):
            return good
        bad = self._failed.drain()
        return Outcomes(
            np.concatenate([good.indexes, bad.indexes]),
            np.concatenate([good.outcomes, bad.outcomes]),
            np.concatenate([good.partitions, bad.partitions]),
            np.concatenate([good.positions, bad.positions]),
            np.concatenate([good.settled_ns, bad.settled_ns]),
            bad.errors,
        )

    def close(self, timeout_s: float) -> Outcomes:
        if self._closed:
            return self._drain()
        self._closed = True
        if self._producer.flush(timeout_s):
            self._producer.purge(in_queue=True, in_flight=True, blocking=True)
            self._producer.flush(PURGE_S)  # what was purged has a callback too: INFO
        outcomes = self._drain()
        self._producer.close()
        return outcomes


class ConfluentConsumer:
    """A group member. ``fetch`` first takes what the library has read ahead, and waits only when that is nothing."""

    glance_s = 0.0

    def __init__(
        self, broker: BrokerInfo, layout: Layout, group: str, owner: Owner, instance: str | None = None
    ) -> None:
        self._broker = broker
        self._layout = layout
        self._owner = owner
        self._topics = layout.read_by(group)
        self._first_lanes = {topic: layout.first_lane(topic) for topic in self._topics}
        self._single = self._first_lanes[self._topics[0]] if len(self._topics) == 1 else None
        reach(broker)
        conf = settings.confluent_consumer(broker.address, layout.group_id(group), instance)
        conf |= settings.confluent_access(broker.access)
        self._consumer: Any = confluent_kafka.Consumer(
            {**conf, "error_cb": _ignore, "on_commit": self._on_commit}, logger=_log
        )
        try:
            self._consumer.list_topics(self._topics[0], timeout=settings.CONNECT_TIMEOUT_S)
        except confluent_kafka.KafkaException as problem:
            self._consumer.close()
            raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem
        self._consumer.subscribe(
            list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    # --- the group's business

    def _lanes(self, partitions: Sequence[Any]) -> list[int]:
        return [self._first_lanes[place.topic] + place.partition for place in partitions]

    def _places(self, lanes: Sequence[int]) -> list[Any]:
        return [confluent_kafka.TopicPartition(*self._layout.place(lane)) for lane in lanes]

    def _offsets(self, positions: Mapping[int, int]) -> list[Any]:
        return [confluent_kafka.TopicPartition(*self._layout.place(lane), offset) for lane, offset in positions.items()]

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.assigned(self._lanes(partitions))

    def _on_revoke(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.revoked(self._lanes(partitions), lost=False)

    def _on_lost(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.revoked(self._lanes(partitions), lost=True)

    def _on_commit(self, error: Any, partitions: list[Any]) -> None:
        failed = [place for place in partitions if error is not None or place.error is not None]
        if failed:
            self._owner.commit_failed(self._lanes(failed))
        self._owner.commit_answered()

    # --- reading

    def fetch(self, limit: int, timeout_s: float) -> Fetched:
        messages: list[Any] = self._call(self._consumer.consume, limit, 0)
        if not messages and timeout_s > 0:
            first = self._call(self._consumer.poll, timeout_s)
            if first is None:
                return NO_FETCH
            messages = [first]
            if limit > 1:
                messages += self._call(self._consumer.consume, limit - 1, 0)
        received_ns = time.monotonic_ns()
        if any(message.error() is not None for message in messages):
            messages = self._without_errors(messages)
        if not messages:
            return NO_FETCH
        lanes = np.array([message.partition() for message in messages], dtype=np.int32)
        if self._single is not None:
            lanes += self._single
        else:
            lanes += np.array([self._first_lanes[message.topic()] for message in messages], dtype=np.int32)
        offsets = np.array([message.offset() for message in messages], dtype=np.int64)
        payloads = [message.value() or b"" for message in messages]
        return Fetched(payloads, lanes, offsets, received_ns, messages)

    def _without_errors(self, messages: list[Any]) -> list[Any]:
        """librdkafka reports its troubles in the stream; it gets over all but the fatal ones."""
        for message in messages:
            error = message.error()
            if error is not None and error.fatal():
                raise BrokerUnavailable(f"the consumer gave up: {error.str()}")
            if error is not None:
                _log.debug("%s", error.str())
        return [message for message in messages if message.error() is None]

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except confluent_kafka.KafkaException as problem:
            raise BrokerUnavailable(f"the consumer gave up: {problem}") from problem

    def commit(self, positions: Mapping[int, int], *, wait: bool) -> None:
        if not positions:
            return
        try:
            self._consumer.commit(offsets=self._offsets(positions), asynchronous=not wait)
        except confluent_kafka.KafkaException as problem:
            _log.debug("commit: %s", problem)
            self._owner.commit_failed(list(positions))
            self._owner.commit_answered()

    def pause(self, lanes: list[int]) -> None:
        self._call(self._consumer.pause, self._places(lanes))

    def resume(self, lanes: list[int]) -> None:
        self._call(self._consumer.resume, self._places(lanes))

    def start_offsets(self, lanes: list[int]) -> dict[int, int]:
        starts: dict[int, int] = {}
        for lane, place in zip(lanes, self._places(lanes), strict=True):
            low, _ = self._call(partial(self._consumer.get_watermark_offsets, place, timeout=5.0, cached=False))
            starts[lane] = low
        return starts

    def seek(self, positions: Mapping[int, int]) -> None:
        """Assigning the same lanes again, with offsets, drops what was read ahead; ``seek`` needs a fetch under way."""
        self._call(self._consumer.assign, self._offsets(positions))

    def key_of(self, raw: object) -> bytes | None:
        return cast(Any, raw).key()  # type: ignore[no-any-return]

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]:
        return cast(Any, raw).headers() or ()

    def close(self) -> None:
        self._consumer.close()


class ConfluentCopier:
    """Publishes what an emulation copies, and waits: a copy must be safe before its original is settled."""

    def __init__(self, broker: BrokerInfo, acks: str) -> None:
        conf = settings.confluent_producer(broker.address, acks, 0, 1000)
        conf["message.timeout.ms"] = int(settings.COPY_TIMEOUT_S * 1000)
        self._producer = _producer(broker, conf)

    def publish(self, copies: Sequence[Copy], timeout_s: float) -> list[Outcome]:
        outcomes = [Outcome.INFO] * len(copies)

        def settled(place: int, error: Any, message: Any) -> None:
            del message
            outcomes[place] = Outcome.OK if error is None else outcome_of(error.code())

        for place, copy in enumerate(copies):
            self._producer.produce(
                copy.topic, copy.payload, copy.key, headers=copy.headers, on_delivery=partial(settled, place)
            )
        self._producer.flush(timeout_s)
        return outcomes

    def close(self) -> None:
        self._producer.close()


def publish_transaction(broker: BrokerInfo, topic: str, name: str, payloads: Sequence[bytes], *, commit: bool) -> None:
    """All payloads in one transaction, committed or aborted; returns when the broker has confirmed that."""
    producer = _producer(broker, {"bootstrap.servers": broker.address, "transactional.id": name})
    producer.init_transactions(settings.COPY_TIMEOUT_S)
    producer.begin_transaction()
    for payload in payloads:
        producer.produce(topic, payload)
    producer.flush(settings.COPY_TIMEOUT_S)
    if commit:
        producer.commit_transaction(settings.COPY_TIMEOUT_S)
    else:
        producer.abort_transaction(settings.COPY_TIMEOUT_S)
    producer.close()
