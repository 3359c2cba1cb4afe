"""Generated from schema/txn_offset_commit.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_qh = Struct(">qh")


class TxnOffsetCommitRequestPartition(Structure):
    """Part of TxnOffsetCommit."""

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
        encoding = COMPACT if version >= 3 else CLASSIC
        partition_index, committed_offset = _STRUCT_iq.unpack_from(data, position)
        position += 12
        committed_leader_epoch: int = -1
        if version >= 2:
            committed_leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        committed_metadata: str | None
        committed_metadata, position = encoding.read_nullable_string(data, position)
        if version >= 3:
            position = skip_tags(data, position)
        return cls(partition_index, committed_offset, committed_leader_epoch, committed_metadata), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        out += _STRUCT_iq.pack(self.partition_index, self.committed_offset)
        if version >= 2:
            out += _STRUCT_i.pack(self.committed_leader_epoch)
        encoding.write_string(out, self.committed_metadata)
        if version >= 3:
            out.append(0)


class TxnOffsetCommitRequestTopic(Structure):
    """Part of TxnOffsetCommit."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[TxnOffsetCommitRequestPartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[TxnOffsetCommitRequestPartition]
        element_count, position = encoding.read_count(data, position, 14)
        partitions_elements: list[TxnOffsetCommitRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = TxnOffsetCommitRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 3:
            out.append(0)


class TxnOffsetCommitRequest(Message):
    """TxnOffsetCommitRequest, versions 0 to 5."""

    __slots__ = ("transactional_id", "group_id", "producer_id", "producer_epoch", "generation_id", "member_id", "group_instance_id", "topics")

    API_KEY: ClassVar[int] = 28
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        transactional_id: str = "",
        group_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        generation_id: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        topics: Sequence[TxnOffsetCommitRequestTopic] = (),
    ) -> None:
        self.transactional_id = transactional_id
        self.group_id = group_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactional_id: str
        transactional_id, position = encoding.read_string(data, position)
        group_id: str
        group_id, position = encoding.read_string(data, position)
        producer_id, producer_epoch = _STRUCT_qh.unpack_from(data, position)
        position += 10
        generation_id: int = -1
        if version >= 3:
            generation_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        member_id: str = ""
        if version >= 3:
            member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 3:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        topics: Sequence[TxnOffsetCommitRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[TxnOffsetCommitRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = TxnOffsetCommitRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactional_id, group_id, producer_id, producer_epoch, generation_id, member_id, group_instance_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.transactional_id)
        encoding.write_string(out, self.group_id)
        out += _STRUCT_qh.pack(self.producer_id, self.producer_epoch)
        if version >= 3:
            out += _STRUCT_i.pack(self.generation_id)
        if version >= 3:
            encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_string(out, self.group_instance_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 3:
            out.append(0)


class TxnOffsetCommitResponsePartition(Structure):
    """Part of TxnOffsetCommit."""

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
        if version >= 3:
            position = skip_tags(data, position)
        return cls(partition_index, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        if version >= 3:
            out.append(0)


class TxnOffsetCommitResponseTopic(Structure):
    """Part of TxnOffsetCommit."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[TxnOffsetCommitResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[TxnOffsetCommitResponsePartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[TxnOffsetCommitResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = TxnOffsetCommitResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 3:
            out.append(0)


class TxnOffsetCommitResponse(Message):
    """TxnOffsetCommitResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 28
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[TxnOffsetCommitResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[TxnOffsetCommitResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[TxnOffsetCommitResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = TxnOffsetCommitResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 3:
            out.append(0)
