"""Generated from schema/alter_replica_log_dirs.txt by protocol/generate.py: change the table, not this file."""

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


class AlterReplicaLogDirsRequestTopic(Structure):
    """Part of AlterReplicaLogDirs."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        if version >= 2:
            out.append(0)


class AlterReplicaLogDirsRequestDir(Structure):
    """Part of AlterReplicaLogDirs."""

    __slots__ = ("path", "topics")

    def __init__(
        self,
        path: str = "",
        topics: Sequence[AlterReplicaLogDirsRequestTopic] = (),
    ) -> None:
        self.path = path
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        path: str
        path, position = encoding.read_string(data, position)
        topics: Sequence[AlterReplicaLogDirsRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[AlterReplicaLogDirsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = AlterReplicaLogDirsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(path, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.path)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 2:
            out.append(0)


class AlterReplicaLogDirsRequest(Message):
    """AlterReplicaLogDirsRequest, versions 1 to 2."""

    __slots__ = ("dirs",)

    API_KEY: ClassVar[int] = 34
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        dirs: Sequence[AlterReplicaLogDirsRequestDir] = (),
    ) -> None:
        self.dirs = dirs

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        dirs: Sequence[AlterReplicaLogDirsRequestDir]
        element_count, position = encoding.read_count(data, position, 3)
        dirs_elements: list[AlterReplicaLogDirsRequestDir] = []
        for _ in range(element_count):
            dirs_element, position = AlterReplicaLogDirsRequestDir.read(data, position, version)
            dirs_elements.append(dirs_element)
        dirs = dirs_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(dirs), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.dirs)
        for dirs_element in self.dirs:
            dirs_element.write(out, version)
        if version >= 2:
            out.append(0)


class AlterReplicaLogDirsResponsePartition(Structure):
    """Part of AlterReplicaLogDirs."""

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
        if version >= 2:
            position = skip_tags(data, position)
        return cls(partition_index, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        if version >= 2:
            out.append(0)


class AlterReplicaLogDirsResponseTopic(Structure):
    """Part of AlterReplicaLogDirs."""

    __slots__ = ("topic_name", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        partitions: Sequence[AlterReplicaLogDirsResponsePartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[AlterReplicaLogDirsResponsePartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[AlterReplicaLogDirsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = AlterReplicaLogDirsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topic_name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.topic_name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 2:
            out.append(0)


class AlterReplicaLogDirsResponse(Message):
    """AlterReplicaLogDirsResponse, versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 34
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[AlterReplicaLogDirsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[AlterReplicaLogDirsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        results_elements: list[AlterReplicaLogDirsResponseTopic] = []
        for _ in range(element_count):
            results_element, position = AlterReplicaLogDirsResponseTopic.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        if version >= 2:
            out.append(0)
