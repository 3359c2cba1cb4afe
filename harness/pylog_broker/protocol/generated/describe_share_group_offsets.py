"""Generated from schema/describe_share_group_offsets.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_iqi = Struct(">iqi")
_STRUCT_q = Struct(">q")


class DescribeShareGroupOffsetsRequestTopic(Structure):
    """Part of DescribeShareGroupOffsets."""

    __slots__ = ("topic_name", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(topic_name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        out.append(0)


class DescribeShareGroupOffsetsRequestGroup(Structure):
    """Part of DescribeShareGroupOffsets."""

    __slots__ = ("group_id", "topics")

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[DescribeShareGroupOffsetsRequestTopic] | None = (),
    ) -> None:
        self.group_id = group_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        topics: Sequence[DescribeShareGroupOffsetsRequestTopic] | None
        element_count, position = encoding.read_nullable_count(data, position, 3)
        topics = None
        if element_count >= 0:
            topics_elements: list[DescribeShareGroupOffsetsRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = DescribeShareGroupOffsetsRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        position = skip_tags(data, position)
        return cls(group_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics or ():
            topics_element.write(out, version)
        out.append(0)


class DescribeShareGroupOffsetsRequest(Message):
    """DescribeShareGroupOffsetsRequest, versions 0 to 1."""

    __slots__ = ("groups",)

    API_KEY: ClassVar[int] = 90
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        groups: Sequence[DescribeShareGroupOffsetsRequestGroup] = (),
    ) -> None:
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        groups: Sequence[DescribeShareGroupOffsetsRequestGroup]
        element_count, position = encoding.read_count(data, position, 3)
        groups_elements: list[DescribeShareGroupOffsetsRequestGroup] = []
        for _ in range(element_count):
            groups_element, position = DescribeShareGroupOffsetsRequestGroup.read(data, position, version)
            groups_elements.append(groups_element)
        groups = groups_elements
        position = skip_tags(data, position)
        return cls(groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            groups_element.write(out, version)
        out.append(0)


class DescribeShareGroupOffsetsResponsePartition(Structure):
    """Part of DescribeShareGroupOffsets."""

    __slots__ = ("partition_index", "start_offset", "leader_epoch", "lag", "error_code", "error_message")

    def __init__(
        self,
        partition_index: int = 0,
        start_offset: int = 0,
        leader_epoch: int = 0,
        lag: int = -1,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.start_offset = start_offset
        self.leader_epoch = leader_epoch
        self.lag = lag
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, start_offset, leader_epoch = _STRUCT_iqi.unpack_from(data, position)
        position += 16
        lag: int = -1
        if version >= 1:
            lag, = _STRUCT_q.unpack_from(data, position)
            position += 8
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(partition_index, start_offset, leader_epoch, lag, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_iqi.pack(self.partition_index, self.start_offset, self.leader_epoch)
        if version >= 1:
            out += _STRUCT_q.pack(self.lag)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class DescribeShareGroupOffsetsResponseTopic(Structure):
    """Part of DescribeShareGroupOffsets."""

    __slots__ = ("topic_name", "topic_id", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[DescribeShareGroupOffsetsResponsePartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[DescribeShareGroupOffsetsResponsePartition]
        element_count, position = encoding.read_count(data, position, 20)
        partitions_elements: list[DescribeShareGroupOffsetsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeShareGroupOffsetsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(topic_name, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class DescribeShareGroupOffsetsResponseGroup(Structure):
    """Part of DescribeShareGroupOffsets."""

    __slots__ = ("group_id", "topics", "error_code", "error_message")

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[DescribeShareGroupOffsetsResponseTopic] = (),
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.topics = topics
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        topics: Sequence[DescribeShareGroupOffsetsResponseTopic]
        element_count, position = encoding.read_count(data, position, 19)
        topics_elements: list[DescribeShareGroupOffsetsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeShareGroupOffsetsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(group_id, topics, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class DescribeShareGroupOffsetsResponse(Message):
    """DescribeShareGroupOffsetsResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "groups")

    API_KEY: ClassVar[int] = 90
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        groups: Sequence[DescribeShareGroupOffsetsResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        groups: Sequence[DescribeShareGroupOffsetsResponseGroup]
        element_count, position = encoding.read_count(data, position, 6)
        groups_elements: list[DescribeShareGroupOffsetsResponseGroup] = []
        for _ in range(element_count):
            groups_element, position = DescribeShareGroupOffsetsResponseGroup.read(data, position, version)
            groups_elements.append(groups_element)
        groups = groups_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            groups_element.write(out, version)
        out.append(0)
