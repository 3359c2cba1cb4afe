"""librdkafka's transactional producer: commit, abort, fencing, offsets in a transaction, timeouts."""

from __future__ import annotations

import time
import uuid

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.integration.pylog_core.broker_process import BrokerProcess

WAIT_S = 20


def _producer(broker: BrokerProcess, transactional_id: str, **settings: object) -> Producer:
    producer = Producer(
        {"bootstrap.servers": broker.address, "transactional.id": transactional_id, "linger.ms": 0, **settings}
    )
    producer.init_transactions(WAIT_S)
    return producer


def _consumer(broker: BrokerProcess, isolation: str, **settings: object) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": f"g-{uuid.uuid4()}",
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            **settings,
        }
    )


def _read(broker: BrokerProcess, topic: str, isolation: str, partitions: int = 3) -> list[bytes]:
    """Every value up to the end of each partition, as this isolation level sees it."""
    consumer = _consumer(broker, isolation)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    values: list[bytes] = []
    ended: set[int] = set()
    deadline_s = time.monotonic() + WAIT_S
    try:
        while len(ended) < partitions and time.monotonic() < deadline_s:
            message = consumer.poll(0.2)
            if message is None:
                continue
            error = message.error()
            if error is None:
                values.append(message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise KafkaException(error)
    finally:
        consumer.close()
    assert len(ended) == partitions
    return values


def _topic() -> str:
    return f"t-{uuid.uuid4()}"


def test_committed_records_of_several_partitions_are_seen_together(broker: BrokerProcess) -> None:
    topic = _topic()
    producer = _producer(broker, f"x-{uuid.uuid4()}")
    producer.begin_transaction()
    for number in range(30):
        producer.produce(topic, b"%d" % number, partition=number % 3)
    producer.flush(WAIT_S)
    assert _read(broker, topic, "read_committed") == [], "trap 4: nothing of an open transaction"
    assert len(_read(broker, topic, "read_uncommitted")) == 30
    producer.commit_transaction(WAIT_S)
    assert sorted(_read(broker, topic, "read_committed"), key=int) == [b"%d" % number for number in range(30)]


def test_trap_5_aborted_records_are_delivered_and_filtered(broker: BrokerProcess) -> None:
    topic = _topic()
    producer = _producer(broker, f"x-{uuid.uuid4()}")
    for turn in range(6):
        producer.begin_transaction()
        for number in range(3):
            producer.produce(topic, b"%d-%d" % (turn, number), partition=number)
        producer.flush(WAIT_S)
        if turn % 2:
            producer.abort_transaction(WAIT_S)
        else:
            producer.commit_transaction(WAIT_S)
    committed = sorted(_read(broker, topic, "read_committed"))
    assert committed == sorted(b"%d-%d" % (turn, number) for turn in (0, 2, 4) for number in range(3))
    assert len(_read(broker, topic, "read_uncommitted")) == 18


def test_trap_14_a_new_producer_aborts_what_the_old_one_left_and_fences_it(broker: BrokerProcess) -> None:
    topic, transactional_id = _topic(), f"x-{uuid.uuid4()}"
    old = _producer(broker, transactional_id)
    old.begin_transaction()
    old.produce(topic, b"old", partition=0)
    old.flush(WAIT_S)
    new = _producer(broker, transactional_id)
    with pytest.raises(KafkaException) as raised:
        old.commit_transaction(WAIT_S)
    assert raised.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)
    new.begin_transaction()
    new.produce(topic, b"new", partition=0)
    new.commit_transaction(WAIT_S)
    assert _read(broker, topic, "read_committed") == [b"new"]


def test_offsets_count_with_the_transaction_or_never(broker: BrokerProcess) -> None:
    source, target, group = _topic(), _topic(), f"g-{uuid.uuid4()}"
    seed = Producer({"bootstrap.servers": broker.address})
    for number in range(10):
        seed.produce(source, b"%d" % number, partition=0)
    seed.flush(WAIT_S)
    producer = _producer(broker, f"x-{uuid.uuid4()}")
    consumer = _consumer(broker, "read_committed", **{"group.id": group})
    consumer.subscribe([source])
    seen = []
    deadline_s = time.monotonic() + WAIT_S
    while len(seen) < 10 and time.monotonic() < deadline_s:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            seen.append(message)
    assert len(seen) == 10
    here = [TopicPartition(source, 0)]
    for commit, upto in ((False, 5), (True, 7)):
        producer.begin_transaction()
        producer.produce(target, b"%d" % upto, partition=0)
        producer.send_offsets_to_transaction(
            [TopicPartition(source, 0, upto)], consumer.consumer_group_metadata(), WAIT_S
        )
        if commit:
            producer.commit_transaction(WAIT_S)
        else:
            producer.abort_transaction(WAIT_S)
            assert consumer.committed(here, WAIT_S)[0].offset < 0
    assert consumer.committed(here, WAIT_S)[0].offset == 7
    consumer.close()
    assert _read(broker, target, "read_committed") == [b"7"]


def test_a_transaction_that_takes_too_long_is_aborted(broker: BrokerProcess) -> None:
    topic = _topic()
    producer = _producer(broker, f"x-{uuid.uuid4()}", **{"transaction.timeout.ms": 1000})
    producer.begin_transaction()
    producer.produce(topic, b"late", partition=0)
    producer.flush(WAIT_S)
    plain = Producer({"bootstrap.servers": broker.address})
    plain.produce(topic, b"behind", partition=0)
    plain.flush(WAIT_S)
    deadline_s = time.monotonic() + WAIT_S
    while not (found := _read(broker, topic, "read_committed")) and time.monotonic() < deadline_s:
        pass
    assert found == [b"behind"]
    with pytest.raises(KafkaException):
        producer.commit_transaction(WAIT_S)


def test_trap_14_a_timeout_above_the_maximum_is_refused(broker: BrokerProcess) -> None:
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "transactional.id": f"x-{uuid.uuid4()}",
            "transaction.timeout.ms": 2_000_000,
            "message.timeout.ms": 1_000_000,
        }
    )
    with pytest.raises(KafkaException) as raised:
        producer.init_transactions(WAIT_S)
    assert raised.value.args[0].code() == KafkaError.INVALID_TRANSACTION_TIMEOUT
