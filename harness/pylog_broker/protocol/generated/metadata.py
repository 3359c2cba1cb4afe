"""Generated from schema/metadata.txt by protocol/generate.py: change the table, not this file."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, unpack_from
from typing import ClassVar, Self
from uuid import UUID

from harness.pylog_broker.protocol.message import Message, Structure
from harness.pylog_broker.protocol.primitives import (
    CLASSIC,
    COMPACT,
    ZERO_UUID,
    Buffer,
    read_tag,
    read_unsigned_varint,
    read_uuid,
    skip_tags,
    write_tags,
)

_STRUCT_o = Struct(">?")
_STRUCT_h = Struct(">h")
_STRUCT_hii = Struct(">hii")
_STRUCT_i = Struct(">i")


class MetadataRequestTopic(Structure):
    """Part of Metadata."""

    __slots__ = ("topic_id", "name")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        name: str | None = "",
    ) -> None:
        self.topic_id = topic_id
        self.name = name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        name: str | None
        if version >= 10:
            name, position = encoding.read_nullable_string(data, position)
        else:
            name, position = encoding.read_string(data, position)
        if version >= 9:
            position = skip_tags(data, position)
        return cls(topic_id, name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version >= 10:
            out += self.topic_id.bytes
        encoding.write_string(out, self.name)
        if version >= 9:
            out.append(0)


class MetadataRequest(Message):
    """MetadataRequest, versions 0 to 13."""

    __slots__ = ("topics", "allow_auto_topic_creation", "include_cluster_authorized_operations", "include_topic_authorized_operations")

    API_KEY: ClassVar[int] = 3
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    def __init__(
        self,
        topics: Sequence[MetadataRequestTopic] | None = (),
        allow_auto_topic_creation: bool = True,
        include_cluster_authorized_operations: bool = False,
        include_topic_authorized_operations: bool = False,
    ) -> None:
        self.topics = topics
        self.allow_auto_topic_creation = allow_auto_topic_creation
        self.include_cluster_authorized_operations = include_cluster_authorized_operations
        self.include_topic_authorized_operations = include_topic_authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        topics: Sequence[MetadataRequestTopic] | None
        element_count, position = (encoding.read_nullable_count if version >= 1 else encoding.read_count)(data, position, 2)
        topics = None
        if element_count >= 0:
            topics_elements: list[MetadataRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = MetadataRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        allow_auto_topic_creation: bool = True
        if version >= 4:
            allow_auto_topic_creation, = _STRUCT_o.unpack_from(data, position)
            position += 1
        include_cluster_authorized_operations: bool = False
        if 8 <= version <= 10:
            include_cluster_authorized_operations, = _STRUCT_o.unpack_from(data, position)
            position += 1
        include_topic_authorized_operations: bool = False
        if version >= 8:
            include_topic_authorized_operations, = _STRUCT_o.unpack_from(data, position)
            position += 1
        if version >= 9:
            position = skip_tags(data, position)
        return cls(topics, allow_auto_topic_creation, include_cluster_authorized_operations, include_topic_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        encoding.write_count(out, self.topics)
        for topics_element in self.topics or ():
            topics_element.write(out, version)
        if version >= 4:
            out += _STRUCT_o.pack(self.allow_auto_topic_creation)
        if 8 <= version <= 10:
            out += _STRUCT_o.pack(self.include_cluster_authorized_operations)
        if version >= 8:
            out += _STRUCT_o.pack(self.include_topic_authorized_operations)
        if version >= 9:
            out.append(0)


class MetadataResponseBroker(Structure):
    """Part of Metadata."""

    __slots__ = ("node_id", "host", "port", "rack")

    def __init__(
        self,
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
    ) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        node_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        host: str
        host, position = encoding.read_string(data, position)
        port, = _STRUCT_i.unpack_from(data, position)
        position += 4
        rack: str | None = None
        if version >= 1:
            rack, position = encoding.read_nullable_string(data, position)
        if version >= 9:
            position = skip_tags(data, position)
        return cls(node_id, host, port, rack), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        out += _STRUCT_i.pack(self.node_id)
        encoding.write_string(out, self.host)
        out += _STRUCT_i.pack(self.port)
        if version >= 1:
            encoding.write_string(out, self.rack)
        if version >= 9:
            out.append(0)


class MetadataResponsePartition(Structure):
    """Part of Metadata."""

    __slots__ = ("error_code", "partition_index", "leader_id", "leader_epoch", "replica_nodes", "isr_nodes", "offline_replicas")

    def __init__(
        self,
        error_code: int = 0,
        partition_index: int = 0,
        leader_id: int = 0,
        leader_epoch: int = -1,
        replica_nodes: Sequence[int] = (),
        isr_nodes: Sequence[int] = (),
        offline_replicas: Sequence[int] = (),
    ) -> None:
        self.error_code = error_code
        self.partition_index = partition_index
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.replica_nodes = replica_nodes
        self.isr_nodes = isr_nodes
        self.offline_replicas = offline_replicas

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        error_code, partition_index, leader_id = _STRUCT_hii.unpack_from(data, position)
        position += 10
        leader_epoch: int = -1
        if version >= 7:
            leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        replica_nodes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        replica_nodes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        isr_nodes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        isr_nodes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        offline_replicas: Sequence[int] = ()
        if version >= 5:
            element_count, position = encoding.read_count(data, position, 4)
            offline_replicas = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 9:
            position = skip_tags(data, position)
        return cls(error_code, partition_index, leader_id, leader_epoch, replica_nodes, isr_nodes, offline_replicas), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        out += _STRUCT_hii.pack(self.error_code, self.partition_index, self.leader_id)
        if version >= 7:
            out += _STRUCT_i.pack(self.leader_epoch)
        encoding.write_count(out, self.replica_nodes)
        for replica_nodes_element in self.replica_nodes:
            out += _STRUCT_i.pack(replica_nodes_element)
        encoding.write_count(out, self.isr_nodes)
        for isr_nodes_element in self.isr_nodes:
            out += _STRUCT_i.pack(isr_nodes_element)
        if version >= 5:
            encoding.write_count(out, self.offline_replicas)
            for offline_replicas_element in self.offline_replicas:
                out += _STRUCT_i.pack(offline_replicas_element)
        if version >= 9:
            out.append(0)


class MetadataResponseTopic(Structure):
    """Part of Metadata."""

    __slots__ = ("error_code", "name", "topic_id", "is_internal", "partitions", "topic_authorized_operations")

    def __init__(
        self,
        error_code: int = 0,
        name: str | None = "",
        topic_id: UUID = ZERO_UUID,
        is_internal: bool = False,
        partitions: Sequence[MetadataResponsePartition] = (),
        topic_authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.name = name
        self.topic_id = topic_id
        self.is_internal = is_internal
        self.partitions = partitions
        self.topic_authorized_operations = topic_authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        name: str | None
        if version >= 12:
            name, position = encoding.read_nullable_string(data, position)
        else:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        is_internal: bool = False
        if version >= 1:
            is_internal, = _STRUCT_o.unpack_from(data, position)
            position += 1
        partitions: Sequence[MetadataResponsePartition]
        element_count, position = encoding.read_count(data, position, 18)
        partitions_elements: list[MetadataResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = MetadataResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        topic_authorized_operations: int = -2147483648
        if version >= 8:
            topic_authorized_operations, = _STRUCT_i.unpack_from(data, position)
            position += 4
        if version >= 9:
            position = skip_tags(data, position)
        return cls(error_code, name, topic_id, is_internal, partitions, topic_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.name)
        if version >= 10:
            out += self.topic_id.bytes
        if version >= 1:
            out += _STRUCT_o.pack(self.is_internal)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 8:
            out += _STRUCT_i.pack(self.topic_authorized_operations)
        if version >= 9:
            out.append(0)


class MetadataResponse(Message):
    """MetadataResponse, versions 0 to 13."""

    __slots__ = ("throttle_time_ms", "brokers", "cluster_id", "controller_id", "topics", "cluster_authorized_operations", "error_code")

    API_KEY: ClassVar[int] = 3
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    def __init__(
        self,
        throttle_time_ms: int = 0,
        brokers: Sequence[MetadataResponseBroker] = (),
        cluster_id: str | None = None,
        controller_id: int = -1,
        topics: Sequence[MetadataResponseTopic] = (),
        cluster_authorized_operations: int = -2147483648,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.brokers = brokers
        self.cluster_id = cluster_id
        self.controller_id = controller_id
        self.topics = topics
        self.cluster_authorized_operations = cluster_authorized_operations
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 3:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        brokers: Sequence[MetadataResponseBroker]
        element_count, position = encoding.read_count(data, position, 10)
        brokers_elements: list[MetadataResponseBroker] = []
        for _ in range(element_count):
            brokers_element, position = MetadataResponseBroker.read(data, position, version)
            brokers_elements.append(brokers_element)
        brokers = brokers_elements
        cluster_id: str | None = None
        if version >= 2:
            cluster_id, position = encoding.read_nullable_string(data, position)
        controller_id: int = -1
        if version >= 1:
            controller_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[MetadataResponseTopic]
        element_count, position = encoding.read_count(data, position, 8)
        topics_elements: list[MetadataResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = MetadataResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        cluster_authorized_operations: int = -2147483648
        if 8 <= version <= 10:
            cluster_authorized_operations, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code: int = 0
        if version >= 13:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        if version >= 9:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, brokers, cluster_id, controller_id, topics, cluster_authorized_operations, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version >= 3:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.brokers)
        for brokers_element in self.brokers:
            brokers_element.write(out, version)
        if version >= 2:
            encoding.write_string(out, self.cluster_id)
        if version >= 1:
            out += _STRUCT_i.pack(self.controller_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if 8 <= version <= 10:
            out += _STRUCT_i.pack(self.cluster_authorized_operations)
        if version >= 13:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 9:
            out.append(0)
