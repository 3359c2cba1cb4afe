"""Generated from schema/delete_records.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_iq = Struct(">iq")
_STRUCT_iqh = Struct(">iqh")


class DeleteRecordsRequestPartition(Structure):
    """Part of DeleteRecords."""

    __slots__ = ("partition_index", "offset")

    def __init__(
        self,
        partition_index: int = 0,
        offset: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.offset = offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, offset = _STRUCT_iq.unpack_from(data, position)
        position += 12
        if version >= 2:
            position = skip_tags(data, position)
        return cls(partition_index, offset), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_iq.pack(self.partition_index, self.offset)
        if version >= 2:
            out.append(0)


class DeleteRecordsRequestTopic(Structure):
    """Part of DeleteRecords."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[DeleteRecordsRequestPartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[DeleteRecordsRequestPartition]
        element_count, position = encoding.read_count(data, position, 12)
        partitions_elements: list[DeleteRecordsRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = DeleteRecordsRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 2:
            out.append(0)


class DeleteRecordsRequest(Message):
    """DeleteRecordsRequest, versions 0 to 2."""

    __slots__ = ("topics", "timeout_ms")

    API_KEY: ClassVar[int] = 21
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        topics: Sequence[DeleteRecordsRequestTopic] = (),
        timeout_ms: int = 0,
    ) -> None:
        self.topics = topics
        self.timeout_ms = timeout_ms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topics: Sequence[DeleteRecordsRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DeleteRecordsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = DeleteRecordsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topics, timeout_ms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_i.pack(self.timeout_ms)
        if version >= 2:
            out.append(0)


class DeleteRecordsResponsePartition(Structure):
    """Part of DeleteRecords."""

    __slots__ = ("partition_index", "low_watermark", "error_code")

    def __init__(
        self,
        partition_index: int = 0,
        low_watermark: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.low_watermark = low_watermark
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, low_watermark, error_code = _STRUCT_iqh.unpack_from(data, position)
        position += 14
        if version >= 2:
            position = skip_tags(data, position)
        return cls(partition_index, low_watermark, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_iqh.pack(self.partition_index, self.low_watermark, self.error_code)
        if version >= 2:
            out.append(0)


class DeleteRecordsResponseTopic(Structure):
    """Part of DeleteRecords."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[DeleteRecordsResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[DeleteRecordsResponsePartition]
        element_count, position = encoding.read_count(data, position, 14)
        partitions_elements: list[DeleteRecordsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DeleteRecordsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 2:
            out.append(0)


class DeleteRecordsResponse(Message):
    """DeleteRecordsResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 21
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[DeleteRecordsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[DeleteRecordsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DeleteRecordsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DeleteRecordsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 2:
            out.append(0)
