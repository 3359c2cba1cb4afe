"""Produce with idempotence on: two sizes, default and 16 KiB batches, one and twelve partitions, through confluent-kafka."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping

from confluent_kafka import Producer

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import Connection, WireError

SIZES = (("100 B", loads.SMALL_BYTES), ("1 KiB", loads.LARGE_BYTES))
BATCHES = (("default batches", 1_000_000), ("16 KiB batches", 16 << 10))
PARTITIONS = (1, 12)
CASES = tuple(itertools.product(SIZES, BATCHES, PARTITIONS))


def _name(size: str, batch: str, partitions: int) -> str:
    return f"produce {size}, {batch}, {partitions} partition{'s' if partitions > 1 else ''}"


def _share(name: str) -> str:
    return f"{name}, client"


QUESTIONS = tuple(
    question
    for (size, _), (batch, _), partitions in CASES
    for name in (_name(size, batch, partitions),)
    for question in (
        Question(name, "msg/s", True, 1.3, client_bound_ratio=1.0, client_share=_share(name)),
        Question(_share(name), "cores", False, None),
    )
)


def measure(session: Session) -> Mapping[str, float]:
    """The median rate of `repeats` runs, each on a topic of its own, and how busy the client was."""
    figures: dict[str, float] = {}
    for (size, payload_bytes), (batch, batch_bytes), partitions in CASES:
        full = session.sizes.messages_small if payload_bytes == loads.SMALL_BYTES else session.sizes.messages_large
        runs = [
            _produce(session, payload_bytes, batch_bytes, partitions, count=full // 2)
            for _ in range(session.sizes.repeats)
        ]
        name = _name(size, batch, partitions)
        figures[name] = statistics.median(rate for rate, _ in runs)
        figures[_share(name)] = statistics.median(share for _, share in runs)
    return figures


def warm_up(session: Session) -> None:
    """A short run of each shape of batch."""
    for _, batch_bytes in BATCHES:
        _produce(session, loads.LARGE_BYTES, batch_bytes, 12, count=session.sizes.messages_large // 2)


def _produce(
    session: Session, payload_bytes: int, batch_bytes: int, partitions: int, *, count: int
) -> tuple[float, float]:
    """Messages per second until the last acknowledgement, and the client's processor time per second.

    A producer asks for its id when its first connection is up; when that is a moment too late for its timer it asks again half
    a second later. That is the library's affair, so one message goes ahead of the clock.
    """
    topic = f"matrix-{time.monotonic_ns()}"
    with Connection(session.host, session.port) as connection:
        connection.create_topic(topic, partitions)
    producer = Producer(
        {
            "bootstrap.servers": f"{session.host}:{session.port}",
            "enable.idempotence": True,
            "queue.buffering.max.messages": 500_000,
            "linger.ms": 5,
            "batch.size": batch_bytes,
        }
    )
    producer.list_topics(topic, timeout=loads.STALL_S)
    payload = b"x" * payload_bytes
    producer.produce(topic, payload, partition=0)
    if producer.flush(loads.STALL_S):
        raise WireError(f"no message was acknowledged within {loads.STALL_S:g} s")
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        while True:
            try:
                producer.produce(topic, payload, partition=number % partitions)
                break
            except BufferError:
                producer.poll(0.005)
    left = producer.flush(loads.STALL_S)
    elapsed_s, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    if left:
        raise WireError(f"{left} of {count} messages were not acknowledged within {loads.STALL_S:g} s")
    return count / elapsed_s, cpu_s / elapsed_s


SUITE = Suite("matrix", "produce with idempotence: sizes, batches, partitions", QUESTIONS, measure, warm_up)
