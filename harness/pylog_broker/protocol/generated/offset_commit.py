"""Generated from schema/offset_commit.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_iq = Struct(">iq")
_STRUCT_q = Struct(">q")


class OffsetCommitRequestPartition(Structure):
    """Part of OffsetCommit."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "committed_metadata")

    def __init__(
        self,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        committed_metadata: str | None = "",
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.committed_metadata = committed_metadata

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 8 else CLASSIC
        partition_index, committed_offset = _STRUCT_iq.unpack_from(data, position)
        position += 12
        committed_leader_epoch: int = -1
        if version >= 6:
            committed_leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        committed_metadata: str | None
        committed_metadata, position = encoding.read_nullable_string(data, position)
        if version >= 8:
            position = skip_tags(data, position)
        return cls(partition_index, committed_offset, committed_leader_epoch, committed_metadata), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 8 else CLASSIC
        out += _STRUCT_iq.pack(self.partition_index, self.committed_offset)
        if version >= 6:
            out += _STRUCT_i.pack(self.committed_leader_epoch)
        encoding.write_string(out, self.committed_metadata)
        if version >= 8:
            out.append(0)


class OffsetCommitRequestTopic(Structure):
    """Part of OffsetCommit."""

    __slots__ = ("name", "topic_id", "partitions")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[OffsetCommitRequestPartition] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 8 else CLASSIC
        name: str = ""
        if version <= 9:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[OffsetCommitRequestPartition]
        element_count, position = encoding.read_count(data, position, 14)
        partitions_elements: list[OffsetCommitRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetCommitRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 8:
            position = skip_tags(data, position)
        return cls(name, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 8 else CLASSIC
        if version <= 9:
            encoding.write_string(out, self.name)
        if version >= 10:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 8:
            out.append(0)


class OffsetCommitRequest(Message):
    """OffsetCommitRequest, versions 2 to 10."""

    __slots__ = ("group_id", "generation_id_or_member_epoch", "member_id", "group_instance_id", "retention_time_ms", "topics")

    API_KEY: ClassVar[int] = 8
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 10
    FLEXIBLE_FROM: ClassVar[int] = 8

    def __init__(
        self,
        group_id: str = "",
        generation_id_or_member_epoch: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        retention_time_ms: int = -1,
        topics: Sequence[OffsetCommitRequestTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.generation_id_or_member_epoch = generation_id_or_member_epoch
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.retention_time_ms = retention_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 8 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        generation_id_or_member_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        member_id: str
        member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 7:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        retention_time_ms: int = -1
        if version <= 4:
            retention_time_ms, = _STRUCT_q.unpack_from(data, position)
            position += 8
        topics: Sequence[OffsetCommitRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[OffsetCommitRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetCommitRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 8:
            position = skip_tags(data, position)
        return cls(group_id, generation_id_or_member_epoch, member_id, group_instance_id, retention_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 8 else CLASSIC
        encoding.write_string(out, self.group_id)
        out += _STRUCT_i.pack(self.generation_id_or_member_epoch)
        encoding.write_string(out, self.member_id)
        if version >= 7:
            encoding.write_string(out, self.group_instance_id)
        if version <= 4:
            out += _STRUCT_q.pack(self.retention_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 8:
            out.append(0)


class OffsetCommitResponsePartition(Structure):
    """Part of OffsetCommit."""

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
        if version >= 8:
            position = skip_tags(data, position)
        return cls(partition_index, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        if version >= 8:
            out.append(0)


class OffsetCommitResponseTopic(Structure):
    """Part of OffsetCommit."""

    __slots__ = ("name", "topic_id", "partitions")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[OffsetCommitResponsePartition] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 8 else CLASSIC
        name: str = ""
        if version <= 9:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[OffsetCommitResponsePartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[OffsetCommitResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetCommitResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 8:
            position = skip_tags(data, position)
        return cls(name, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 8 else CLASSIC
        if version <= 9:
            encoding.write_string(out, self.name)
        if version >= 10:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 8:
            out.append(0)


class OffsetCommitResponse(Message):
    """OffsetCommitResponse, versions 2 to 10."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 8
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 10
    FLEXIBLE_FROM: ClassVar[int] = 8

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[OffsetCommitResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 8 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 3:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[OffsetCommitResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[OffsetCommitResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetCommitResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 8:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 8 else CLASSIC
        if version >= 3:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 8:
            out.append(0)
