"""Generated from schema/sync_group.txt by protocol/generate.py: change the table, not this file."""

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


class SyncGroupRequestAssignment(Structure):
    """Part of SyncGroup."""

    __slots__ = ("member_id", "assignment")

    def __init__(
        self,
        member_id: str = "",
        assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.assignment = assignment

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        member_id: str
        member_id, position = encoding.read_string(data, position)
        assignment: bytes
        assignment, position = encoding.read_bytes(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(member_id, assignment), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.member_id)
        encoding.write_bytes(out, self.assignment)
        if version >= 4:
            out.append(0)


class SyncGroupRequest(Message):
    """SyncGroupRequest, versions 0 to 5."""

    __slots__ = ("group_id", "generation_id", "member_id", "group_instance_id", "protocol_type", "protocol_name", "assignments")

    API_KEY: ClassVar[int] = 14
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        group_id: str = "",
        generation_id: int = 0,
        member_id: str = "",
        group_instance_id: str | None = None,
        protocol_type: str | None = None,
        protocol_name: str | None = None,
        assignments: Sequence[SyncGroupRequestAssignment] = (),
    ) -> None:
        self.group_id = group_id
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.assignments = assignments

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        generation_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        member_id: str
        member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 3:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        protocol_type: str | None = None
        if version >= 5:
            protocol_type, position = encoding.read_nullable_string(data, position)
        protocol_name: str | None = None
        if version >= 5:
            protocol_name, position = encoding.read_nullable_string(data, position)
        assignments: Sequence[SyncGroupRequestAssignment]
        element_count, position = encoding.read_count(data, position, 3)
        assignments_elements: list[SyncGroupRequestAssignment] = []
        for _ in range(element_count):
            assignments_element, position = SyncGroupRequestAssignment.read(data, position, version)
            assignments_elements.append(assignments_element)
        assignments = assignments_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(group_id, generation_id, member_id, group_instance_id, protocol_type, protocol_name, assignments), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.group_id)
        out += _STRUCT_i.pack(self.generation_id)
        encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_string(out, self.group_instance_id)
        if version >= 5:
            encoding.write_string(out, self.protocol_type)
        if version >= 5:
            encoding.write_string(out, self.protocol_name)
        encoding.write_count(out, self.assignments)
        for assignments_element in self.assignments:
            assignments_element.write(out, version)
        if version >= 4:
            out.append(0)


class SyncGroupResponse(Message):
    """SyncGroupResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "protocol_type", "protocol_name", "assignment")

    API_KEY: ClassVar[int] = 14
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        protocol_type: str | None = None,
        protocol_name: str | None = None,
        assignment: bytes = b"",
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.assignment = assignment

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        protocol_type: str | None = None
        if version >= 5:
            protocol_type, position = encoding.read_nullable_string(data, position)
        protocol_name: str | None = None
        if version >= 5:
            protocol_name, position = encoding.read_nullable_string(data, position)
        assignment: bytes
        assignment, position = encoding.read_bytes(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, protocol_type, protocol_name, assignment), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        out += _STRUCT_h.pack(self.error_code)
        if version >= 5:
            encoding.write_string(out, self.protocol_type)
        if version >= 5:
            encoding.write_string(out, self.protocol_name)
        encoding.write_bytes(out, self.assignment)
        if version >= 4:
            out.append(0)
