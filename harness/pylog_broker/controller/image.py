"""The metadata of the cluster as one immutable value, made by adding up the records of the metadata log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from harness.pylog_broker.controller.records import (
    AclRecord,
    ClientQuotaRecord,
    ConfigRecord,
    FeatureLevelRecord,
    PartitionChangeRecord,
    PartitionRecord,
    ProducerIdsRecord,
    Record,
    RegisterBrokerRecord,
    RemoveAclRecord,
    RemoveScramCredentialRecord,
    RemoveTopicRecord,
    ScramCredentialRecord,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    TopicRecord,
    UnregisterBrokerRecord,
)
from harness.pylog_broker.storage.errors import CorruptLog

# Resource types of the config APIs.
TOPIC_RESOURCE, BROKER_RESOURCE, BROKER_LOGGER_RESOURCE = 2, 4, 8
CLIENT_METRICS_RESOURCE, GROUP_RESOURCE = 16, 32

Resource = tuple[int, str]
"""Resource type and name."""

Entity = tuple[tuple[str, str | None], ...]
"""Whom a quota binds: ((type, name), ...) sorted by type; the name None is the default of that type."""

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class PartitionImage(NamedTuple):
    """Where a partition lives. Each change is a new partition epoch, each new leader a new leader epoch as well."""

    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int


class TopicImage(NamedTuple):
    """A topic: `partitions[n]` is partition n."""

    name: str
    topic_id: UUID
    internal: bool
    partitions: tuple[PartitionImage, ...] = ()


class MetadataImage(NamedTuple):
    """Everything that the records up to some offset of the metadata log say. Nobody changes it: a change is a new image."""

    topics: Mapping[str, TopicImage] = _NOTHING
    names: Mapping[UUID, str] = _NOTHING
    """Topic id -> name."""
    configs: Mapping[Resource, Mapping[str, str]] = _NOTHING
    brokers: Mapping[int, RegisterBrokerRecord] = _NOTHING
    features: Mapping[str, int] = _NOTHING
    scram: Mapping[tuple[str, int], ScramCredentialRecord] = _NOTHING
    """(user, mechanism) -> credential."""
    acls: Mapping[UUID, AclRecord] = _NOTHING
    quotas: Mapping[Entity, Mapping[str, float]] = _NOTHING
    """Entity -> the bounds set for it."""
    next_producer_id: int = 0

    @property
    def partition_count(self) -> int:
        """Partitions over all topics."""
        return sum(len(topic.partitions) for topic in self.topics.values())

    def config(self, resource_type: int, resource_name: str) -> Mapping[str, str]:
        """The settings that a resource has of its own; empty where it has none."""
        return self.configs.get((resource_type, resource_name), _NOTHING)


EMPTY_IMAGE = MetadataImage()


def apply(image: MetadataImage, record: Record) -> MetadataImage:
    """The image after one more record; raises CorruptLog for a record that contradicts the image."""
    return apply_all(image, (record,))


def apply_all(image: MetadataImage, records: Iterable[Record]) -> MetadataImage:
    """The image after these records. What they do not touch stays the same object."""
    draft = _Draft(image)
    for record in records:
        try:
            _APPLY[type(record)](draft, record)
        except (KeyError, IndexError) as error:
            raise CorruptLog(f"a metadata record does not fit what came before it: {record}") from error
    return draft.finish()


class _Draft:
    """The mappings of an image under construction; each is copied when it is first written to."""

    def __init__(self, image: MetadataImage) -> None:
        self._image = image
        self._changed: dict[str, Any] = {}

    def writable(self, name: str) -> dict[Any, Any]:
        if name not in self._changed:
            self._changed[name] = dict(getattr(self._image, name))
        changed: dict[Any, Any] = self._changed[name]
        return changed

    def set_producer_id(self, next_producer_id: int) -> None:
        known = self._changed.get("next_producer_id", self._image.next_producer_id)
        self._changed["next_producer_id"] = max(known, next_producer_id)

    def finish(self) -> MetadataImage:
        frozen: dict[str, Any] = {
            name: MappingProxyType(value) if isinstance(value, dict) else value for name, value in self._changed.items()
        }
        return self._image._replace(**frozen) if frozen else self._image


def _topic(draft: _Draft, record: TopicRecord) -> None:
    draft.writable("topics")[record.name] = TopicImage(record.name, record.topic_id, record.internal)
    draft.writable("names")[record.topic_id] = record.name


def _partition(draft: _Draft, record: PartitionRecord) -> None:
    topics = draft.writable("topics")
    topic: TopicImage = topics[draft.writable("names")[record.topic_id]]
    if record.partition != len(topic.partitions):
        raise CorruptLog(f"partition {record.partition} of '{topic.name}' follows {len(topic.partitions)} others")
    added = PartitionImage(record.replicas, record.isr, record.leader, record.leader_epoch, record.partition_epoch)
    topics[topic.name] = topic._replace(partitions=(*topic.partitions, added))


def _partition_change(draft: _Draft, record: PartitionChangeRecord) -> None:
    topics = draft.writable("topics")
    topic: TopicImage = topics[draft.writable("names")[record.topic_id]]
    before = topic.partitions[record.partition]
    next_epoch = before.leader_epoch + 1 if record.leader_epoch < 0 else record.leader_epoch
    after = PartitionImage(
        before.replicas if record.replicas is None else record.replicas,
        before.isr if record.isr is None else record.isr,
        before.leader if record.leader is None else record.leader,
        before.leader_epoch if record.leader is None else next_epoch,
        before.partition_epoch + 1,
    )
    rows = (*topic.partitions[: record.partition], after, *topic.partitions[record.partition + 1 :])
    topics[topic.name] = topic._replace(partitions=rows)


def _remove_topic(draft: _Draft, record: RemoveTopicRecord) -> None:
    name = draft.writable("names").pop(record.topic_id)
    del draft.writable("topics")[name]
    draft.writable("configs").pop((TOPIC_RESOURCE, name), None)


def _config(draft: _Draft, record: ConfigRecord) -> None:
    configs = draft.writable("configs")
    resource = (record.resource_type, record.resource_name)
    values = {name: value for name, value in configs.get(resource, {}).items() if name != record.name}
    if record.value is not None:
        values[record.name] = record.value
    if values:
        configs[resource] = MappingProxyType(values)
    else:
        configs.pop(resource, None)


def _register(draft: _Draft, record: RegisterBrokerRecord) -> None:
    draft.writable("brokers")[record.broker_id] = record


def _unregister(draft: _Draft, record: UnregisterBrokerRecord) -> None:
    del draft.writable("brokers")[record.broker_id]


def _producer_ids(draft: _Draft, record: ProducerIdsRecord) -> None:
    draft.set_producer_id(record.next_producer_id)


def _feature(draft: _Draft, record: FeatureLevelRecord) -> None:
    if record.level:
        draft.writable("features")[record.name] = record.level
    else:
        draft.writable("features").pop(record.name, None)


def _scram(draft: _Draft, record: ScramCredentialRecord) -> None:
    draft.writable("scram")[record.user, record.mechanism] = record


def _remove_scram(draft: _Draft, record: RemoveScramCredentialRecord) -> None:
    del draft.writable("scram")[record.user, record.mechanism]


def _acl(draft: _Draft, record: AclRecord) -> None:
    draft.writable("acls")[record.acl_id] = record


def _remove_acl(draft: _Draft, record: RemoveAclRecord) -> None:
    del draft.writable("acls")[record.acl_id]


def _quota(draft: _Draft, record: ClientQuotaRecord) -> None:
    quotas = draft.writable("quotas")
    values = {key: value for key, value in quotas.get(record.entity, {}).items() if key != record.key}
    if record.value is not None:
        values[record.key] = record.value
    if values:
        quotas[record.entity] = MappingProxyType(values)
    else:
        quotas.pop(record.entity, None)


def _skip(_draft: _Draft, _record: Record) -> None:
    pass


_APPLY: Mapping[type[Record], Callable[[_Draft, Any], None]] = {
    TopicRecord: _topic,
    PartitionRecord: _partition,
    PartitionChangeRecord: _partition_change,
    RemoveTopicRecord: _remove_topic,
    ConfigRecord: _config,
    RegisterBrokerRecord: _register,
    UnregisterBrokerRecord: _unregister,
    ProducerIdsRecord: _producer_ids,
    FeatureLevelRecord: _feature,
    ScramCredentialRecord: _scram,
    RemoveScramCredentialRecord: _remove_scram,
    AclRecord: _acl,
    RemoveAclRecord: _remove_acl,
    ClientQuotaRecord: _quota,
    SnapshotHeaderRecord: _skip,
    SnapshotFooterRecord: _skip,
}


def snapshot_records(image: MetadataImage) -> Iterator[Record]:
    """Records that build this image from an empty one."""
    for name, level in image.features.items():
        yield FeatureLevelRecord(name, level)
    yield from image.brokers.values()
    for topic in image.topics.values():
        yield TopicRecord(topic.topic_id, topic.name, topic.internal)
        for number, row in enumerate(topic.partitions):
            yield PartitionRecord(
                topic.topic_id, number, row.replicas, row.isr, row.leader, row.leader_epoch, row.partition_epoch
            )
    for (resource_type, resource_name), values in image.configs.items():
        for name, value in values.items():
            yield ConfigRecord(resource_type, resource_name, name, value)
    yield ProducerIdsRecord(-1, image.next_producer_id)
    yield from image.scram.values()
    yield from image.acls.values()
    for entity, bounds in image.quotas.items():
        for key, bound in bounds.items():
            yield ClientQuotaRecord(entity, key, bound)
