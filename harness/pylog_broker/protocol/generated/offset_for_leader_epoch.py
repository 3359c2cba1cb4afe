"""Generated from schema/offset_for_leader_epoch.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_hiiq = Struct(">hiiq")
_STRUCT_i = Struct(">i")
_STRUCT_iii = Struct(">iii")


class OffsetForLeaderEpochRequestPartition(Structure):
    """Part of OffsetForLeaderEpoch."""

    __slots__ = ("partition", "current_leader_epoch", "leader_epoch")

    def __init__(
        self,
        partition: int = 0,
        current_leader_epoch: int = -1,
        leader_epoch: int = 0,
    ) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.leader_epoch = leader_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition, current_leader_epoch, leader_epoch = _STRUCT_iii.unpack_from(data, position)
        position += 12
        if version >= 4:
            position = skip_tags(data, position)
        return cls(partition, current_leader_epoch, leader_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_iii.pack(self.partition, self.current_leader_epoch, self.leader_epoch)
        if version >= 4:
            out.append(0)


class OffsetForLeaderEpochRequestTopic(Structure):
    """Part of OffsetForLeaderEpoch."""

    __slots__ = ("topic", "partitions")

    def __init__(
        self,
        topic: str = "",
        partitions: Sequence[OffsetForLeaderEpochRequestPartition] = (),
    ) -> None:
        self.topic = topic
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        topic: str
        topic, position = encoding.read_string(data, position)
        partitions: Sequence[OffsetForLeaderEpochRequestPartition]
        element_count, position = encoding.read_count(data, position, 12)
        partitions_elements: list[OffsetForLeaderEpochRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetForLeaderEpochRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(topic, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 4:
            out.append(0)


class OffsetForLeaderEpochRequest(Message):
    """OffsetForLeaderEpochRequest, versions 2 to 4."""

    __slots__ = ("replica_id", "topics")

    API_KEY: ClassVar[int] = 23
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        replica_id: int = -2,
        topics: Sequence[OffsetForLeaderEpochRequestTopic] = (),
    ) -> None:
        self.replica_id = replica_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        replica_id: int = -2
        if version >= 3:
            replica_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        topics: Sequence[OffsetForLeaderEpochRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[OffsetForLeaderEpochRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetForLeaderEpochRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(replica_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 3:
            out += _STRUCT_i.pack(self.replica_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 4:
            out.append(0)


class OffsetForLeaderEpochResponsePartition(Structure):
    """Part of OffsetForLeaderEpoch."""

    __slots__ = ("error_code", "partition", "leader_epoch", "end_offset")

    def __init__(
        self,
        error_code: int = 0,
        partition: int = 0,
        leader_epoch: int = -1,
        end_offset: int = -1,
    ) -> None:
        self.error_code = error_code
        self.partition = partition
        self.leader_epoch = leader_epoch
        self.end_offset = end_offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        error_code, partition, leader_epoch, end_offset = _STRUCT_hiiq.unpack_from(data, position)
        position += 18
        if version >= 4:
            position = skip_tags(data, position)
        return cls(error_code, partition, leader_epoch, end_offset), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_hiiq.pack(self.error_code, self.partition, self.leader_epoch, self.end_offset)
        if version >= 4:
            out.append(0)


class OffsetForLeaderEpochResponseTopic(Structure):
    """Part of OffsetForLeaderEpoch."""

    __slots__ = ("topic", "partitions")

    def __init__(
        self,
        topic: str = "",
        partitions: Sequence[OffsetForLeaderEpochResponsePartition] = (),
    ) -> None:
        self.topic = topic
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        topic: str
        topic, position = encoding.read_string(data, position)
        partitions: Sequence[OffsetForLeaderEpochResponsePartition]
        element_count, position = encoding.read_count(data, position, 18)
        partitions_elements: list[OffsetForLeaderEpochResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = OffsetForLeaderEpochResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(topic, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 4:
            out.append(0)


class OffsetForLeaderEpochResponse(Message):
    """OffsetForLeaderEpochResponse, versions 2 to 4."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 23
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[OffsetForLeaderEpochResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[OffsetForLeaderEpochResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[OffsetForLeaderEpochResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = OffsetForLeaderEpochResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 4:
            out.append(0)
