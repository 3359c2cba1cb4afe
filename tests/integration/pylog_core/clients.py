"""Three client libraries behind two functions each: write records, read records."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer as ConfluentProducer
from confluent_kafka import TopicPartition as ConfluentTopicPartition

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python reads its schemas by an old function
    import aiokafka
    import kafka
    from kafka.admin import KafkaAdminClient  # noqa: F401

READ_SECONDS_MAX = 20
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


class Stored(NamedTuple):
    offset: int
    record: Record


def write_with_kafka_python(address: str, topic: str, partition: int, records: list[Record], codec: str) -> None:
    producer = kafka.KafkaProducer(
        bootstrap_servers=address, compression_type=None if codec == "none" else codec, linger_ms=20
    )
    try:
        sent = [
            producer.send(
                topic,
                record.value,
                key=record.key,
                headers=list(record.headers),
                partition=partition,
                timestamp_ms=record.timestamp_ms,
            )
            for record in records
        ]
        for future in sent:
            future.get(timeout=READ_SECONDS_MAX)
    finally:
        producer.close()


def write_with_confluent(address: str, topic: str, partition: int, records: list[Record], codec: str) -> None:
    producer = ConfluentProducer(
        {"bootstrap.servers": address, "compression.type": codec, "linger.ms": 20, "enable.idempotence": True}
    )
    errors: list[object] = []
    for record in records:
        producer.produce(
            topic,
            record.value,
            key=record.key,
            headers=list(record.headers),
            partition=partition,
            timestamp=record.timestamp_ms,
            on_delivery=lambda error, _: errors.append(error) if error else None,
        )
    assert producer.flush(READ_SECONDS_MAX) == 0
    assert errors == []


def write_with_aiokafka(address: str, topic: str, partition: int, records: list[Record], codec: str) -> None:
    async def write() -> None:
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=address,
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
            enable_idempotence=True,
        )
        await producer.start()
        try:
            futures = [
                await producer.send(
                    topic,
                    record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=partition,
                    timestamp_ms=record.timestamp_ms,
                )
                for record in records
            ]
            for future in futures:
                await future
        finally:
            await producer.stop()

    asyncio.run(write())


def read_with_kafka_python(address: str, topic: str, partition: int, offset: int, count: int) -> list[Stored]:
    consumer = kafka.KafkaConsumer(bootstrap_servers=address, group_id=None, auto_offset_reset="none")
    found: list[Stored] = []
    try:
        where = kafka.TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        deadline_s = time.monotonic() + READ_SECONDS_MAX
        while len(found) < count and time.monotonic() < deadline_s:
            for rows in consumer.poll(timeout_ms=200).values():
                found += [
                    Stored(row.offset, Record(row.key, row.value, tuple(row.headers), row.timestamp)) for row in rows
                ]
    finally:
        consumer.close()
    return found


def read_with_confluent(address: str, topic: str, partition: int, offset: int, count: int) -> list[Stored]:
    consumer = ConfluentConsumer(
        {"bootstrap.servers": address, "group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error"}
    )
    found: list[Stored] = []
    try:
        consumer.assign([ConfluentTopicPartition(topic, partition, offset)])
        deadline_s = time.monotonic() + READ_SECONDS_MAX
        while len(found) < count and time.monotonic() < deadline_s:
            for row in consumer.consume(count - len(found), 0.2):
                assert row.error() is None, row.error()
                headers = tuple(row.headers() or ())
                found.append(Stored(row.offset(), Record(row.key(), row.value(), headers, row.timestamp()[1])))
    finally:
        consumer.close()
    return found


def read_with_aiokafka(address: str, topic: str, partition: int, offset: int, count: int) -> list[Stored]:
    async def read() -> list[Stored]:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=address, group_id=None, auto_offset_reset="none")
        await consumer.start()
        found: list[Stored] = []
        try:
            where = aiokafka.TopicPartition(topic, partition)
            consumer.assign([where])
            consumer.seek(where, offset)
            deadline_s = time.monotonic() + READ_SECONDS_MAX
            while len(found) < count and time.monotonic() < deadline_s:
                for rows in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        Stored(row.offset, Record(row.key, row.value, tuple(row.headers), row.timestamp))
                        for row in rows
                    ]
        finally:
            await consumer.stop()
        return found

    return asyncio.run(read())


Write = Callable[[str, str, int, list[Record], str], None]
Read = Callable[[str, str, int, int, int], list[Stored]]

WRITERS: dict[str, Write] = {
    "kafka-python": write_with_kafka_python,
    "confluent-kafka": write_with_confluent,
    "aiokafka": write_with_aiokafka,
}
READERS: dict[str, Read] = {
    "kafka-python": read_with_kafka_python,
    "confluent-kafka": read_with_confluent,
    "aiokafka": read_with_aiokafka,
}
