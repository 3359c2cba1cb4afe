"""The controller: turns what clients and brokers ask for into records of the metadata log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from harness.pylog_broker.controller import decisions
from harness.pylog_broker.controller.features import FEATURES
from harness.pylog_broker.controller.image import TOPIC_RESOURCE, MetadataImage
from harness.pylog_broker.controller.node import MetadataNode
from harness.pylog_broker.controller.records import (
    FeatureLevelRecord,
    PartitionChangeRecord,
    ProducerIdsRecord,
    Record,
    RegisterBrokerRecord,
    RemoveTopicRecord,
)
from harness.pylog_broker.storage.errors import WrongNode

PRODUCER_ID_BLOCK = 1000


class Controller:
    """Each change is in the image, and on disk, when its method returns; all raise StorageFailed when the disk refuses."""

    def __init__(self, node: MetadataNode, node_id: int, *, new_uuid: Callable[[], UUID] = uuid.uuid4) -> None:
        """Raises WrongNode when the log is that of another node."""
        self.node = node
        self.node_id = node_id
        self.incarnation_id = new_uuid()
        self._next_producer_id = self._producer_id_end = node.image.next_producer_id
        others = sorted(broker for broker in node.image.brokers if broker != node_id)
        if others and node_id not in node.image.brokers:
            raise WrongNode(
                f"the data folder belongs to node {others[0]}, not {node_id}; start with --set node.id={others[0]}"
            )

    @property
    def image(self) -> MetadataImage:
        """The metadata as of now."""
        return self.node.image

    @property
    def broker_epoch(self) -> int:
        """Which registration of this broker is in force (KIP-903); -1 before the first."""
        registration = self.image.brokers.get(self.node_id)
        return registration.broker_epoch if registration is not None else -1

    def register_broker(self, host: str, port: int) -> None:
        """Say that this node has started, and where it is reached; unfenced at once, as no one else could lead.

        With one node, what it supports is what the cluster can do: features are finalized at their maximum.
        """
        epoch = self.node.end_offset
        registration = RegisterBrokerRecord(self.node_id, self.incarnation_id, epoch, host, port, False)
        levels = [
            FeatureLevelRecord(name, feature.maximum)
            for name, feature in FEATURES.items()
            if self.image.features.get(name) != feature.maximum
        ]
        self.node.propose([registration, *levels])

    def lead(self, epochs: Mapping[tuple[UUID, int], int]) -> None:
        """Note in which epoch this node leads partitions, by topic id and number; epochs the image has are left out."""
        records = []
        for (topic_id, partition), epoch in epochs.items():
            row = self.image.topics[self.image.names[topic_id]].partitions[partition]
            if (row.leader, row.leader_epoch) != (self.node_id, epoch):
                records.append(PartitionChangeRecord(topic_id, partition, leader=self.node_id, leader_epoch=epoch))
        self.node.propose(records)

    def create_topic(
        self, topic_id: UUID, name: str, partitions: int, config: Mapping[str, str], *, internal: bool
    ) -> None:
        """Create a topic. Raises TopicExists, InvalidTopicName or InvalidPartitions."""
        decisions.check_new_topic(self.image, name, partitions, internal=internal)
        records = decisions.topic_records(topic_id, name, partitions, (self.node_id,), config, internal=internal)
        self.node.propose(records)

    def create_partitions(self, name: str, total: int) -> None:
        """Extend a topic. Raises UnknownTopic or InvalidPartitions."""
        decisions.check_more_partitions(self.image, name, total)
        topic = self.image.topics[name]
        numbers = range(len(topic.partitions), total)
        self.node.propose(decisions.partition_records(topic.topic_id, numbers, (self.node_id,)))

    def delete_topic(self, name: str) -> None:
        """Delete a topic. Raises UnknownTopic."""
        self.node.propose([RemoveTopicRecord(decisions.known_topic(self.image, name).topic_id)])

    def set_config(self, resource_type: int, resource_name: str, values: Mapping[str, str]) -> None:
        """Replace the settings that a resource has of its own; the values were validated. Raises UnknownTopic."""
        if resource_type == TOPIC_RESOURCE:
            decisions.known_topic(self.image, resource_name)
        before = self.image.config(resource_type, resource_name)
        self.node.propose(decisions.config_records(resource_type, resource_name, before, values))

    def record(self, records: Sequence[Record]) -> None:
        """Note what was decided elsewhere and needs no further check: access rules, credentials, quotas."""
        if records:
            self.node.propose(records)

    def next_producer_id(self) -> int:
        """A producer id that was never handed out; ids come from blocks that the log gives away."""
        if self._next_producer_id >= self._producer_id_end:
            start = self.image.next_producer_id
            self.node.propose([ProducerIdsRecord(self.node_id, start + PRODUCER_ID_BLOCK)])
            self._next_producer_id, self._producer_id_end = start, start + PRODUCER_ID_BLOCK
        self._next_producer_id += 1
        return self._next_producer_id - 1
