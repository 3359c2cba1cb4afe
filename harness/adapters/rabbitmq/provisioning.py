"""Making, counting and removing what a plan names, over a short-lived connection of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pika
from pika.exceptions import AMQPChannelError, AMQPConnectionError, AMQPError, ChannelClosedByBroker

from harness.adapters.rabbitmq.link import describe, parameters
from harness.adapters.rabbitmq.topology import QUORUM, Topology
from harness.errors import BrokerUnavailable, ProvisioningFailed
from harness.model.broker import BrokerInfo

LEADER_WAIT_S = 10.0
SETTLING_S = 2.5  # killed 0.5 s after its declaration a quorum queue comes back unusable, and what it confirmed is gone; after 1 s not
NOT_FOUND = 404


@contextmanager
def _channel(broker: BrokerInfo) -> Iterator[Any]:
    """A channel. Every error of the client library becomes BrokerUnavailable, but for the channel's own."""
    try:
        connection = pika.BlockingConnection(parameters(broker))
    except (AMQPError, OSError) as problem:
        raise BrokerUnavailable(f"RabbitMQ at {broker.address} does not answer: {describe(problem)}") from problem
    try:
        yield connection.channel()
    except (AMQPConnectionError, OSError) as problem:
        raise BrokerUnavailable(f"lost RabbitMQ at {broker.address}: {describe(problem)}") from problem
    finally:
        with suppress(AMQPError, OSError):
            connection.close()


def create(broker: BrokerInfo, topology: Topology) -> None:
    """Declare everything, targets first. Raises ProvisioningFailed."""
    try:
        with _channel(broker) as channel:
            for name, kind in topology.exchanges.items():
                channel.exchange_declare(name, exchange_type=kind, durable=True)
            for queue in topology.queues():
                channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
                for exchange, key in queue.bindings:
                    channel.queue_bind(queue.name, exchange, key)
            if topology.queue_type == QUORUM:
                _await_leaders(channel, [queue.name for queue in topology.queues()])
                time.sleep(SETTLING_S)
    except BrokerUnavailable as problem:
        raise ProvisioningFailed(problem.message) from problem
    except AMQPChannelError as problem:
        raise ProvisioningFailed(f"RabbitMQ at {broker.address} refused: {problem}") from problem


def _await_leaders(channel: Any, names: Sequence[str]) -> None:
    """A quorum queue answers once it has elected a leader."""
    deadline = time.monotonic() + LEADER_WAIT_S
    for name in names:
        while True:
            try:
                channel.queue_declare(name, passive=True)
                break
            except ChannelClosedByBroker:
                if time.monotonic() > deadline:
                    raise
                channel = channel.connection.channel()
                time.sleep(0.05)


def remove(broker: BrokerInfo, topology: Topology) -> None:
    """Delete queues and exchanges; what is not there is no error."""
    with _channel(broker) as channel:
        for queue in topology.queues():
            channel.queue_delete(queue.name)
        for name in topology.exchanges:
            channel.exchange_delete(name)


def ready_messages(broker: BrokerInfo, names: Sequence[str]) -> dict[str, int]:
    """Messages that wait in each queue; a queue that is gone has none."""
    counts = {}
    with _channel(broker) as first:
        channel = first
        for name in names:
            try:
                counts[name] = int(channel.queue_declare(name, passive=True).method.message_count)
            except ChannelClosedByBroker as problem:
                if problem.reply_code != NOT_FOUND:
                    raise BrokerUnavailable(f"RabbitMQ at {broker.address}: {problem}") from problem
                counts[name] = 0
                channel = channel.connection.channel()
    return counts


def publish_transaction(
    broker: BrokerInfo, exchange: str, routing_key: str, payloads: Sequence[bytes], *, commit: bool, persistent: bool
) -> None:
    """tx.select, the publishes, and tx.commit or tx.rollback. Raises BrokerUnavailable."""
    properties = pika.BasicProperties(delivery_mode=2 if persistent else 1)
    with _channel(broker) as channel:
        channel.tx_select()
        for payload in payloads:
            channel.basic_publish(exchange, routing_key, payload, properties)
        if commit:
            channel.tx_commit()
        else:
            channel.tx_rollback()
