"""Generated from schema/consumer_group_heartbeat.txt by protocol/generate.py: change the table, not this file."""

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


class ConsumerGroupHeartbeatRequestTopicPartitions(Structure):
    """Part of ConsumerGroupHeartbeat."""

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


class ConsumerGroupHeartbeatRequest(Message):
    """ConsumerGroupHeartbeatRequest, versions 0 to 1."""

    __slots__ = ("group_id", "member_id", "member_epoch", "instance_id", "rack_id", "rebalance_timeout_ms", "subscribed_topic_names", "subscribed_topic_regex", "server_assignor", "topic_partitions")

    API_KEY: ClassVar[int] = 68
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        group_id: str = "",
        member_id: str = "",
        member_epoch: int = 0,
        instance_id: str | None = None,
        rack_id: str | None = None,
        rebalance_timeout_ms: int = -1,
        subscribed_topic_names: Sequence[str] | None = None,
        subscribed_topic_regex: str | None = None,
        server_assignor: str | None = None,
        topic_partitions: Sequence[ConsumerGroupHeartbeatRequestTopicPartitions] | None = None,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.instance_id = instance_id
        self.rack_id = rack_id
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.subscribed_topic_names = subscribed_topic_names
        self.subscribed_topic_regex = subscribed_topic_regex
        self.server_assignor = server_assignor
        self.topic_partitions = topic_partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        member_id: str
        member_id, position = encoding.read_string(data, position)
        member_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        instance_id: str | None
        instance_id, position = encoding.read_nullable_string(data, position)
        rack_id: str | None
        rack_id, position = encoding.read_nullable_string(data, position)
        rebalance_timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        subscribed_topic_names: Sequence[str] | None
        element_count, position = encoding.read_nullable_count(data, position, 1)
        subscribed_topic_names = None
        if element_count >= 0:
            subscribed_topic_names_elements: list[str] = []
            for _ in range(element_count):
                subscribed_topic_names_element, position = encoding.read_string(data, position)
                subscribed_topic_names_elements.append(subscribed_topic_names_element)
            subscribed_topic_names = subscribed_topic_names_elements
        subscribed_topic_regex: str | None = None
        if version >= 1:
            subscribed_topic_regex, position = encoding.read_nullable_string(data, position)
        server_assignor: str | None
        server_assignor, position = encoding.read_nullable_string(data, position)
        topic_partitions: Sequence[ConsumerGroupHeartbeatRequestTopicPartitions] | None
        element_count, position = encoding.read_nullable_count(data, position, 18)
        topic_partitions = None
        if element_count >= 0:
            topic_partitions_elements: list[ConsumerGroupHeartbeatRequestTopicPartitions] = []
            for _ in range(element_count):
                topic_partitions_element, position = ConsumerGroupHeartbeatRequestTopicPartitions.read(data, position, version)
                topic_partitions_elements.append(topic_partitions_element)
            topic_partitions = topic_partitions_elements
        position = skip_tags(data, position)
        return cls(group_id, member_id, member_epoch, instance_id, rack_id, rebalance_timeout_ms, subscribed_topic_names, subscribed_topic_regex, server_assignor, topic_partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.member_id)
        out += _STRUCT_i.pack(self.member_epoch)
        encoding.write_string(out, self.instance_id)
        encoding.write_string(out, self.rack_id)
        out += _STRUCT_i.pack(self.rebalance_timeout_ms)
        encoding.write_count(out, self.subscribed_topic_names)
        for subscribed_topic_names_element in self.subscribed_topic_names or ():
            encoding.write_string(out, subscribed_topic_names_element)
        if version >= 1:
            encoding.write_string(out, self.subscribed_topic_regex)
        encoding.write_string(out, self.server_assignor)
        encoding.write_count(out, self.topic_partitions)
        for topic_partitions_element in self.topic_partitions or ():
            topic_partitions_element.write(out, version)
        out.append(0)


class ConsumerGroupHeartbeatResponseTopicPartitions(Structure):
    """Part of ConsumerGroupHeartbeat."""

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


class ConsumerGroupHeartbeatResponseAssignment(Structure):
    """Part of ConsumerGroupHeartbeat."""

    __slots__ = ("topic_partitions",)

    def __init__(
        self,
        topic_partitions: Sequence[ConsumerGroupHeartbeatResponseTopicPartitions] = (),
    ) -> None:
        self.topic_partitions = topic_partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_partitions: Sequence[ConsumerGroupHeartbeatResponseTopicPartitions]
        element_count, position = encoding.read_count(data, position, 18)
        topic_partitions_elements: list[ConsumerGroupHeartbeatResponseTopicPartitions] = []
        for _ in range(element_count):
            topic_partitions_element, position = ConsumerGroupHeartbeatResponseTopicPartitions.read(data, position, version)
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


class ConsumerGroupHeartbeatResponse(Message):
    """ConsumerGroupHeartbeatResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "member_id", "member_epoch", "heartbeat_interval_ms", "assignment")

    API_KEY: ClassVar[int] = 68
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        member_id: str | None = None,
        member_epoch: int = 0,
        heartbeat_interval_ms: int = 0,
        assignment: ConsumerGroupHeartbeatResponseAssignment | None = None,
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
        assignment: ConsumerGroupHeartbeatResponseAssignment | None
        assignment = None
        position += 1
        if data[position - 1] == 1:
            assignment, position = ConsumerGroupHeartbeatResponseAssignment.read(data, position, version)
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
