"""What a request makes of an image: records, or the error that a client is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from harness.pylog_broker.controller.image import MetadataImage, TopicImage
from harness.pylog_broker.controller.records import (
    ConfigRecord,
    PartitionRecord,
    Record,
    TopicRecord,
)
from harness.pylog_broker.storage.errors import InvalidPartitions, InvalidTopicName, TopicExists, UnknownTopic
from harness.pylog_broker.storage.topic import check_topic_name

PARTITIONS_MAX = 10_000  # over all topics: each costs a folder, a descriptor and about 3 kB
FIRST_EPOCH = 0
INTERNAL_TOPIC_NAMES = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""Made by the broker alone: a topic of that name with a client's settings would lose what it keeps there."""


def check_new_topic(image: MetadataImage, name: str, partitions: int, *, internal: bool = False) -> None:
    """Raise TopicExists, InvalidTopicName or InvalidPartitions unless the topic can be created."""
    check_topic_name(name)
    if name in INTERNAL_TOPIC_NAMES and not internal:
        raise InvalidTopicName(f"'{name}' is internal: the broker makes it when it is first needed")
    if name in image.topics:
        raise TopicExists(f"topic '{name}' exists already")
    squashed = name.replace(".", "_")
    for other in image.topics:
        if other.replace(".", "_") == squashed:
            raise InvalidTopicName(f"topic '{name}' collides with '{other}': '.' and '_' count as the same")
    _check_count(image, partitions, partitions)


def check_more_partitions(image: MetadataImage, name: str, total: int) -> None:
    """Raise UnknownTopic or InvalidPartitions unless the topic can be extended to `total` partitions."""
    before = len(known_topic(image, name).partitions)
    if total <= before:
        raise InvalidPartitions(f"topic '{name}' has {before} partitions already; {total} would not add any")
    _check_count(image, total, total - before)


def _check_count(image: MetadataImage, total: int, added: int) -> None:
    if total <= 0:
        raise InvalidPartitions(f"a topic has at least one partition, not {total}")
    if image.partition_count + added > PARTITIONS_MAX:
        raise InvalidPartitions(f"{added} more partitions would exceed the limit of {PARTITIONS_MAX} over all topics")


def known_topic(image: MetadataImage, name: str) -> TopicImage:
    """The topic of this name; raises UnknownTopic."""
    topic = image.topics.get(name)
    if topic is None:
        raise UnknownTopic(f"there is no topic '{name}'")
    return topic


def partition_records(topic_id: UUID, numbers: range, replicas: tuple[int, ...]) -> list[Record]:
    """New partitions, each led by the first of its replicas."""
    return [
        PartitionRecord(topic_id, number, replicas, replicas, replicas[0], FIRST_EPOCH, FIRST_EPOCH)
        for number in numbers
    ]


def topic_records(
    topic_id: UUID, name: str, partitions: int, replicas: tuple[int, ...], config: Mapping[str, str], *, internal: bool
) -> list[Record]:
    """A new topic with its partitions and settings."""
    head: list[Record] = [TopicRecord(topic_id, name, internal)]
    return head + partition_records(topic_id, range(partitions), replicas) + config_records(2, name, {}, config)


def config_records(
    resource_type: int, resource_name: str, before: Mapping[str, str], after: Mapping[str, str]
) -> list[Record]:
    """What turns the settings of a resource from `before` into `after`."""
    gone: Sequence[Record] = [
        ConfigRecord(resource_type, resource_name, name, None) for name in before if name not in after
    ]
    changed = [
        ConfigRecord(resource_type, resource_name, name, value)
        for name, value in after.items()
        if before.get(name) != value
    ]
    return [*gone, *changed]
