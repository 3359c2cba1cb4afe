"""Generated from schema/list_offsets.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_b = Struct(">b")
_STRUCT_i = Struct(">i")
_STRUCT_ihqq = Struct(">ihqq")
_STRUCT_q = Struct(">q")


class ListOffsetsRequestPartition(Structure):
    """Part of ListOffsets."""

    __slots__ = ("partition_index", "current_leader_epoch", "timestamp")

    def __init__(
        self,
        partition_index: int = 0,
        current_leader_epoch: int = -1,
        timestamp: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.current_leader_epoch = current_leader_epoch
        self.timestamp = timestamp

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        current_leader_epoch: int = -1
        if version >= 4:
            current_leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        timestamp, = _STRUCT_q.unpack_from(data, position)
        position += 8
        if version >= 6:
            position = skip_tags(data, position)
        return cls(partition_index, current_leader_epoch, timestamp), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.partition_index)
        if version >= 4:
            out += _STRUCT_i.pack(self.current_leader_epoch)
        out += _STRUCT_q.pack(self.timestamp)
        if version >= 6:
            out.append(0)


class ListOffsetsRequestTopic(Structure):
    """Part of ListOffsets."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[ListOffsetsRequestPartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[ListOffsetsRequestPartition]
        element_count, position = encoding.read_count(data, position, 12)
        partitions_elements: list[ListOffsetsRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = ListOffsetsRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 6:
            out.append(0)


class ListOffsetsRequest(Message):
    """ListOffsetsRequest, versions 1 to 11."""

    __slots__ = ("replica_id", "isolation_level", "topics", "timeout_ms")

    API_KEY: ClassVar[int] = 2
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 11
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        replica_id: int = 0,
        isolation_level: int = 0,
        topics: Sequence[ListOffsetsRequestTopic] = (),
        timeout_ms: int = 0,
    ) -> None:
        self.replica_id = replica_id
        self.isolation_level = isolation_level
        self.topics = topics
        self.timeout_ms = timeout_ms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        replica_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        isolation_level: int = 0
        if version >= 2:
            isolation_level, = _STRUCT_b.unpack_from(data, position)
            position += 1
        topics: Sequence[ListOffsetsRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[ListOffsetsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = ListOffsetsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        timeout_ms: int = 0
        if version >= 10:
            timeout_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        if version >= 6:
            position = skip_tags(data, position)
        return cls(replica_id, isolation_level, topics, timeout_ms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        out += _STRUCT_i.pack(self.replica_id)
        if version >= 2:
            out += _STRUCT_b.pack(self.isolation_level)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 10:
            out += _STRUCT_i.pack(self.timeout_ms)
        if version >= 6:
            out.append(0)


class ListOffsetsResponsePartition(Structure):
    """Part of ListOffsets."""

    __slots__ = ("partition_index", "error_code", "timestamp", "offset", "leader_epoch")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        timestamp: int = -1,
        offset: int = -1,
        leader_epoch: int = -1,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.timestamp = timestamp
        self.offset = offset
        self.leader_epoch = leader_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, error_code, timestamp, offset = _STRUCT_ihqq.unpack_from(data, position)
        position += 22
        leader_epoch: int = -1
        if version >= 4:
            leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        if version >= 6:
            position = skip_tags(data, position)
        return cls(partition_index, error_code, timestamp, offset, leader_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ihqq.pack(self.partition_index, self.error_code, self.timestamp, self.offset)
        if version >= 4:
            out += _STRUCT_i.pack(self.leader_epoch)
        if version >= 6:
            out.append(0)


class ListOffsetsResponseTopic(Structure):
    """Part of ListOffsets."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[ListOffsetsResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[ListOffsetsResponsePartition]
        element_count, position = encoding.read_count(data, position, 22)
        partitions_elements: list[ListOffsetsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = ListOffsetsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 6:
            out.append(0)


class ListOffsetsResponse(Message):
    """ListOffsetsResponse, versions 1 to 11."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 2
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 11
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[ListOffsetsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 2:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[ListOffsetsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[ListOffsetsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = ListOffsetsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 2:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 6:
            out.append(0)
