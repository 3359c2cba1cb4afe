"""The broker is killed (SIGKILL) inside a transaction of librdkafka's; what it left, and what works, after the restart."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.integration.pylog_core.broker_process import BrokerProcess

CALL_S = 10
PATIENCE_S = 20
TIMEOUT_MS = 2000
LONG_TIMEOUT_MS = 60_000
LEFT_OPEN = 20


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A broker of the test's own: it is killed."""
    with BrokerProcess(tmp_path / "data", "num.partitions=1", "log.retention.ms=-1") as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def _producer(broker: BrokerProcess, transactional_id: str, timeout_ms: int) -> Producer:
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": timeout_ms,
            "message.timeout.ms": timeout_ms,
            "linger.ms": 0,
            "reconnect.backoff.max.ms": 200,
        }
    )
    producer.init_transactions(CALL_S)
    return producer


def _begin(producer: Producer, topic: str) -> None:
    """A transaction whose records the broker has, and that is left open."""
    producer.begin_transaction()
    for number in range(LEFT_OPEN):
        producer.produce(topic, b"open %d" % number, partition=0)
    assert producer.flush(CALL_S) == 0


def _kill_and_restart(broker: BrokerProcess) -> None:
    broker.kill()
    broker.start()


def _commit_one(producer: Producer, topic: str, value: bytes) -> None:
    producer.begin_transaction()
    producer.produce(topic, value, partition=0)
    producer.commit_transaction(CALL_S)


def _visible(broker: BrokerProcess, topic: str, isolation: str = "read_committed") -> list[bytes]:
    """What a consumer of this isolation level finds up to the end that it is shown; bounded in time."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": f"g-{uuid.uuid4()}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    deadline_s = time.monotonic() + CALL_S
    try:
        while time.monotonic() < deadline_s:
            message = consumer.poll(0.2)
            if message is None:
                continue
            error = message.error()
            if error is None:
                values.append(message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                return values
            else:
                raise KafkaException(error)
    finally:
        consumer.close()
    raise AssertionError(f"no end of {topic} in {CALL_S} s; {len(values)} values")


def test_init_transactions_of_the_successor_aborts_it(broker: BrokerProcess) -> None:
    topic, name = f"t-{uuid.uuid4()}", f"x-{uuid.uuid4()}"
    first = _producer(broker, name, LONG_TIMEOUT_MS)
    _commit_one(first, topic, b"before")
    _begin(first, topic)
    _kill_and_restart(broker)
    assert _visible(broker, topic) == [b"before"], "an open transaction, recovered, hides what it wrote"
    assert len(_visible(broker, topic, "read_uncommitted")) == 1 + LEFT_OPEN, "the records are there: D1"
    second = _producer(broker, name, LONG_TIMEOUT_MS)
    _commit_one(second, topic, b"after")
    assert _visible(broker, topic) == [b"before", b"after"]
    with pytest.raises(KafkaException) as raised:
        first.commit_transaction(CALL_S)
    assert raised.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)


def test_the_timeout_aborts_it_where_no_successor_comes(broker: BrokerProcess) -> None:
    topic, name = f"t-{uuid.uuid4()}", f"x-{uuid.uuid4()}"
    _begin(_producer(broker, name, TIMEOUT_MS), topic)
    _kill_and_restart(broker)
    plain = Producer({"bootstrap.servers": broker.address})
    plain.produce(topic, b"behind", partition=0)
    assert plain.flush(CALL_S) == 0
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := _visible(broker, topic)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert found == [b"behind"], "seen once the transaction before it has ended"
    _commit_one(_producer(broker, name, TIMEOUT_MS), topic, b"next")
    assert _visible(broker, topic) == [b"behind", b"next"]


def test_the_producer_itself_goes_on_where_the_broker_left_it(broker: BrokerProcess) -> None:
    topic, name = f"t-{uuid.uuid4()}", f"x-{uuid.uuid4()}"
    producer = _producer(broker, name, LONG_TIMEOUT_MS)
    _begin(producer, topic)
    _kill_and_restart(broker)
    producer.produce(topic, b"after the crash", partition=0)
    producer.commit_transaction(CALL_S)
    assert _visible(broker, topic) == [b"open %d" % number for number in range(LEFT_OPEN)] + [b"after the crash"]
    _commit_one(producer, topic, b"next")
    assert _visible(broker, topic)[-1] == b"next"


def test_offsets_in_it_do_not_count(broker: BrokerProcess) -> None:
    topic, name, group = f"t-{uuid.uuid4()}", f"x-{uuid.uuid4()}", f"g-{uuid.uuid4()}"
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group, "session.timeout.ms": 6000})
    producer = _producer(broker, name, LONG_TIMEOUT_MS)
    _begin(producer, topic)
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 7)], consumer.consumer_group_metadata(), CALL_S)
    _kill_and_restart(broker)
    successor = _producer(broker, name, LONG_TIMEOUT_MS)
    assert consumer.committed([TopicPartition(topic, 0)], CALL_S)[0].offset < 0
    successor.begin_transaction()
    successor.send_offsets_to_transaction([TopicPartition(topic, 0, 9)], consumer.consumer_group_metadata(), CALL_S)
    successor.commit_transaction(CALL_S)
    assert consumer.committed([TopicPartition(topic, 0)], CALL_S)[0].offset == 9
    consumer.close()
