"""Generated from schema/offset_delete.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_hi = Struct(">hi")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")


class OffsetDeleteRequestPartition(Structure):
    """Part of OffsetDelete."""

    __slots__ = ("partition_index",)

    def __init__(
        self,
        partition_index: int = 0,
    ) -> None:
        self.partition_index = partition_index

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        return cls(partition_index), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.partition_index)


class OffsetDeleteRequestTopic(Structure):
    """Part of OffsetDelete."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[OffsetDeleteRequestPartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[OffsetDeleteRequestPartition]
        element_count, position = encoding.read_count(data, position, 4)
        partitions_elements: list[OffsetDeleteRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetDeleteRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)


class OffsetDeleteRequest(Message):
    """OffsetDeleteRequest, versions 0 to 0."""

    __slots__ = ("group_id", "topics")

    API_KEY: ClassVar[int] = 47
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[OffsetDeleteRequestTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        topics: Sequence[OffsetDeleteRequestTopic]
        element_count, position = encoding.read_count(data, position, 6)
        topics_elements: list[OffsetDeleteRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetDeleteRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        return cls(group_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        encoding.write_string(out, self.group_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)


class OffsetDeleteResponsePartition(Structure):
    """Part of OffsetDelete."""

    __slots__ = ("partition_index", "error_code")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        return cls(partition_index, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)


class OffsetDeleteResponseTopic(Structure):
    """Part of OffsetDelete."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[OffsetDeleteResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[OffsetDeleteResponsePartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[OffsetDeleteResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetDeleteResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)


class OffsetDeleteResponse(Message):
    """OffsetDeleteResponse, versions 0 to 0."""

    __slots__ = ("error_code", "throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 47
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        error_code: int = 0,
        throttle_time_ms: int = 0,
        topics: Sequence[OffsetDeleteResponseTopic] = (),
    ) -> None:
        self.error_code = error_code
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        error_code, throttle_time_ms = _STRUCT_hi.unpack_from(data, position)
        position += 6
        topics: Sequence[OffsetDeleteResponseTopic]
        element_count, position = encoding.read_count(data, position, 6)
        topics_elements: list[OffsetDeleteResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetDeleteResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        return cls(error_code, throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        out += _STRUCT_hi.pack(self.error_code, self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
