"""Data outlives its process: through a kill, a stop, and a new port. Messages are put in and looked for with each broker's own client."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from pathlib import Path

import confluent_kafka
import pika
import pytest
import stomp

from harness.brokers import create, ports
from harness.brokers.products.rabbitmq import NODE
from harness.model.broker import BrokerInfo

BODIES = [f"message {number}".encode() for number in range(20)]


def publish_rabbitmq(info: BrokerInfo) -> None:
    with pika.BlockingConnection(pika.ConnectionParameters(info.host, info.port)) as connection:
        channel = connection.channel()
        channel.queue_declare("kept", durable=True)
        channel.confirm_delivery()
        for body in BODIES:
            channel.basic_publish("", "kept", body, pika.BasicProperties(delivery_mode=2))


def consume_rabbitmq(info: BrokerInfo) -> list[bytes]:
    with pika.BlockingConnection(pika.ConnectionParameters(info.host, info.port)) as connection:
        channel = connection.channel()
        found = []
        while (got := channel.basic_get("kept", auto_ack=False))[0] is not None:
            found.append(got[2])
        return found


class Inbox(stomp.ConnectionListener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.bodies: queue.Queue[bytes] = queue.Queue()
        self.receipts: queue.Queue[str] = queue.Queue()

    def on_message(self, frame: stomp.utils.Frame) -> None:
        self.bodies.put(frame.body.encode())

    def on_receipt(self, frame: stomp.utils.Frame) -> None:
        self.receipts.put(frame.headers["receipt-id"])


@contextlib.contextmanager
def stomp_connection(info: BrokerInfo):  # type: ignore[no-untyped-def]
    connection = stomp.Connection12([(info.host, info.port)], heartbeats=(0, 0))
    inbox = Inbox()
    connection.set_listener("inbox", inbox)
    connection.connect(wait=True)
    yield connection, inbox
    connection.disconnect(receipt="bye")
    while inbox.receipts.get(timeout=10) != "bye":
        pass


def publish_activemq(info: BrokerInfo) -> None:
    with stomp_connection(info) as (connection, inbox):
        for body in BODIES:
            connection.send("/queue/kept", body.decode(), headers={"persistent": "true"}, receipt="sent")
            inbox.receipts.get(timeout=10)


def consume_activemq(info: BrokerInfo) -> list[bytes]:
    with stomp_connection(info) as (connection, inbox):
        connection.subscribe("/queue/kept", "1", "client-individual")
        return [inbox.bodies.get(timeout=10) for _ in BODIES]


def publish_kafka(info: BrokerInfo) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": info.address, "acks": "all", "log_level": 0})
    refused: list[object] = []
    for body in BODIES:
        producer.produce("kept", body, on_delivery=lambda error, _: refused.append(error) if error else None)
    assert producer.flush(30) == 0
    assert refused == []


def consume_kafka(info: BrokerInfo) -> list[bytes]:
    settings = {"bootstrap.servers": info.address, "group.id": "unused", "log_level": 0}
    consumer = confluent_kafka.Consumer(settings)
    partitions = consumer.list_topics("kept", 20).topics["kept"].partitions
    consumer.assign([confluent_kafka.TopicPartition("kept", number, 0) for number in partitions])
    found = consumer.consume(len(BODIES), 20)
    consumer.close()
    return [message.value() for message in found if message.error() is None]


CLIENTS: dict[str, tuple[Callable[[BrokerInfo], None], Callable[[BrokerInfo], list[bytes]]]] = {
    "pylog": (publish_kafka, consume_kafka),
    "kafka": (publish_kafka, consume_kafka),
    "rabbitmq": (publish_rabbitmq, consume_rabbitmq),
    "activemq": (publish_activemq, consume_activemq),
}


def _await_decided(log: Path, name: bytes) -> None:
    """RabbitMQ's own database logs a declaration as two records: what to do, and up to two seconds later that it is decided.

    A kill between the two undoes the declaration, and takes the queue's confirmed messages along.
    """
    deadline = time.monotonic() + 60
    while True:
        _, found, after = log.read_bytes().rpartition(name)
        if found and b"committed" in after:
            return
        assert time.monotonic() < deadline, "the declaration did not reach the disk"
        time.sleep(0.1)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.broker(name)) for name in CLIENTS])
def test_acknowledged_messages_are_there_after_a_kill_and_on_another_port(name: str, tmp_path: Path) -> None:
    publish, consume = CLIENTS[name]
    broker = create(name, root=tmp_path)
    moved = create(name, root=tmp_path, url=f"127.0.0.1:{ports.free_ports(1)[0]}")
    try:
        publish(broker.start(tier="D1", settings={}))
        if name == "rabbitmq":
            _await_decided(tmp_path / "data" / NODE / "LATEST.LOG", b"kept")
        assert broker.kill().bit
        assert sorted(consume(broker.restart())) == sorted(BODIES)
        broker.stop()
        assert sorted(consume(moved.start(tier="D1", settings={}))) == sorted(BODIES)
        moved.stop()
        moved.wipe()
        assert not (tmp_path / "data").exists()
    finally:
        broker.stop()
        moved.stop()
