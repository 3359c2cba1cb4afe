"""Generated from schema/list_partition_reassignments.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")


class ListPartitionReassignmentsRequestTopic(Structure):
    """Part of ListPartitionReassignments."""

    __slots__ = ("name", "partition_indexes")

    def __init__(
        self,
        name: str = "",
        partition_indexes: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.partition_indexes = partition_indexes

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partition_indexes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partition_indexes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(name, partition_indexes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partition_indexes)
        for partition_indexes_element in self.partition_indexes:
            out += _STRUCT_i.pack(partition_indexes_element)
        out.append(0)


class ListPartitionReassignmentsRequest(Message):
    """ListPartitionReassignmentsRequest, versions 0 to 0."""

    __slots__ = ("timeout_ms", "topics")

    API_KEY: ClassVar[int] = 46
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        timeout_ms: int = 60000,
        topics: Sequence[ListPartitionReassignmentsRequestTopic] | None = (),
    ) -> None:
        self.timeout_ms = timeout_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[ListPartitionReassignmentsRequestTopic] | None
        element_count, position = encoding.read_nullable_count(data, position, 3)
        topics = None
        if element_count >= 0:
            topics_elements: list[ListPartitionReassignmentsRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = ListPartitionReassignmentsRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        position = skip_tags(data, position)
        return cls(timeout_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.timeout_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics or ():
            topics_element.write(out, version)
        out.append(0)


class ListPartitionReassignmentsResponsePartition(Structure):
    """Part of ListPartitionReassignments."""

    __slots__ = ("partition_index", "replicas", "adding_replicas", "removing_replicas")

    def __init__(
        self,
        partition_index: int = 0,
        replicas: Sequence[int] = (),
        adding_replicas: Sequence[int] = (),
        removing_replicas: Sequence[int] = (),
    ) -> None:
        self.partition_index = partition_index
        self.replicas = replicas
        self.adding_replicas = adding_replicas
        self.removing_replicas = removing_replicas

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        replicas: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        replicas = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        adding_replicas: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        adding_replicas = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        removing_replicas: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        removing_replicas = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(partition_index, replicas, adding_replicas, removing_replicas), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.partition_index)
        encoding.write_count(out, self.replicas)
        for replicas_element in self.replicas:
            out += _STRUCT_i.pack(replicas_element)
        encoding.write_count(out, self.adding_replicas)
        for adding_replicas_element in self.adding_replicas:
            out += _STRUCT_i.pack(adding_replicas_element)
        encoding.write_count(out, self.removing_replicas)
        for removing_replicas_element in self.removing_replicas:
            out += _STRUCT_i.pack(removing_replicas_element)
        out.append(0)


class ListPartitionReassignmentsResponseTopic(Structure):
    """Part of ListPartitionReassignments."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[ListPartitionReassignmentsResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[ListPartitionReassignmentsResponsePartition]
        element_count, position = encoding.read_count(data, position, 8)
        partitions_elements: list[ListPartitionReassignmentsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = ListPartitionReassignmentsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class ListPartitionReassignmentsResponse(Message):
    """ListPartitionReassignmentsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "topics")

    API_KEY: ClassVar[int] = 46
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        topics: Sequence[ListPartitionReassignmentsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        topics: Sequence[ListPartitionReassignmentsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[ListPartitionReassignmentsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = ListPartitionReassignmentsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)
