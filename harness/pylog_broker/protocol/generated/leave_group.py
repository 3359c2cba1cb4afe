"""Generated from schema/leave_group.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class LeaveGroupRequestMember(Structure):
    """Part of LeaveGroup."""

    __slots__ = ("member_id", "group_instance_id", "reason")

    def __init__(
        self,
        member_id: str = "",
        group_instance_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.reason = reason

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        member_id: str = ""
        if version >= 3:
            member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 3:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        reason: str | None = None
        if version >= 5:
            reason, position = encoding.read_nullable_string(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(member_id, group_instance_id, reason), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 3:
            encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_string(out, self.group_instance_id)
        if version >= 5:
            encoding.write_string(out, self.reason)
        if version >= 4:
            out.append(0)


class LeaveGroupRequest(Message):
    """LeaveGroupRequest, versions 0 to 5."""

    __slots__ = ("group_id", "member_id", "members")

    API_KEY: ClassVar[int] = 13
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        group_id: str = "",
        member_id: str = "",
        members: Sequence[LeaveGroupRequestMember] = (),
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.members = members

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        member_id: str = ""
        if version <= 2:
            member_id, position = encoding.read_string(data, position)
        members: Sequence[LeaveGroupRequestMember] = ()
        if version >= 3:
            element_count, position = encoding.read_count(data, position, 3)
            members_elements: list[LeaveGroupRequestMember] = []
            for _ in range(element_count):
                members_element, position = LeaveGroupRequestMember.read(data, position, version)
                members_elements.append(members_element)
            members = members_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(group_id, member_id, members), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.group_id)
        if version <= 2:
            encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_count(out, self.members)
            for members_element in self.members:
                members_element.write(out, version)
        if version >= 4:
            out.append(0)


class LeaveGroupResponseMember(Structure):
    """Part of LeaveGroup."""

    __slots__ = ("member_id", "group_instance_id", "error_code")

    def __init__(
        self,
        member_id: str = "",
        group_instance_id: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        member_id: str = ""
        if version >= 3:
            member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = ""
        if version >= 3:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        error_code: int = 0
        if version >= 3:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        if version >= 4:
            position = skip_tags(data, position)
        return cls(member_id, group_instance_id, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 3:
            encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_string(out, self.group_instance_id)
        if version >= 3:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 4:
            out.append(0)


class LeaveGroupResponse(Message):
    """LeaveGroupResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "members")

    API_KEY: ClassVar[int] = 13
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        members: Sequence[LeaveGroupResponseMember] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.members = members

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        members: Sequence[LeaveGroupResponseMember] = ()
        if version >= 3:
            element_count, position = encoding.read_count(data, position, 5)
            members_elements: list[LeaveGroupResponseMember] = []
            for _ in range(element_count):
                members_element, position = LeaveGroupResponseMember.read(data, position, version)
                members_elements.append(members_element)
            members = members_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, members), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        out += _STRUCT_h.pack(self.error_code)
        if version >= 3:
            encoding.write_count(out, self.members)
            for members_element in self.members:
                members_element.write(out, version)
        if version >= 4:
            out.append(0)
