"""The loads of the comparison, each against one running broker and each on a topic of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness.bench.quantiles import quantile_us
from harness.bench.wire import Connection, WireError, produce_request, record_batch

CONSUME_CHUNK = 10_000
FETCH_BACKOFF_MS = 2  # by default librdkafka rests for a second whenever its queue is full, and that would be measured
FILL_BATCH_BYTES = 100_000
STALL_S = 30.0
SMALL_BYTES, LARGE_BYTES = 100, 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each load."""

    messages_small: int = 1_000_000
    messages_large: int = 250_000
    repeats: int = 3
    single_requests: int = 10_000
    swarm_seconds: float = 4.0
    connections: int = 32

    def scaled(self, factor: float) -> Sizes:
        return Sizes(
            int(self.messages_small * factor),
            int(self.messages_large * factor),
            1,
            int(self.single_requests * factor),
            self.swarm_seconds * factor,
            self.connections,
        )


FULL = Sizes()
QUICK = Sizes(200_000, 50_000, 1, 2_000, 1.0)


def new_topic(host: str, port: int, prefix: str) -> str:
    """A topic with one partition that takes messages already."""
    topic = f"{prefix}-{uuid.uuid4().hex[:8]}"
    with Connection(host, port) as connection:
        connection.create_topic(topic)
    return topic


def produce(host: str, port: int, topic: str, *, count: int, payload_bytes: int) -> float:
    """Messages per second through confluent-kafka with its default batching and acks=all, until the last acknowledgement."""
    producer = Producer(
        {"bootstrap.servers": f"{host}:{port}", "queue.buffering.max.messages": 500_000, "linger.ms": 5}
    )
    payload = b"x" * payload_bytes
    producer.list_topics(topic, timeout=STALL_S)  # connect before the clock starts
    begin = time.perf_counter()
    for _ in range(count):
        while True:
            try:
                producer.produce(topic, payload, partition=0)
                break
            except BufferError:
                producer.poll(0.005)
    left = producer.flush(STALL_S)
    elapsed_s = time.perf_counter() - begin
    if left:
        raise WireError(f"{left} of {count} messages were not acknowledged within {STALL_S:g} s")
    return count / elapsed_s


def fill(host: str, port: int, topic: str, *, count: int, payload_bytes: int) -> int:
    """Write `count` messages in batches of always the same size; how many there are then (a multiple of the batch).

    What a client library batches depends on how fast the broker answers it, and what a fetch costs depends on the batches:
    filled like this, both brokers hold the same bytes.
    """
    records = max(1, FILL_BATCH_BYTES // payload_bytes)
    request = produce_request(topic, 0, record_batch(b"x" * payload_bytes, records))
    batches = -(-count // records)
    with Connection(host, port) as connection:
        for _ in range(batches):
            connection.first_acknowledged(topic, request)
    return batches * records


def fetch(host: str, port: int, topic: str, *, count: int) -> float:
    """Messages per second through confluent-kafka, from the first to the last of `count` messages of a full topic.

    `Consumer.consume(n, timeout)` waits for the whole timeout unless n messages come, so never more are asked for than are left.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": f"{host}:{port}",
            "group.id": "bench",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": FETCH_BACKOFF_MS,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        received = len(_some(consumer, 1))  # connect and find the partition before the clock starts
        begin, first = time.perf_counter(), received
        while received < count:
            received += len(_some(consumer, min(CONSUME_CHUNK, count - received)))
        return (received - first) / (time.perf_counter() - begin)
    finally:
        consumer.close()


def _some(consumer: Consumer, wanted: int) -> list[object]:
    messages = consumer.consume(wanted, STALL_S)
    if not messages:
        raise WireError(f"no message came for {STALL_S:g} s")
    for message in messages[:1]:
        if message.error():
            raise KafkaException(message.error())
    return list(messages)


def one_in_flight(host: str, port: int, topic: str, *, count: int) -> tuple[float, float]:
    """p50 and p99, in microseconds, of one-record Produce requests one after the other on one plain socket."""
    request = produce_request(topic, 0, record_batch(b"x" * SMALL_BYTES))
    latencies_ns: list[int] = []
    clock = time.perf_counter_ns
    with Connection(host, port) as connection:
        connection.first_acknowledged(topic, request)
        for _ in range(count):
            begin = clock()
            connection.call(request)
            latencies_ns.append(clock() - begin)
        connection.first_acknowledged(topic, request)
    return quantile_us(latencies_ns, 0.5), quantile_us(latencies_ns, 0.99)


def swarm(host: str, port: int, topic: str, *, sizes: Sizes) -> dict[str, float]:
    """Requests per second and latency of many connections with one request in flight each, from a process of its own."""
    with Connection(host, port) as connection:
        connection.first_acknowledged(topic, produce_request(topic, 0, record_batch(b"x")))
    command = [sys.executable, "-m", "harness.bench.swarm", "--host", host, "--port", str(port), "--topic", topic]
    command += ["--connections", str(sizes.connections), "--payload-bytes", str(SMALL_BYTES)]
    command += ["--seconds", str(sizes.swarm_seconds), "--warmup-s", str(sizes.swarm_seconds / 4)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + sizes.swarm_seconds * 3, check=False)
    if done.returncode != 0:
        raise WireError(f"the swarm failed: {done.stderr.strip()[-400:]}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def all_loads(host: str, port: int, sizes: Sizes, *, cpu_seconds: Callable[[], float]) -> dict[str, float]:
    """Every load once (throughput: the median of `sizes.repeats`), by row name.

    `cpu_seconds` tells how much processor time the broker has used; what a message costs it disturbs less than its rate
    when other work shares the machine.
    """
    figures: dict[str, float] = {}
    for label, payload_bytes, count in (
        ("100 B", SMALL_BYTES, sizes.messages_small),
        ("1 KiB", LARGE_BYTES, sizes.messages_large),
    ):
        topics = [new_topic(host, port, "bulk") for _ in range(sizes.repeats)]
        before = cpu_seconds()
        produced = [produce(host, port, topic, count=count, payload_bytes=payload_bytes) for topic in topics]
        produce_cpu_s = cpu_seconds() - before
        filled = new_topic(host, port, "filled")
        stored = fill(host, port, filled, count=count, payload_bytes=payload_bytes)
        before = cpu_seconds()
        fetched = [fetch(host, port, filled, count=stored) for _ in range(sizes.repeats)]
        fetch_cpu_s = cpu_seconds() - before
        figures[f"produce {label}"] = statistics.median(produced)
        figures[f"fetch {label}"] = statistics.median(fetched)
        figures[f"produce {label}, CPU"] = produce_cpu_s * 1e6 / (count * sizes.repeats)
        figures[f"fetch {label}, CPU"] = fetch_cpu_s * 1e6 / (stored * sizes.repeats)
    p50_us, p99_us = one_in_flight(host, port, new_topic(host, port, "single"), count=sizes.single_requests)
    figures["one in flight p50"], figures["one in flight p99"] = p50_us, p99_us
    result = swarm(host, port, new_topic(host, port, "swarm"), sizes=sizes)
    figures["32 connections"] = result["requests_per_s"]
    figures["32 connections p99"] = result["latency_us_p99"]
    return figures
