"""The transactional producers of aiokafka (versions of before flexible messages) and kafka-python."""

from __future__ import annotations

import asyncio
import uuid

import aiokafka
import kafka
import pytest
from aiokafka.errors import ProducerFenced
from kafka.consumer.group import ConsumerGroupMetadata

from tests.integration.pylog_core.broker_process import BrokerProcess

WAIT_S = 20


def _topic() -> str:
    return f"t-{uuid.uuid4()}"


async def _read(address: str, topic: str, isolation: str) -> list[bytes]:
    """Every value up to the end that this isolation level sees."""
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        where = aiokafka.TopicPartition(topic, 0)
        consumer.assign([where])
        end = (await consumer.end_offsets([where]))[where]
        values: list[bytes] = []
        async with asyncio.timeout(WAIT_S):
            while await consumer.position(where) < end:
                for rows in (await consumer.getmany(timeout_ms=100)).values():
                    values += [row.value for row in rows]
        return values
    finally:
        await consumer.stop()


def test_aiokafka(broker: BrokerProcess) -> None:
    topic, transactional_id, group = _topic(), f"x-{uuid.uuid4()}", f"g-{uuid.uuid4()}"

    async def run() -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=transactional_id)
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"a", partition=0)
            await producer.send_offsets_to_transaction({aiokafka.TopicPartition(topic, 0): 1}, group)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"b", partition=0)
        await producer.send_offsets_to_transaction({aiokafka.TopicPartition(topic, 0): 2}, group)
        await producer.abort_transaction()
        assert await _read(broker.address, topic, "read_committed") == [b"a"]
        assert await _read(broker.address, topic, "read_uncommitted") == [b"a", b"b"]
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address, group_id=group)
        await consumer.start()
        assert await consumer.committed(aiokafka.TopicPartition(topic, 0)) == 1
        await consumer.stop()
        successor = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=transactional_id)
        await successor.start()
        await producer.begin_transaction()
        with pytest.raises(ProducerFenced):
            await producer.send_and_wait(topic, b"c", partition=0)
        await producer.stop()
        async with successor.transaction():
            await successor.send_and_wait(topic, b"d", partition=0)
        await successor.stop()
        assert await _read(broker.address, topic, "read_committed") == [b"a", b"d"]

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_kafka_python(broker: BrokerProcess) -> None:
    topic, group = _topic(), f"g-{uuid.uuid4()}"
    producer = kafka.KafkaProducer(bootstrap_servers=broker.address, transactional_id=f"x-{uuid.uuid4()}")
    where = kafka.TopicPartition(topic, 0)
    try:
        producer.init_transactions()
        for turn, value in enumerate((b"a", b"b", b"c")):
            producer.begin_transaction()
            producer.send(topic, value, partition=0).get(WAIT_S)
            producer.send_offsets_to_transaction(
                {where: kafka.structs.OffsetAndMetadata(turn + 1, "", -1)}, ConsumerGroupMetadata(group, -1, "", None)
            )
            if value == b"b":
                producer.abort_transaction()
            else:
                producer.commit_transaction()
    finally:
        producer.close()
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=broker.address, group_id=group, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        assert consumer.committed(where) == 3
        consumer.assign([where])
        consumer.seek_to_beginning(where)
        values: list[bytes] = []
        while consumer.position(where) < consumer.end_offsets([where])[where]:
            for rows in consumer.poll(timeout_ms=200).values():
                values += [row.value for row in rows]
        assert values == [b"a", b"c"]
    finally:
        consumer.close()
