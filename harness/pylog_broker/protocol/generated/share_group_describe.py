"""Generated from schema/share_group_describe.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ii = Struct(">ii")


class ShareGroupDescribeRequest(Message):
    """ShareGroupDescribeRequest, versions 1 to 1."""

    __slots__ = ("group_ids", "include_authorized_operations")

    API_KEY: ClassVar[int] = 77
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        group_ids: Sequence[str] = (),
        include_authorized_operations: bool = False,
    ) -> None:
        self.group_ids = group_ids
        self.include_authorized_operations = include_authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_ids: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        group_ids_elements: list[str] = []
        for _ in range(element_count):
            group_ids_element, position = encoding.read_string(data, position)
            group_ids_elements.append(group_ids_element)
        group_ids = group_ids_elements
        include_authorized_operations, = _STRUCT_o.unpack_from(data, position)
        position += 1
        position = skip_tags(data, position)
        return cls(group_ids, include_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.group_ids)
        for group_ids_element in self.group_ids:
            encoding.write_string(out, group_ids_element)
        out += _STRUCT_o.pack(self.include_authorized_operations)
        out.append(0)


class ShareGroupDescribeResponseTopicPartitions(Structure):
    """Part of ShareGroupDescribe."""

    __slots__ = ("topic_id", "topic_name", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        topic_name: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic_id = topic_id
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(topic_id, topic_name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += self.topic_id.bytes
        encoding.write_string(out, self.topic_name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        out.append(0)


class ShareGroupDescribeResponseAssignment(Structure):
    """Part of ShareGroupDescribe."""

    __slots__ = ("topic_partitions",)

    def __init__(
        self,
        topic_partitions: Sequence[ShareGroupDescribeResponseTopicPartitions] = (),
    ) -> None:
        self.topic_partitions = topic_partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_partitions: Sequence[ShareGroupDescribeResponseTopicPartitions]
        element_count, position = encoding.read_count(data, position, 19)
        topic_partitions_elements: list[ShareGroupDescribeResponseTopicPartitions] = []
        for _ in range(element_count):
            topic_partitions_element, position = ShareGroupDescribeResponseTopicPartitions.read(data, position, version)
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


class ShareGroupDescribeResponseMember(Structure):
    """Part of ShareGroupDescribe."""

    __slots__ = ("member_id", "rack_id", "member_epoch", "client_id", "client_host", "subscribed_topic_names", "assignment")

    def __init__(
        self,
        member_id: str = "",
        rack_id: str | None = None,
        member_epoch: int = 0,
        client_id: str = "",
        client_host: str = "",
        subscribed_topic_names: Sequence[str] = (),
        assignment: ShareGroupDescribeResponseAssignment | None = None,
    ) -> None:
        self.member_id = member_id
        self.rack_id = rack_id
        self.member_epoch = member_epoch
        self.client_id = client_id
        self.client_host = client_host
        self.subscribed_topic_names = subscribed_topic_names
        self.assignment = assignment

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        member_id: str
        member_id, position = encoding.read_string(data, position)
        rack_id: str | None
        rack_id, position = encoding.read_nullable_string(data, position)
        member_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        client_id: str
        client_id, position = encoding.read_string(data, position)
        client_host: str
        client_host, position = encoding.read_string(data, position)
        subscribed_topic_names: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        subscribed_topic_names_elements: list[str] = []
        for _ in range(element_count):
            subscribed_topic_names_element, position = encoding.read_string(data, position)
            subscribed_topic_names_elements.append(subscribed_topic_names_element)
        subscribed_topic_names = subscribed_topic_names_elements
        assignment: ShareGroupDescribeResponseAssignment | None
        assignment, position = ShareGroupDescribeResponseAssignment.read(data, position, version)
        position = skip_tags(data, position)
        return cls(member_id, rack_id, member_epoch, client_id, client_host, subscribed_topic_names, assignment), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.member_id)
        encoding.write_string(out, self.rack_id)
        out += _STRUCT_i.pack(self.member_epoch)
        encoding.write_string(out, self.client_id)
        encoding.write_string(out, self.client_host)
        encoding.write_count(out, self.subscribed_topic_names)
        for subscribed_topic_names_element in self.subscribed_topic_names:
            encoding.write_string(out, subscribed_topic_names_element)
        self.assignment.write(out, version)
        out.append(0)


class ShareGroupDescribeResponseGroup(Structure):
    """Part of ShareGroupDescribe."""

    __slots__ = ("error_code", "error_message", "group_id", "group_state", "group_epoch", "assignment_epoch", "assignor_name", "members", "authorized_operations")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        group_id: str = "",
        group_state: str = "",
        group_epoch: int = 0,
        assignment_epoch: int = 0,
        assignor_name: str = "",
        members: Sequence[ShareGroupDescribeResponseMember] = (),
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.group_epoch = group_epoch
        self.assignment_epoch = assignment_epoch
        self.assignor_name = assignor_name
        self.members = members
        self.authorized_operations = authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        group_id: str
        group_id, position = encoding.read_string(data, position)
        group_state: str
        group_state, position = encoding.read_string(data, position)
        group_epoch, assignment_epoch = _STRUCT_ii.unpack_from(data, position)
        position += 8
        assignor_name: str
        assignor_name, position = encoding.read_string(data, position)
        members: Sequence[ShareGroupDescribeResponseMember]
        element_count, position = encoding.read_count(data, position, 12)
        members_elements: list[ShareGroupDescribeResponseMember] = []
        for _ in range(element_count):
            members_element, position = ShareGroupDescribeResponseMember.read(data, position, version)
            members_elements.append(members_element)
        members = members_elements
        authorized_operations, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(error_code, error_message, group_id, group_state, group_epoch, assignment_epoch, assignor_name, members, authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.group_state)
        out += _STRUCT_ii.pack(self.group_epoch, self.assignment_epoch)
        encoding.write_string(out, self.assignor_name)
        encoding.write_count(out, self.members)
        for members_element in self.members:
            members_element.write(out, version)
        out += _STRUCT_i.pack(self.authorized_operations)
        out.append(0)


class ShareGroupDescribeResponse(Message):
    """ShareGroupDescribeResponse, versions 1 to 1."""

    __slots__ = ("throttle_time_ms", "groups")

    API_KEY: ClassVar[int] = 77
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        groups: Sequence[ShareGroupDescribeResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        groups: Sequence[ShareGroupDescribeResponseGroup]
        element_count, position = encoding.read_count(data, position, 20)
        groups_elements: list[ShareGroupDescribeResponseGroup] = []
        for _ in range(element_count):
            groups_element, position = ShareGroupDescribeResponseGroup.read(data, position, version)
            groups_elements.append(groups_element)
        groups = groups_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            groups_element.write(out, version)
        out.append(0)
