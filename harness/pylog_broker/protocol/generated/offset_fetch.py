"""Generated from schema/offset_fetch.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_iq = Struct(">iq")
_STRUCT_iqi = Struct(">iqi")


class OffsetFetchRequestTopic(Structure):
    """Part of OffsetFetch."""

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
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str = ""
        if version <= 7:
            name, position = encoding.read_string(data, position)
        partition_indexes: Sequence[int] = ()
        if version <= 7:
            element_count, position = encoding.read_count(data, position, 4)
            partition_indexes = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, partition_indexes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version <= 7:
            encoding.write_string(out, self.name)
        if version <= 7:
            encoding.write_count(out, self.partition_indexes)
            for partition_indexes_element in self.partition_indexes:
                out += _STRUCT_i.pack(partition_indexes_element)
        if version >= 6:
            out.append(0)


class OffsetFetchRequestGroupTopic(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("name", "topic_id", "partition_indexes")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partition_indexes: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_indexes = partition_indexes

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str = ""
        if 8 <= version <= 9:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        partition_indexes: Sequence[int] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 4)
            partition_indexes = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, topic_id, partition_indexes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if 8 <= version <= 9:
            encoding.write_string(out, self.name)
        if version >= 10:
            out += self.topic_id.bytes
        if version >= 8:
            encoding.write_count(out, self.partition_indexes)
            for partition_indexes_element in self.partition_indexes:
                out += _STRUCT_i.pack(partition_indexes_element)
        if version >= 6:
            out.append(0)


class OffsetFetchRequestGroup(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("group_id", "member_id", "member_epoch", "topics")

    def __init__(
        self,
        group_id: str = "",
        member_id: str | None = None,
        member_epoch: int = -1,
        topics: Sequence[OffsetFetchRequestGroupTopic] | None = (),
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        group_id: str = ""
        if version >= 8:
            group_id, position = encoding.read_string(data, position)
        member_id: str | None = None
        if version >= 9:
            member_id, position = encoding.read_nullable_string(data, position)
        member_epoch: int = -1
        if version >= 9:
            member_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[OffsetFetchRequestGroupTopic] | None = ()
        if version >= 8:
            element_count, position = encoding.read_nullable_count(data, position, 3)
            topics = None
            if element_count >= 0:
                topics_elements: list[OffsetFetchRequestGroupTopic] = []
                for _ in range(element_count):
                    topics_element, position = OffsetFetchRequestGroupTopic.read(data, position, version)
                    topics_elements.append(topics_element)
                topics = topics_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(group_id, member_id, member_epoch, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 8:
            encoding.write_string(out, self.group_id)
        if version >= 9:
            encoding.write_string(out, self.member_id)
        if version >= 9:
            out += _STRUCT_i.pack(self.member_epoch)
        if version >= 8:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics or ():
                topics_element.write(out, version)
        if version >= 6:
            out.append(0)


class OffsetFetchRequest(Message):
    """OffsetFetchRequest, versions 1 to 10."""

    __slots__ = ("group_id", "topics", "groups", "require_stable")

    API_KEY: ClassVar[int] = 9
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 10
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[OffsetFetchRequestTopic] | None = (),
        groups: Sequence[OffsetFetchRequestGroup] = (),
        require_stable: bool = False,
    ) -> None:
        self.group_id = group_id
        self.topics = topics
        self.groups = groups
        self.require_stable = require_stable

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        group_id: str = ""
        if version <= 7:
            group_id, position = encoding.read_string(data, position)
        topics: Sequence[OffsetFetchRequestTopic] | None = ()
        if version <= 7:
            element_count, position = (encoding.read_nullable_count if version >= 2 else encoding.read_count)(data, position, 3)
            topics = None
            if element_count >= 0:
                topics_elements: list[OffsetFetchRequestTopic] = []
                for _ in range(element_count):
                    topics_element, position = OffsetFetchRequestTopic.read(data, position, version)
                    topics_elements.append(topics_element)
                topics = topics_elements
        groups: Sequence[OffsetFetchRequestGroup] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 3)
            groups_elements: list[OffsetFetchRequestGroup] = []
            for _ in range(element_count):
                groups_element, position = OffsetFetchRequestGroup.read(data, position, version)
                groups_elements.append(groups_element)
            groups = groups_elements
        require_stable: bool = False
        if version >= 7:
            require_stable, = _STRUCT_o.unpack_from(data, position)
            position += 1
        if version >= 6:
            position = skip_tags(data, position)
        return cls(group_id, topics, groups, require_stable), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version <= 7:
            encoding.write_string(out, self.group_id)
        if version <= 7:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics or ():
                topics_element.write(out, version)
        if version >= 8:
            encoding.write_count(out, self.groups)
            for groups_element in self.groups:
                groups_element.write(out, version)
        if version >= 7:
            out += _STRUCT_o.pack(self.require_stable)
        if version >= 6:
            out.append(0)


class OffsetFetchResponsePartition(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "metadata", "error_code")

    def __init__(
        self,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        partition_index: int = 0
        committed_offset: int = 0
        if version <= 7:
            partition_index, committed_offset = _STRUCT_iq.unpack_from(data, position)
            position += 12
        committed_leader_epoch: int = -1
        if 5 <= version <= 7:
            committed_leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        metadata: str | None = ""
        if version <= 7:
            metadata, position = encoding.read_nullable_string(data, position)
        error_code: int = 0
        if version <= 7:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        if version >= 6:
            position = skip_tags(data, position)
        return cls(partition_index, committed_offset, committed_leader_epoch, metadata, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version <= 7:
            out += _STRUCT_iq.pack(self.partition_index, self.committed_offset)
        if 5 <= version <= 7:
            out += _STRUCT_i.pack(self.committed_leader_epoch)
        if version <= 7:
            encoding.write_string(out, self.metadata)
        if version <= 7:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 6:
            out.append(0)


class OffsetFetchResponseTopic(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[OffsetFetchResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str = ""
        if version <= 7:
            name, position = encoding.read_string(data, position)
        partitions: Sequence[OffsetFetchResponsePartition] = ()
        if version <= 7:
            element_count, position = encoding.read_count(data, position, 16)
            partitions_elements: list[OffsetFetchResponsePartition] = []
            for _ in range(element_count):
                partitions_element, position = OffsetFetchResponsePartition.read(data, position, version)
                partitions_elements.append(partitions_element)
            partitions = partitions_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version <= 7:
            encoding.write_string(out, self.name)
        if version <= 7:
            encoding.write_count(out, self.partitions)
            for partitions_element in self.partitions:
                partitions_element.write(out, version)
        if version >= 6:
            out.append(0)


class OffsetFetchResponseGroupPartition(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("partition_index", "committed_offset", "committed_leader_epoch", "metadata", "error_code")

    def __init__(
        self,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        partition_index: int = 0
        committed_offset: int = 0
        committed_leader_epoch: int = -1
        if version >= 8:
            partition_index, committed_offset, committed_leader_epoch = _STRUCT_iqi.unpack_from(data, position)
            position += 16
        metadata: str | None = ""
        if version >= 8:
            metadata, position = encoding.read_nullable_string(data, position)
        error_code: int = 0
        if version >= 8:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        if version >= 6:
            position = skip_tags(data, position)
        return cls(partition_index, committed_offset, committed_leader_epoch, metadata, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 8:
            out += _STRUCT_iqi.pack(self.partition_index, self.committed_offset, self.committed_leader_epoch)
        if version >= 8:
            encoding.write_string(out, self.metadata)
        if version >= 8:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 6:
            out.append(0)


class OffsetFetchResponseGroupTopic(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("name", "topic_id", "partitions")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[OffsetFetchResponseGroupPartition] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str = ""
        if 8 <= version <= 9:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 10:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[OffsetFetchResponseGroupPartition] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 20)
            partitions_elements: list[OffsetFetchResponseGroupPartition] = []
            for _ in range(element_count):
                partitions_element, position = OffsetFetchResponseGroupPartition.read(data, position, version)
                partitions_elements.append(partitions_element)
            partitions = partitions_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if 8 <= version <= 9:
            encoding.write_string(out, self.name)
        if version >= 10:
            out += self.topic_id.bytes
        if version >= 8:
            encoding.write_count(out, self.partitions)
            for partitions_element in self.partitions:
                partitions_element.write(out, version)
        if version >= 6:
            out.append(0)


class OffsetFetchResponseGroup(Structure):
    """Part of OffsetFetch."""

    __slots__ = ("group_id", "topics", "error_code")

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[OffsetFetchResponseGroupTopic] = (),
        error_code: int = 0,
    ) -> None:
        self.group_id = group_id
        self.topics = topics
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        group_id: str = ""
        if version >= 8:
            group_id, position = encoding.read_string(data, position)
        topics: Sequence[OffsetFetchResponseGroupTopic] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 3)
            topics_elements: list[OffsetFetchResponseGroupTopic] = []
            for _ in range(element_count):
                topics_element, position = OffsetFetchResponseGroupTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        error_code: int = 0
        if version >= 8:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        if version >= 6:
            position = skip_tags(data, position)
        return cls(group_id, topics, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 8:
            encoding.write_string(out, self.group_id)
        if version >= 8:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics:
                topics_element.write(out, version)
        if version >= 8:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 6:
            out.append(0)


class OffsetFetchResponse(Message):
    """OffsetFetchResponse, versions 1 to 10."""

    __slots__ = ("throttle_time_ms", "topics", "error_code", "groups")

    API_KEY: ClassVar[int] = 9
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 10
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[OffsetFetchResponseTopic] = (),
        error_code: int = 0,
        groups: Sequence[OffsetFetchResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics
        self.error_code = error_code
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 3:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[OffsetFetchResponseTopic] = ()
        if version <= 7:
            element_count, position = encoding.read_count(data, position, 3)
            topics_elements: list[OffsetFetchResponseTopic] = []
            for _ in range(element_count):
                topics_element, position = OffsetFetchResponseTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        error_code: int = 0
        if 2 <= version <= 7:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        groups: Sequence[OffsetFetchResponseGroup] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 5)
            groups_elements: list[OffsetFetchResponseGroup] = []
            for _ in range(element_count):
                groups_element, position = OffsetFetchResponseGroup.read(data, position, version)
                groups_elements.append(groups_element)
            groups = groups_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics, error_code, groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 3:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        if version <= 7:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics:
                topics_element.write(out, version)
        if 2 <= version <= 7:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 8:
            encoding.write_count(out, self.groups)
            for groups_element in self.groups:
                groups_element.write(out, version)
        if version >= 6:
            out.append(0)
