"""Generated from schema/describe_topic_partitions.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_hiii = Struct(">hiii")
_STRUCT_i = Struct(">i")


class DescribeTopicPartitionsRequestTopic(Structure):
    """Part of DescribeTopicPartitions."""

    __slots__ = ("name",)

    def __init__(
        self,
        name: str = "",
    ) -> None:
        self.name = name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        position = skip_tags(data, position)
        return cls(name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        out.append(0)


class DescribeTopicPartitionsRequestCursor(Structure):
    """Part of DescribeTopicPartitions."""

    __slots__ = ("topic_name", "partition_index")

    def __init__(
        self,
        topic_name: str = "",
        partition_index: int = 0,
    ) -> None:
        self.topic_name = topic_name
        self.partition_index = partition_index

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(topic_name, partition_index), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out += _STRUCT_i.pack(self.partition_index)
        out.append(0)


class DescribeTopicPartitionsRequest(Message):
    """DescribeTopicPartitionsRequest, versions 0 to 0."""

    __slots__ = ("topics", "response_partition_limit", "cursor")

    API_KEY: ClassVar[int] = 75
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        topics: Sequence[DescribeTopicPartitionsRequestTopic] = (),
        response_partition_limit: int = 2000,
        cursor: DescribeTopicPartitionsRequestCursor | None = None,
    ) -> None:
        self.topics = topics
        self.response_partition_limit = response_partition_limit
        self.cursor = cursor

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topics: Sequence[DescribeTopicPartitionsRequestTopic]
        element_count, position = encoding.read_count(data, position, 2)
        topics_elements: list[DescribeTopicPartitionsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeTopicPartitionsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        response_partition_limit, = _STRUCT_i.unpack_from(data, position)
        position += 4
        cursor: DescribeTopicPartitionsRequestCursor | None
        cursor = None
        position += 1
        if data[position - 1] == 1:
            cursor, position = DescribeTopicPartitionsRequestCursor.read(data, position, version)
        position = skip_tags(data, position)
        return cls(topics, response_partition_limit, cursor), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_i.pack(self.response_partition_limit)
        out.append(1 if self.cursor is not None else 255)
        if self.cursor is not None:
            self.cursor.write(out, version)
        out.append(0)


class DescribeTopicPartitionsResponsePartition(Structure):
    """Part of DescribeTopicPartitions."""

    __slots__ = ("error_code", "partition_index", "leader_id", "leader_epoch", "replica_nodes", "isr_nodes", "eligible_leader_replicas", "last_known_elr", "offline_replicas")

    def __init__(
        self,
        error_code: int = 0,
        partition_index: int = 0,
        leader_id: int = 0,
        leader_epoch: int = -1,
        replica_nodes: Sequence[int] = (),
        isr_nodes: Sequence[int] = (),
        eligible_leader_replicas: Sequence[int] | None = None,
        last_known_elr: Sequence[int] | None = None,
        offline_replicas: Sequence[int] = (),
    ) -> None:
        self.error_code = error_code
        self.partition_index = partition_index
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.replica_nodes = replica_nodes
        self.isr_nodes = isr_nodes
        self.eligible_leader_replicas = eligible_leader_replicas
        self.last_known_elr = last_known_elr
        self.offline_replicas = offline_replicas

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        error_code, partition_index, leader_id, leader_epoch = _STRUCT_hiii.unpack_from(data, position)
        position += 14
        replica_nodes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        replica_nodes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        isr_nodes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        isr_nodes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        eligible_leader_replicas: Sequence[int] | None
        element_count, position = encoding.read_nullable_count(data, position, 4)
        eligible_leader_replicas = None
        if element_count >= 0:
            eligible_leader_replicas = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        last_known_elr: Sequence[int] | None
        element_count, position = encoding.read_nullable_count(data, position, 4)
        last_known_elr = None
        if element_count >= 0:
            last_known_elr = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        offline_replicas: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        offline_replicas = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(error_code, partition_index, leader_id, leader_epoch, replica_nodes, isr_nodes, eligible_leader_replicas, last_known_elr, offline_replicas), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_hiii.pack(self.error_code, self.partition_index, self.leader_id, self.leader_epoch)
        encoding.write_count(out, self.replica_nodes)
        for replica_nodes_element in self.replica_nodes:
            out += _STRUCT_i.pack(replica_nodes_element)
        encoding.write_count(out, self.isr_nodes)
        for isr_nodes_element in self.isr_nodes:
            out += _STRUCT_i.pack(isr_nodes_element)
        encoding.write_count(out, self.eligible_leader_replicas)
        for eligible_leader_replicas_element in self.eligible_leader_replicas or ():
            out += _STRUCT_i.pack(eligible_leader_replicas_element)
        encoding.write_count(out, self.last_known_elr)
        for last_known_elr_element in self.last_known_elr or ():
            out += _STRUCT_i.pack(last_known_elr_element)
        encoding.write_count(out, self.offline_replicas)
        for offline_replicas_element in self.offline_replicas:
            out += _STRUCT_i.pack(offline_replicas_element)
        out.append(0)


class DescribeTopicPartitionsResponseTopic(Structure):
    """Part of DescribeTopicPartitions."""

    __slots__ = ("error_code", "name", "topic_id", "is_internal", "partitions", "topic_authorized_operations")

    def __init__(
        self,
        error_code: int = 0,
        name: str | None = "",
        topic_id: UUID = ZERO_UUID,
        is_internal: bool = False,
        partitions: Sequence[DescribeTopicPartitionsResponsePartition] = (),
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
        encoding = COMPACT
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        name: str | None
        name, position = encoding.read_nullable_string(data, position)
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        is_internal, = _STRUCT_o.unpack_from(data, position)
        position += 1
        partitions: Sequence[DescribeTopicPartitionsResponsePartition]
        element_count, position = encoding.read_count(data, position, 20)
        partitions_elements: list[DescribeTopicPartitionsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeTopicPartitionsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        topic_authorized_operations, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(error_code, name, topic_id, is_internal, partitions, topic_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.name)
        out += self.topic_id.bytes
        out += _STRUCT_o.pack(self.is_internal)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out += _STRUCT_i.pack(self.topic_authorized_operations)
        out.append(0)


class DescribeTopicPartitionsResponseNextCursor(Structure):
    """Part of DescribeTopicPartitions."""

    __slots__ = ("topic_name", "partition_index")

    def __init__(
        self,
        topic_name: str = "",
        partition_index: int = 0,
    ) -> None:
        self.topic_name = topic_name
        self.partition_index = partition_index

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(topic_name, partition_index), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out += _STRUCT_i.pack(self.partition_index)
        out.append(0)


class DescribeTopicPartitionsResponse(Message):
    """DescribeTopicPartitionsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "topics", "next_cursor")

    API_KEY: ClassVar[int] = 75
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[DescribeTopicPartitionsResponseTopic] = (),
        next_cursor: DescribeTopicPartitionsResponseNextCursor | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics
        self.next_cursor = next_cursor

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[DescribeTopicPartitionsResponseTopic]
        element_count, position = encoding.read_count(data, position, 26)
        topics_elements: list[DescribeTopicPartitionsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeTopicPartitionsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        next_cursor: DescribeTopicPartitionsResponseNextCursor | None
        next_cursor = None
        position += 1
        if data[position - 1] == 1:
            next_cursor, position = DescribeTopicPartitionsResponseNextCursor.read(data, position, version)
        position = skip_tags(data, position)
        return cls(throttle_time_ms, topics, next_cursor), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(1 if self.next_cursor is not None else 255)
        if self.next_cursor is not None:
            self.next_cursor.write(out, version)
        out.append(0)
