"""Generated from schema/describe_log_dirs.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_iqqo = Struct(">iqq?")
_STRUCT_qq = Struct(">qq")


class DescribeLogDirsRequestTopic(Structure):
    """Part of DescribeLogDirs."""

    __slots__ = ("topic", "partitions")

    def __init__(
        self,
        topic: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic = topic
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topic: str
        topic, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topic, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        if version >= 2:
            out.append(0)


class DescribeLogDirsRequest(Message):
    """DescribeLogDirsRequest, versions 1 to 5."""

    __slots__ = ("topics",)

    API_KEY: ClassVar[int] = 35
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        topics: Sequence[DescribeLogDirsRequestTopic] | None = (),
    ) -> None:
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topics: Sequence[DescribeLogDirsRequestTopic] | None
        element_count, position = encoding.read_nullable_count(data, position, 3)
        topics = None
        if element_count >= 0:
            topics_elements: list[DescribeLogDirsRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = DescribeLogDirsRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.topics)
        for topics_element in self.topics or ():
            topics_element.write(out, version)
        if version >= 2:
            out.append(0)


class DescribeLogDirsResponsePartition(Structure):
    """Part of DescribeLogDirs."""

    __slots__ = ("partition_index", "partition_size", "offset_lag", "is_future_key")

    def __init__(
        self,
        partition_index: int = 0,
        partition_size: int = 0,
        offset_lag: int = 0,
        is_future_key: bool = False,
    ) -> None:
        self.partition_index = partition_index
        self.partition_size = partition_size
        self.offset_lag = offset_lag
        self.is_future_key = is_future_key

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, partition_size, offset_lag, is_future_key = _STRUCT_iqqo.unpack_from(data, position)
        position += 21
        if version >= 2:
            position = skip_tags(data, position)
        return cls(partition_index, partition_size, offset_lag, is_future_key), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_iqqo.pack(self.partition_index, self.partition_size, self.offset_lag, self.is_future_key)
        if version >= 2:
            out.append(0)


class DescribeLogDirsResponseTopic(Structure):
    """Part of DescribeLogDirs."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[DescribeLogDirsResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[DescribeLogDirsResponsePartition]
        element_count, position = encoding.read_count(data, position, 21)
        partitions_elements: list[DescribeLogDirsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeLogDirsResponsePartition.read(data, position, version)
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


class DescribeLogDirsResponseResult(Structure):
    """Part of DescribeLogDirs."""

    __slots__ = ("error_code", "log_dir", "topics", "total_bytes", "usable_bytes", "is_cordoned")

    def __init__(
        self,
        error_code: int = 0,
        log_dir: str = "",
        topics: Sequence[DescribeLogDirsResponseTopic] = (),
        total_bytes: int = -1,
        usable_bytes: int = -1,
        is_cordoned: bool = False,
    ) -> None:
        self.error_code = error_code
        self.log_dir = log_dir
        self.topics = topics
        self.total_bytes = total_bytes
        self.usable_bytes = usable_bytes
        self.is_cordoned = is_cordoned

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        log_dir: str
        log_dir, position = encoding.read_string(data, position)
        topics: Sequence[DescribeLogDirsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeLogDirsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeLogDirsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        total_bytes: int = -1
        usable_bytes: int = -1
        if version >= 4:
            total_bytes, usable_bytes = _STRUCT_qq.unpack_from(data, position)
            position += 16
        is_cordoned: bool = False
        if version >= 5:
            is_cordoned, = _STRUCT_o.unpack_from(data, position)
            position += 1
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, log_dir, topics, total_bytes, usable_bytes, is_cordoned), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.log_dir)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 4:
            out += _STRUCT_qq.pack(self.total_bytes, self.usable_bytes)
        if version >= 5:
            out += _STRUCT_o.pack(self.is_cordoned)
        if version >= 2:
            out.append(0)


class DescribeLogDirsResponse(Message):
    """DescribeLogDirsResponse, versions 1 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "results")

    API_KEY: ClassVar[int] = 35
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        results: Sequence[DescribeLogDirsResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        error_code: int = 0
        if version >= 3:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        results: Sequence[DescribeLogDirsResponseResult]
        element_count, position = encoding.read_count(data, position, 5)
        results_elements: list[DescribeLogDirsResponseResult] = []
        for _ in range(element_count):
            results_element, position = DescribeLogDirsResponseResult.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 3:
            out += _STRUCT_h.pack(self.error_code)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        if version >= 2:
            out.append(0)
