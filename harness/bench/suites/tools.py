"""Clients without Python: librdkafka from C, and Apache Kafka's own producer and consumer tools."""

from __future__ import annotations

from collections.abc import Mapping

from harness.bench import field_tools, loads, native
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import Connection
from harness.brokers.tools import kafka_tools
from harness.model.broker import BrokerInfo

SIZES = (("100 B", loads.SMALL_BYTES), ("1 KiB", loads.LARGE_BYTES))
BATCHES = (("default batches", 1_000_000), ("16 KiB batches", 16 << 10))
C_FACTOR = 3  # a C client is so much faster that it gets more to do
TOOL_RECORDS = 1_500_000
TOOL_WARM_UP_S = 1

QUESTIONS = (
    *(Question(f"librdkafka from C, {size}, {batch}", "msg/s", True, 1.3) for size, _ in SIZES for batch, _ in BATCHES),
    *(Question(f"librdkafka from C, fetch {size}", "msg/s", True) for size, _ in SIZES),
    Question("kafka-producer-perf-test 1 KiB", "msg/s", True),
    Question("kafka-consumer-perf-test 1 KiB", "msg/s", True),
)


def measure(session: Session) -> Mapping[str, float]:
    """Produce with idempotence on to one partition; fetch from the page cache."""
    address = f"{session.host}:{session.port}"
    figures: dict[str, float] = {}
    for size, payload_bytes in SIZES:
        small = payload_bytes == loads.SMALL_BYTES
        count = (session.sizes.messages_small if small else session.sizes.messages_large) * C_FACTOR
        for batch, batch_bytes in BATCHES:
            topic = loads.new_topic(session.host, session.port, "native")
            figures[f"librdkafka from C, {size}, {batch}"] = native.produce(
                address, topic, count=count, payload_bytes=payload_bytes, batch_bytes=batch_bytes, partitions=1
            )
        filled = loads.new_topic(session.host, session.port, "native-read")
        stored = loads.fill(session.host, session.port, filled, count=count, payload_bytes=payload_bytes)
        figures[f"librdkafka from C, fetch {size}"] = native.consume(address, filled, count=stored)
    figures.update(_java(session))
    return figures


def _java(session: Session) -> dict[str, float]:
    tool = kafka_tools()
    records = TOOL_RECORDS if session.sizes.repeats > 1 else TOOL_RECORDS // 10
    topic = loads.new_topic(session.host, session.port, "tool")
    info = BrokerInfo(session.name, session.name, "", session.host, session.port, "process")
    produced = field_tools.kafka_producer(
        tool,
        info,
        topic,
        size_bytes=loads.LARGE_BYTES,
        settings=["acks=all"],
        records=records,
        warm_up_s=TOOL_WARM_UP_S,
    )
    consumed = field_tools.kafka_consumer(tool, info, topic, group="tool", records=records, warm_up_s=TOOL_WARM_UP_S)
    return {
        "kafka-producer-perf-test 1 KiB": produced.confirmed,
        "kafka-consumer-perf-test 1 KiB": consumed.received,
    }


def warm_up(session: Session) -> None:
    """A run of the C client; a topic of its own."""
    topic = f"{session.name}-warm"
    with Connection(session.host, session.port) as connection:
        connection.create_topic(topic)
    native.produce(
        f"{session.host}:{session.port}",
        topic,
        count=session.sizes.messages_large,
        payload_bytes=loads.LARGE_BYTES,
        batch_bytes=16 << 10,
        partitions=1,
    )


SUITE = Suite("tools", "librdkafka from C, and Kafka's own tools", QUESTIONS, measure, warm_up)
