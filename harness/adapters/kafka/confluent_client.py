"""Publisher and copier on confluent-kafka (librdkafka).

librdkafka reconnects by itself. With ``retries`` 0 a request that was on the wire when the connection broke fails with a code that
``outcomes`` reads as INFO; a message that had not been sent yet waits for the broker, up to ``message.timeout.ms``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import confluent_kafka
import numpy as np

from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.outcomes import outcome_of
from harness.adapters.kafka.ports import Copy
from harness.adapters.kafka.reach import reach
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import UNKNOWN, Outcome, OutcomeBuffer, Outcomes, OutgoingBatch

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

PURGE_S: Final = 1.0
POLL_CHUNK_S: Final = 0.1


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


def _keep(
    settled: list[tuple[int, int, int, int]], failed: Callable[[int, Any], None]
) -> Callable[[int, int, Any, Any], None]:
    """What is called for each message, a closure: it runs as often as ``produce``, and each attribute that it looks up shows."""
    append, now_ns = settled.append, time.monotonic_ns

    def on_settled(index: int, first_lane: int, error: Any, message: Any) -> None:
        if error is not None:
            failed(index, error)
            return
        offset = message.offset()  # None without acknowledgements
        append((index, first_lane + message.partition(), UNKNOWN if offset is None else offset, now_ns()))

    return on_settled


class ConfluentPublisher:
    """The hot path: one ``produce_batch`` a ``submit``, one callback a message, columns made once a ``poll``.

    The library's own queue is never full: ``settings`` makes it larger than the window.
    """

    def __init__(
        self, broker: BrokerInfo, layout: Layout, acks: str, linger_ms: float, window: int, *, expiry: bool
    ) -> None:
        self._window = window
        self._expiry = expiry
        self._classes = layout.classes
        self._first_lanes = [layout.first_lane(topic) for topic in layout.classes]
        self._settled: list[tuple[int, int, int, int]] = []  # index, lane, offset, settled_ns
        self._failed = OutcomeBuffer()
        self._on_settled = _keep(self._settled, self._on_failed)
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
        if len(self._classes) == 1:
            self._produce(0, batch.payloads[:room], batch.keys, batch.indexes)
        else:
            for level in sorted(set(batch.classes[:room])):
                mine = [row for row in range(room) if batch.classes[row] == level]
                self._produce(
                    level,
                    [batch.payloads[row] for row in mine],
                    [batch.keys[row] for row in mine],
                    [batch.indexes[row] for row in mine],
                )
        self._open += room
        return room

    def _produce(
        self, level: int, payloads: Sequence[bytes], keys: Sequence[bytes | None], indexes: Sequence[int]
    ) -> None:
        """Messages of one class, in their order; what the library won't take (too large) has its outcome at once."""
        settled, lane = self._on_settled, self._first_lanes[level]
        messages: list[dict[str, Any]] = [
            {"value": payload, "key": key, "callback": partial(settled, index, lane)}
            for payload, key, index in zip(payloads, keys, indexes, strict=False)
        ]
        if self._producer.produce_batch(self._classes[level], messages) < len(messages):
            for index, message in zip(indexes, messages, strict=False):
                if "_error" in message:
                    self._refused(index, message["_error"])

    def _submit_with_headers(self, batch: OutgoingBatch, room: int) -> int:
        expires = deadlines_ns(batch.payloads[:room], batch.ttls_ms[:room], time.monotonic_ns())
        for row in range(room):  # one at a time: a batch takes no headers
            level = batch.classes[row] if len(self._classes) > 1 else 0
            index = batch.indexes[row]
            try:
                self._producer.produce(
                    self._classes[level], batch.payloads[row], batch.keys[row],
                    on_delivery=partial(self._on_settled, index, self._first_lanes[level]),
                    headers=Notes(expires_ns=expires[row]).headers(),
                )  # fmt: skip
            except confluent_kafka.KafkaException as problem:
                self._refused(index, problem.args[0])
        self._open += room
        return room

    def _on_failed(self, index: int, error: Any) -> None:
        self._failed.add(index, outcome_of(error.code()), time.monotonic_ns(), error=error.str())

    def _refused(self, index: int, error: Any) -> None:
        """By the library, before anything was sent."""
        self._failed.add(index, Outcome.FAIL, time.monotonic_ns(), error=error.str())

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
        count = len(self._settled)
        columns = np.fromiter(chain.from_iterable(self._settled), dtype=np.int64, count=4 * count).reshape(count, 4)
        self._settled.clear()
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
