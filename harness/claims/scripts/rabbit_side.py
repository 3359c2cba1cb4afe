"""What scripts need of RabbitMQ: a channel, a durable queue, confirmed sending, reading."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pika
from pika.adapters.blocking_connection import BlockingChannel

from harness.model.broker import BrokerInfo

QUIET_S = 1.0


def channel(info: BrokerInfo, *, confirms: bool = False) -> tuple[pika.BlockingConnection, BlockingChannel]:
    credentials = pika.PlainCredentials(info.access.username or "guest", info.access.password or "guest")
    parameters = pika.ConnectionParameters(info.host, info.port, credentials=credentials, heartbeat=0)
    connection = pika.BlockingConnection(parameters)
    opened = connection.channel()
    if confirms:
        opened.confirm_delivery()
    return connection, opened


def declare(info: BrokerInfo, queue: str) -> None:
    connection, opened = channel(info)
    opened.queue_declare(queue, durable=True)
    connection.close()


def send(info: BrokerInfo, queue: str, bodies: Iterable[bytes]) -> int:
    """Persistent messages; the last one is confirmed, and RabbitMQ confirms a queue's messages in order. How many."""
    connection, opened = channel(info)
    properties = pika.BasicProperties(delivery_mode=2)
    count, last = 0, b""
    for body in bodies:
        if count:
            opened.basic_publish("", queue, last, properties)
        last, count = body, count + 1
    opened.confirm_delivery()
    if count:
        opened.basic_publish("", queue, last, properties)
    connection.close()
    return count


def ready(info: BrokerInfo, queue: str) -> int:
    """Messages that wait, as the broker counts them; those that somebody holds do not count."""
    connection, opened = channel(info)
    count = opened.queue_declare(queue, passive=True).method.message_count
    connection.close()
    return int(count)


def drain(info: BrokerInfo, queue: str) -> list[bytes]:
    """Read and acknowledge until nothing came for ``QUIET_S``."""
    connection, opened = channel(info)
    opened.basic_qos(prefetch_count=1000)
    bodies: list[bytes] = []
    tag = 0
    for method, _, body in opened.consume(queue, inactivity_timeout=QUIET_S):
        if method is None:
            break
        bodies.append(body)
        tag = method.delivery_tag
        if len(bodies) % 500 == 0:
            opened.basic_ack(tag, multiple=True)
            tag = 0
    if tag:
        opened.basic_ack(tag, multiple=True)
    opened.cancel()
    connection.close()
    return bodies


def wait_ready(info: BrokerInfo, queue: str, wanted: int, patience_s: float = 10.0) -> int:
    """The count of waiting messages once it is ``wanted``, or what it is when patience ends."""
    end = time.monotonic() + patience_s
    while (count := ready(info, queue)) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    return count
