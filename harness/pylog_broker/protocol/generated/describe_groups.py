"""Generated from schema/describe_groups.txt by protocol/generate.py: change the table, not this file."""

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


class DescribeGroupsRequest(Message):
    """DescribeGroupsRequest, versions 0 to 6."""

    __slots__ = ("groups", "include_authorized_operations")

    API_KEY: ClassVar[int] = 15
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 5

    def __init__(
        self,
        groups: Sequence[str] = (),
        include_authorized_operations: bool = False,
    ) -> None:
        self.groups = groups
        self.include_authorized_operations = include_authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        groups: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        groups_elements: list[str] = []
        for _ in range(element_count):
            groups_element, position = encoding.read_string(data, position)
            groups_elements.append(groups_element)
        groups = groups_elements
        include_authorized_operations: bool = False
        if version >= 3:
            include_authorized_operations, = _STRUCT_o.unpack_from(data, position)
            position += 1
        if version >= 5:
            position = skip_tags(data, position)
        return cls(groups, include_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            encoding.write_string(out, groups_element)
        if version >= 3:
            out += _STRUCT_o.pack(self.include_authorized_operations)
        if version >= 5:
            out.append(0)


class DescribeGroupsResponseMember(Structure):
    """Part of DescribeGroups."""

    __slots__ = ("member_id", "group_instance_id", "client_id", "client_host", "member_metadata", "member_assignment")

    def __init__(
        self,
        member_id: str = "",
        group_instance_id: str | None = None,
        client_id: str = "",
        client_host: str = "",
        member_metadata: bytes = b"",
        member_assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.member_metadata = member_metadata
        self.member_assignment = member_assignment

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        member_id: str
        member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 4:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        client_id: str
        client_id, position = encoding.read_string(data, position)
        client_host: str
        client_host, position = encoding.read_string(data, position)
        member_metadata: bytes
        member_metadata, position = encoding.read_bytes(data, position)
        member_assignment: bytes
        member_assignment, position = encoding.read_bytes(data, position)
        if version >= 5:
            position = skip_tags(data, position)
        return cls(member_id, group_instance_id, client_id, client_host, member_metadata, member_assignment), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_string(out, self.member_id)
        if version >= 4:
            encoding.write_string(out, self.group_instance_id)
        encoding.write_string(out, self.client_id)
        encoding.write_string(out, self.client_host)
        encoding.write_bytes(out, self.member_metadata)
        encoding.write_bytes(out, self.member_assignment)
        if version >= 5:
            out.append(0)


class DescribeGroupsResponseGroup(Structure):
    """Part of DescribeGroups."""

    __slots__ = ("error_code", "error_message", "group_id", "group_state", "protocol_type", "protocol_data", "members", "authorized_operations")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        group_id: str = "",
        group_state: str = "",
        protocol_type: str = "",
        protocol_data: str = "",
        members: Sequence[DescribeGroupsResponseMember] = (),
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.protocol_type = protocol_type
        self.protocol_data = protocol_data
        self.members = members
        self.authorized_operations = authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None = None
        if version >= 6:
            error_message, position = encoding.read_nullable_string(data, position)
        group_id: str
        group_id, position = encoding.read_string(data, position)
        group_state: str
        group_state, position = encoding.read_string(data, position)
        protocol_type: str
        protocol_type, position = encoding.read_string(data, position)
        protocol_data: str
        protocol_data, position = encoding.read_string(data, position)
        members: Sequence[DescribeGroupsResponseMember]
        element_count, position = encoding.read_count(data, position, 7)
        members_elements: list[DescribeGroupsResponseMember] = []
        for _ in range(element_count):
            members_element, position = DescribeGroupsResponseMember.read(data, position, version)
            members_elements.append(members_element)
        members = members_elements
        authorized_operations: int = -2147483648
        if version >= 3:
            authorized_operations, = _STRUCT_i.unpack_from(data, position)
            position += 4
        if version >= 5:
            position = skip_tags(data, position)
        return cls(error_code, error_message, group_id, group_state, protocol_type, protocol_data, members, authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        if version >= 6:
            encoding.write_string(out, self.error_message)
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.group_state)
        encoding.write_string(out, self.protocol_type)
        encoding.write_string(out, self.protocol_data)
        encoding.write_count(out, self.members)
        for members_element in self.members:
            members_element.write(out, version)
        if version >= 3:
            out += _STRUCT_i.pack(self.authorized_operations)
        if version >= 5:
            out.append(0)


class DescribeGroupsResponse(Message):
    """DescribeGroupsResponse, versions 0 to 6."""

    __slots__ = ("throttle_time_ms", "groups")

    API_KEY: ClassVar[int] = 15
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 5

    def __init__(
        self,
        throttle_time_ms: int = 0,
        groups: Sequence[DescribeGroupsResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        groups: Sequence[DescribeGroupsResponseGroup]
        element_count, position = encoding.read_count(data, position, 12)
        groups_elements: list[DescribeGroupsResponseGroup] = []
        for _ in range(element_count):
            groups_element, position = DescribeGroupsResponseGroup.read(data, position, version)
            groups_elements.append(groups_element)
        groups = groups_elements
        if version >= 5:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            groups_element.write(out, version)
        if version >= 5:
            out.append(0)
