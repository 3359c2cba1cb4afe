"""Generated from schema/alter_partition_reassignments.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")


class AlterPartitionReassignmentsRequestPartition(Structure):
    """Part of AlterPartitionReassignments."""

    __slots__ = ("partition_index", "replicas")

    def __init__(
        self,
        partition_index: int = 0,
        replicas: Sequence[int] | None = (),
    ) -> None:
        self.partition_index = partition_index
        self.replicas = replicas

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        replicas: Sequence[int] | None
        element_count, position = encoding.read_nullable_count(data, position, 4)
        replicas = None
        if element_count >= 0:
            replicas = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        position = skip_tags(data, position)
        return cls(partition_index, replicas), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.partition_index)
        encoding.write_count(out, self.replicas)
        for replicas_element in self.replicas or ():
            out += _STRUCT_i.pack(replicas_element)
        out.append(0)


class AlterPartitionReassignmentsRequestTopic(Structure):
    """Part of AlterPartitionReassignments."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[AlterPartitionReassignmentsRequestPartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[AlterPartitionReassignmentsRequestPartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[AlterPartitionReassignmentsRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = AlterPartitionReassignmentsRequestPartition.read(data, position, version)
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


class AlterPartitionReassignmentsRequest(Message):
    """AlterPartitionReassignmentsRequest, versions 0 to 1."""

    __slots__ = ("timeout_ms", "allow_replication_factor_change", "topics")

    API_KEY: ClassVar[int] = 45
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        timeout_ms: int = 60000,
        allow_replication_factor_change: bool = True,
        topics: Sequence[AlterPartitionReassignmentsRequestTopic] = (),
    ) -> None:
        self.timeout_ms = timeout_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        allow_replication_factor_change: bool = True
        if version >= 1:
            allow_replication_factor_change, = _STRUCT_o.unpack_from(data, position)
            position += 1
        topics: Sequence[AlterPartitionReassignmentsRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[AlterPartitionReassignmentsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = AlterPartitionReassignmentsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(timeout_ms, allow_replication_factor_change, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.timeout_ms)
        if version >= 1:
            out += _STRUCT_o.pack(self.allow_replication_factor_change)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class AlterPartitionReassignmentsResponsePartition(Structure):
    """Part of AlterPartitionReassignments."""

    __slots__ = ("partition_index", "error_code", "error_message")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class AlterPartitionReassignmentsResponseTopic(Structure):
    """Part of AlterPartitionReassignments."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[AlterPartitionReassignmentsResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[AlterPartitionReassignmentsResponsePartition]
        element_count, position = encoding.read_count(data, position, 8)
        partitions_elements: list[AlterPartitionReassignmentsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = AlterPartitionReassignmentsResponsePartition.read(data, position, version)
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


class AlterPartitionReassignmentsResponse(Message):
    """AlterPartitionReassignmentsResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "allow_replication_factor_change", "error_code", "error_message", "responses")

    API_KEY: ClassVar[int] = 45
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        allow_replication_factor_change: bool = True,
        error_code: int = 0,
        error_message: str | None = "",
        responses: Sequence[AlterPartitionReassignmentsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.error_code = error_code
        self.error_message = error_message
        self.responses = responses

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        allow_replication_factor_change: bool = True
        if version >= 1:
            allow_replication_factor_change, = _STRUCT_o.unpack_from(data, position)
            position += 1
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        responses: Sequence[AlterPartitionReassignmentsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        responses_elements: list[AlterPartitionReassignmentsResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = AlterPartitionReassignmentsResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, allow_replication_factor_change, error_code, error_message, responses), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 1:
            out += _STRUCT_o.pack(self.allow_replication_factor_change)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        out.append(0)
