"""Making, counting and removing what a plan names, over a short-lived connection of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pika
from pika.exceptions import AMQPChannelError, AMQPConnectionError, AMQPError, ChannelClosedByBroker

from harness.adapters.rabbitmq.link import describe, parameters
from harness.adapters.rabbitmq.places import PRIMER_OFFSET, START, Place
from harness.adapters.rabbitmq.topology import QUORUM, Topology
from harness.errors import BrokerUnavailable, ProvisioningFailed
from harness.model.broker import BrokerInfo

LEADER_WAIT_S = 10.0
# Killed 0.5 s after its declaration a quorum queue comes back unusable, and what it confirmed is gone; after 1 s not. So it is with the
# first stream of a node. A classic queue is gone as if it had never been declared: Mnesia logs the declaration, and up to 2 s later, from a
# cache, that it is decided; a kill between the two undoes it (3 of 29 kills right after a declaration, 3.10.8 on a busy machine).
SETTLING_S = 2.5
NOT_FOUND = 404
PERSISTENT = pika.BasicProperties(delivery_mode=2)
PREFETCH_MAX = 65_535
LAST_TIMEOUT_S = 5.0
PLACE_TIMEOUT_S = 2.0


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
            if topology.streaming:
                _seed(channel, topology)
            if topology.queue_type == QUORUM or topology.streaming:
                _await_leaders(channel, [queue.name for queue in topology.queues()])
    except BrokerUnavailable as problem:
        raise ProvisioningFailed(problem.message) from problem
    except AMQPChannelError as problem:
        raise ProvisioningFailed(f"RabbitMQ at {broker.address} refused: {problem}") from problem


def _seed(channel: Any, topology: Topology) -> None:
    """What a lane begins with: a first message in its stream, and for each group the token and the place at that message.

    Streams are never empty so that ``last_offsets`` finds their end. Of what an earlier call has made nothing is made again.
    """
    channel.confirm_delivery()
    primed: set[int] = set()
    for group in topology.needs.groups:
        for lane, token in enumerate(topology.work_queues(group)):
            state = channel.queue_declare(token, passive=True).method
            if state.message_count or state.consumer_count:
                continue
            if lane not in primed:
                channel.basic_publish("", topology.stream(lane), b"first", PERSISTENT, mandatory=True)
                primed.add(lane)
            channel.basic_publish("", topology.place_queue(group, lane), START.encode(), PERSISTENT, mandatory=True)
            channel.basic_publish("", token, b"token", PERSISTENT, mandatory=True)


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


def last_offsets(broker: BrokerInfo, streams: Sequence[str]) -> list[int]:
    """The offset of the last message of each stream. None may be empty.

    What the broker counts lags by seconds, so this reads the last chunk: all of it has come once the broker answers something else.
    """
    last = [PRIMER_OFFSET - 1] * len(streams)

    def reader(place: int) -> Any:
        def on_message(_channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
            last[place] = int(properties.headers["x-stream-offset"])

        return on_message

    try:
        with _channel(broker) as channel:
            channel.basic_qos(prefetch_count=PREFETCH_MAX)
            for place, stream in enumerate(streams):
                channel.basic_consume(stream, reader(place), arguments={"x-stream-offset": "last"})
            deadline = time.monotonic() + LAST_TIMEOUT_S
            while min(last) < PRIMER_OFFSET:
                channel.connection.process_data_events(0.01)
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(f"RabbitMQ at {broker.address} does not say where its streams end")
            channel.queue_declare(streams[0], passive=True)
            channel.connection.process_data_events(0)
    except AMQPChannelError as problem:
        raise BrokerUnavailable(f"RabbitMQ at {broker.address}: {problem}") from problem
    return last


def places(broker: BrokerInfo, queues: Sequence[str]) -> list[int]:
    """The offset up to which each place says that all is settled."""
    try:
        with _channel(broker) as channel:
            return [_place(channel, name) for name in queues]
    except AMQPChannelError as problem:
        raise BrokerUnavailable(f"RabbitMQ at {broker.address}: {problem}") from problem


def _place(channel: Any, queue: str) -> int:
    """Take the note out and put it back. A member may have it in hand at the moment: look again."""
    deadline = time.monotonic() + PLACE_TIMEOUT_S
    while True:
        method, _, body = channel.basic_get(queue)
        if method is not None:
            channel.basic_reject(method.delivery_tag, requeue=True)
            return Place.decode(body).offset
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"{queue} holds no place")
        time.sleep(0.005)


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
