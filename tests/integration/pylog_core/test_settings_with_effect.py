"""Settings that change while a real broker runs, and what real clients see of them: compaction, codecs, retention."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    OffsetSpec,
)

from tests.integration.pylog_core.broker_process import BrokerProcess

pytestmark = pytest.mark.broker("pylog")

TIMEOUT_S = 30


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path / "data", "log.retention.check.interval.ms=50") as process:
        yield process
    assert "Traceback" not in process.log.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.05)


def change(admin: AdminClient, kind: str, name: str, **values: str) -> None:
    entries = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for key, value in values.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)


def read_all(address: str, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
    """(offset, key, value) from the start to the end of partition 0."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "g", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    rows = []
    try:
        while True:
            message = consumer.poll(TIMEOUT_S)
            assert message is not None
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                return rows
            if error is not None:  # of a broker that is starting again
                assert error.retriable() or error.code() < 0, error
                continue
            rows.append((message.offset(), message.key(), message.value()))
    finally:
        consumer.close()


def produce(address: str, topic: str, rows: list[tuple[bytes, bytes | None]], codec: str) -> list[object]:
    failures: list[object] = []
    producer = Producer(
        {"bootstrap.servers": address, "compression.type": codec, "enable.idempotence": True, "batch.size": 1000}
    )
    for key, value in rows:
        producer.produce(topic, value, key, 0, on_delivery=lambda error, _: failures.append(error) if error else None)
    producer.flush(TIMEOUT_S)
    return failures


@pytest.mark.parametrize("codec", ["lz4"])
def test_a_compacted_topic_shrinks_and_a_consumer_reads_the_last_values(
    broker: BrokerProcess, tmp_path: Path, codec: str
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    change(admin, "broker", "1", log_cleaner_backoff_ms="0", log_cleaner_min_cleanable_ratio="0.01")
    config = {"cleanup.policy": "compact", "segment.bytes": "4000"}
    admin.create_topics([NewTopic("t", 1, 1, config=config)])["t"].result(TIMEOUT_S)
    rows = [(b"k%d" % (n % 10), b"%d " % n * 20) for n in range(2000)]
    assert produce(broker.address, "t", rows, codec) == []
    last = dict(rows)
    first = tmp_path / "data" / "t-0" / f"{0:020d}.log"  # closed by now, and nearly full until it is compacted
    wait_for(lambda: first.stat().st_size < 2000)
    found = read_all(broker.address, "t")
    assert len(found) < len(rows)
    assert {key: value for _, key, value in found} == last
    assert all(rows[offset] == (key, value) for offset, key, value in found), "offsets are what they were"
    broker.kill()
    broker.start()
    found = read_all(broker.address, "t")
    assert {key: value for _, key, value in found} == last
    assert produce(broker.address, "t", [(b"k0", b"after")], codec) == []
    assert read_all(broker.address, "t")[-1] == (2000, b"k0", b"after")


def test_settings_take_effect_and_say_where_they_come_from(broker: BrokerProcess) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(TIMEOUT_S)
    change(admin, "broker", "1", message_max_bytes="5000")
    resource = ConfigResource("topic", "t")
    row = admin.describe_configs([resource])[resource].result(TIMEOUT_S)["max.message.bytes"]
    assert (row.value, row.source) == ("5000", ConfigSource.DYNAMIC_BROKER_CONFIG.value)
    (failure,) = produce(broker.address, "t", [(b"k", b"x" * 6000)], "none")
    assert "MSG_SIZE_TOO_LARGE" in repr(failure), "trap 8"
    change(admin, "topic", "t", max_message_bytes="10000", compression_type="zstd")
    assert produce(broker.address, "t", [(b"k", b"x" * 6000)], "gzip") == []
    assert read_all(broker.address, "t") == [(0, b"k", b"x" * 6000)]
    with pytest.raises(KafkaException, match="while the broker runs"):
        change(admin, "broker", "1", num_partitions="3")
    change(admin, "topic", "t", retention_ms="1")
    where = TopicPartition("t", 0)
    wait_for(lambda: admin.list_offsets({where: OffsetSpec.earliest()})[where].result(TIMEOUT_S).offset == 1)
    change(admin, "topic", "t", cleanup_policy="compact")
    keyless = Producer({"bootstrap.servers": broker.address})
    refused: list[object] = []
    keyless.produce("t", b"v", on_delivery=lambda error, _: refused.append(error))
    keyless.flush(TIMEOUT_S)
    assert "INVALID_RECORD" in repr(refused)


def test_trap_21_log_append_time_is_stamped_and_found(broker: BrokerProcess) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    config = {"message.timestamp.type": "LogAppendTime"}
    admin.create_topics([NewTopic("t", 1, 1, config=config)])["t"].result(TIMEOUT_S)
    before_ms = int(time.time() * 1000)
    assert produce(broker.address, "t", [(b"a", b"1"), (b"b", b"2")], "lz4") == []
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "g", "check.crcs": True})
    consumer.assign([TopicPartition("t", 0, 0)])
    message = consumer.poll(TIMEOUT_S)
    assert message is not None
    assert message.error() is None
    consumer.close()
    kind, stamped_ms = message.timestamp()
    assert kind == 2, "log append time"
    assert before_ms <= stamped_ms <= time.time() * 1000
    where = TopicPartition("t", 0)
    found = admin.list_offsets({where: OffsetSpec.for_timestamp(stamped_ms)})[where].result(TIMEOUT_S)
    assert (found.offset, found.timestamp) == (0, stamped_ms)
