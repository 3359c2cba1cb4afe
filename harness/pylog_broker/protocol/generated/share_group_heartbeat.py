"""Generated from schema/share_group_heartbeat.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ii = Struct(">ii")


class ShareGroupHeartbeatRequest(Message):
    """ShareGroupHeartbeatRequest, versions 1 to 1."""

    __slots__ = ("group_id", "member_id", "member_epoch", "rack_id", "subscribed_topic_names")

    API_KEY: ClassVar[int] = 76
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        group_id: str = "",
        member_id: str = "",
        member_epoch: int = 0,
        rack_id: str | None = None,
        subscribed_topic_names: Sequence[str] | None = None,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.rack_id = rack_id
        self.subscribed_topic_names = subscribed_topic_names

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        member_id: str
        member_id, position = encoding.read_string(data, position)
        member_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        rack_id: str | None
        rack_id, position = encoding.read_nullable_string(data, position)
        subscribed_topic_names: Sequence[str] | None
        element_count, position = encoding.read_nullable_count(data, position, 1)
        subscribed_topic_names = None
        if element_count >= 0:
            subscribed_topic_names_elements: list[str] = []
            for _ in range(element_count):
                subscribed_topic_names_element, position = encoding.read_string(data, position)
                subscribed_topic_names_elements.append(subscribed_topic_names_element)
            subscribed_topic_names = subscribed_topic_names_elements
        position = skip_tags(data, position)
        return cls(group_id, member_id, member_epoch, rack_id, subscribed_topic_names), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.member_id)
        out += _STRUCT_i.pack(self.member_epoch)
        encoding.write_string(out, self.rack_id)
        encoding.write_count(out, self.subscribed_topic_names)
        for subscribed_topic_names_element in self.subscribed_topic_names or ():
            encoding.write_string(out, subscribed_topic_names_element)
        out.append(0)


class ShareGroupHeartbeatResponseTopicPartitions(Structure):
    """Part of ShareGroupHeartbeat."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        out.append(0)


class ShareGroupHeartbeatResponseAssignment(Structure):
    """Part of ShareGroupHeartbeat."""

    __slots__ = ("topic_partitions",)

    def __init__(
        self,
        topic_partitions: Sequence[ShareGroupHeartbeatResponseTopicPartitions] = (),
    ) -> None:
        self.topic_partitions = topic_partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_partitions: Sequence[ShareGroupHeartbeatResponseTopicPartitions]
        element_count, position = encoding.read_count(data, position, 18)
        topic_partitions_elements: list[ShareGroupHeartbeatResponseTopicPartitions] = []
        for _ in range(element_count):
            topic_partitions_element, position = ShareGroupHeartbeatResponseTopicPartitions.read(data, position, version)
            topic_partitions_elements.append(topic_partitions_element)
        topic_partitions = topic_partitions_elements
        position = skip_tags(data, position)
        return cls(topic_partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.topic_partitions)
        for topic_partitions_element in self.topic_partitions:
            topic_partitions_element.write(out, version)
        out.append(0)


class ShareGroupHeartbeatResponse(Message):
    """ShareGroupHeartbeatResponse, versions 1 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "member_id", "member_epoch", "heartbeat_interval_ms", "assignment")

    API_KEY: ClassVar[int] = 76
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        member_id: str | None = None,
        member_epoch: int = 0,
        heartbeat_interval_ms: int = 0,
        assignment: ShareGroupHeartbeatResponseAssignment | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.assignment = assignment

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        member_id: str | None
        member_id, position = encoding.read_nullable_string(data, position)
        member_epoch, heartbeat_interval_ms = _STRUCT_ii.unpack_from(data, position)
        position += 8
        assignment: ShareGroupHeartbeatResponseAssignment | None
        assignment = None
        position += 1
        if data[position - 1] == 1:
            assignment, position = ShareGroupHeartbeatResponseAssignment.read(data, position, version)
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, member_id, member_epoch, heartbeat_interval_ms, assignment), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_string(out, self.member_id)
        out += _STRUCT_ii.pack(self.member_epoch, self.heartbeat_interval_ms)
        out.append(1 if self.assignment is not None else 255)
        if self.assignment is not None:
            self.assignment.write(out, version)
        out.append(0)
