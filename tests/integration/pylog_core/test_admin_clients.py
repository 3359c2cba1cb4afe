"""Topics, settings, offsets and times through the administration and consumer APIs of the three libraries."""

from __future__ import annotations

import asyncio
import time

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec

from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.clients import READERS, WRITERS, Record, aiokafka, kafka

pytestmark = pytest.mark.broker("pylog")

NOW_MS = 1_790_000_000_000
TIMEOUT_S = 20


def test_confluent_kafka(broker: BrokerProcess) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    topic = "admin-confluent"
    admin.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "123456"})])[topic].result(TIMEOUT_S)
    with pytest.raises(KafkaException, match="exists already"):
        admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(TIMEOUT_S)
    assert len(admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions) == 3
    resource = ConfigResource("topic", topic)
    config = admin.describe_configs([resource])[resource].result(TIMEOUT_S)
    assert config["retention.ms"].value == "123456"
    admin.create_partitions([NewPartitions(topic, 4)])[topic].result(TIMEOUT_S)
    assert len(admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions) == 4
    described = admin.describe_cluster().result(TIMEOUT_S)
    assert (described.controller.id, len(described.nodes)) == (1, 1)
    WRITERS["confluent-kafka"](broker.address, topic, 2, [Record(None, b"v", (), NOW_MS + i) for i in range(9)], "lz4")
    where = TopicPartition(topic, 2)
    assert admin.list_offsets({where: OffsetSpec.latest()})[where].result(TIMEOUT_S).offset == 9
    assert admin.list_offsets({where: OffsetSpec.max_timestamp()})[where].result(TIMEOUT_S).offset == 8
    admin.delete_records([TopicPartition(topic, 2, 4)])
    deadline_s = time.monotonic() + TIMEOUT_S
    while admin.list_offsets({where: OffsetSpec.earliest()})[where].result(TIMEOUT_S).offset != 4:
        assert time.monotonic() < deadline_s
    admin.delete_topics([topic])[topic].result(TIMEOUT_S)
    assert topic not in admin.list_topics(timeout=TIMEOUT_S).topics


def test_kafka_python(broker: BrokerProcess) -> None:
    from kafka.admin import ConfigResource as Resource
    from kafka.admin import ConfigResourceType, KafkaAdminClient
    from kafka.admin import NewPartitions as MorePartitions
    from kafka.admin import NewTopic as Topic

    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    topic = "admin-kafka-python"
    try:
        admin.create_topics([Topic(topic, 2, 1, topic_configs={"segment.bytes": "1048576"})])
        assert topic in admin.list_topics()
        described = admin.describe_topics([topic])
        assert "admin-kafka-python" in str(described)
        config = admin.describe_configs([Resource(ConfigResourceType.TOPIC, topic)])
        assert "1048576" in str(config)
        admin.alter_configs([Resource(ConfigResourceType.TOPIC, topic, {"segment.bytes": "2097152"})])
        assert "2097152" in str(admin.describe_configs([Resource(ConfigResourceType.TOPIC, topic)]))
        admin.create_partitions({topic: MorePartitions(3)})
        admin.describe_cluster()
        assert topic in str(admin.describe_log_dirs())
        admin.delete_topics([topic])
        assert topic not in admin.list_topics()
    finally:
        admin.close()


def test_aiokafka(broker: BrokerProcess) -> None:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin import NewTopic as Topic

    async def run() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        topic = "admin-aiokafka"
        try:
            await admin.create_topics([Topic(topic, 2, 1)])
            assert topic in await admin.list_topics()
            assert (await admin.describe_topics([topic]))[0]["error_code"] == 0
            await admin.describe_cluster()
            await admin.delete_topics([topic])
            assert topic not in await admin.list_topics()
        finally:
            await admin.close()

    asyncio.run(run())


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_offsets_for_times(broker: BrokerProcess, codec: str) -> None:
    topic = f"times-{codec}"
    records = [Record(None, b"v", (), NOW_MS + 100 * index) for index in range(50)]
    WRITERS["confluent-kafka"](broker.address, topic, 0, records, codec)

    expected = {NOW_MS - 5: 0, NOW_MS + 100: 1, NOW_MS + 101: 2, NOW_MS + 4900: 49}
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.address)
    where = kafka.TopicPartition(topic, 0)
    try:
        for timestamp, offset in expected.items():
            assert consumer.offsets_for_times({where: timestamp})[where].offset == offset
        assert consumer.offsets_for_times({where: NOW_MS + 4901})[where] is None
        assert consumer.beginning_offsets([where]) == {where: 0}
        assert consumer.end_offsets([where]) == {where: 50}
    finally:
        consumer.close()

    confluent = Consumer({"bootstrap.servers": broker.address, "group.id": "unused"})
    try:
        for timestamp, offset in expected.items():
            (found,) = confluent.offsets_for_times([TopicPartition(topic, 0, timestamp)], timeout=TIMEOUT_S)
            assert found.offset == offset
        assert confluent.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT_S) == (0, 50)
    finally:
        confluent.close()

    async def ask() -> None:
        aio = aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address)
        await aio.start()
        try:
            place = aiokafka.TopicPartition(topic, 0)
            for timestamp, offset in expected.items():
                assert (await aio.offsets_for_times({place: timestamp}))[place].offset == offset
        finally:
            await aio.stop()

    asyncio.run(ask())


@pytest.mark.parametrize("reader", READERS)
def test_a_restart_and_a_kill_lose_nothing_that_was_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, reader: str
) -> None:
    folder = tmp_path_factory.mktemp("pylog")
    records = [Record(b"%d" % index, b"v" * 500, (), NOW_MS + index) for index in range(200)]
    with BrokerProcess(folder / "data", "log.retention.ms=-1") as process:
        WRITERS["confluent-kafka"](process.address, "topic", 0, records[:100], "none")
        process.kill()
        process.start()
        WRITERS["confluent-kafka"](process.address, "topic", 0, records[100:], "none")
        assert process.stop() == 0
        process.start()
        found = READERS[reader](process.address, "topic", 0, 0, 200)
        assert [stored.record for stored in found] == records
        assert process.stop() == 0
