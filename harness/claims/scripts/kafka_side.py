"""What scripts need of the Kafka protocol: topics, a producer, a reader. Clients have their defaults unless a script says otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

PATIENCE_S = 60.0
BATCH = 2000
COMING_UP = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE}
)


def create_topic(info: BrokerInfo, name: str, partitions: int, settings: Mapping[str, str] | None = None) -> None:
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(settings or {}))
    client = admin(info)  # it must outlive its answers
    for done in client.create_topics([topic]).values():
        done.result(PATIENCE_S)
    ready(info, name, partitions)


def add_partitions(info: BrokerInfo, name: str, total: int) -> None:
    client = admin(info)
    for done in client.create_partitions([NewPartitions(name, total)]).values():
        done.result(PATIENCE_S)
    ready(info, name, total)


def admin(info: BrokerInfo) -> AdminClient:
    return AdminClient({"bootstrap.servers": info.address})


def ready(info: BrokerInfo, name: str, partitions: int) -> None:
    """Wait until all partitions have a leader. Raises BrokerUnavailable."""
    end = time.monotonic() + PATIENCE_S
    client = admin(info)
    while time.monotonic() < end:
        found = client.list_topics(name, timeout=10).topics.get(name)
        if found is not None and sum(one.leader >= 0 for one in found.partitions.values()) >= partitions:
            return
        time.sleep(0.05)
    raise BrokerUnavailable(f"topic {name} has no leaders after {PATIENCE_S:.0f} s")


def send(
    info: BrokerInfo,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes]],
    settings: Mapping[str, Any] | None = None,
) -> list[tuple[int, int]]:
    """Send all and wait for all; (partition, offset) in the order of sending. Raises BrokerUnavailable for one that failed."""
    places: list[tuple[int, int]] = []
    failures: list[str] = []

    def note(number: int) -> Callable[[Any, Message], None]:
        def settled(error: Any, message: Message) -> None:
            if error is not None:
                failures.append(str(error))
            else:
                places[number] = (message.partition() or 0, message.offset() or 0)

        return settled

    producer = Producer({"bootstrap.servers": info.address, **(settings or {})})
    for number, (key, value) in enumerate(records):
        places.append((-1, -1))
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=note(number))
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
    left = producer.flush(PATIENCE_S)
    if left or failures:
        raise BrokerUnavailable(f"{left} messages were not acknowledged; {failures[:1]}")
    return places


def consumer(info: BrokerInfo, group: str, **settings: Any) -> Consumer:
    """A consumer that commits when it is told to."""
    plain = {
        "bootstrap.servers": info.address,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
    return Consumer({**plain, **{key.replace("_", "."): value for key, value in settings.items()}})


def watermarks(info: BrokerInfo, topic: str, partitions: int) -> list[tuple[int, int]]:
    """First offset kept and next offset, by partition."""
    client = consumer(info, "watermarks")
    try:
        pairs = [client.get_watermark_offsets(TopicPartition(topic, one), timeout=10) for one in range(partitions)]
        return [(int(low or 0), int(high or 0)) for low, high in pairs]
    finally:
        client.close()


def committed(client: Consumer, place: TopicPartition) -> int:
    """The group's committed offset, negative for none; a coordinator that has only just come up is asked again."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return int(client.committed([place], timeout=PATIENCE_S)[0].offset)
        except KafkaException as error:
            if error.args[0].code() not in COMING_UP or time.monotonic() > end:
                raise
            time.sleep(0.2)


def read_to_end(info: BrokerInfo, client: Consumer, topic: str, partitions: int) -> Iterator[Message]:
    """Every record from the beginning to the end as it is now, whatever the group has committed. Raises BrokerUnavailable."""
    ends = watermarks(info, topic, partitions)
    places = [TopicPartition(topic, one, ends[one][0]) for one in range(partitions)]
    left = {place.partition for place in places if place.offset < ends[place.partition][1]}
    client.assign(places)
    quiet_since = time.monotonic()
    while left:
        batch = client.consume(BATCH, timeout=1.0)
        if not batch and time.monotonic() - quiet_since > PATIENCE_S:
            raise BrokerUnavailable(f"{topic} was not read to its end: {sorted(left)} are open")
        for message in batch:
            if message.error():
                raise BrokerUnavailable(str(message.error()))
            quiet_since = time.monotonic()
            partition, offset = message.partition(), message.offset()
            assert partition is not None  # only an event that is no record has none
            assert offset is not None
            if offset + 1 >= ends[partition][1]:
                left.discard(partition)
            yield message
