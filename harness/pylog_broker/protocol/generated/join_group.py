"""Generated from schema/join_group.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_hi = Struct(">hi")
_STRUCT_i = Struct(">i")


class JoinGroupRequestProtocol(Structure):
    """Part of JoinGroup."""

    __slots__ = ("name", "metadata")

    def __init__(
        self,
        name: str = "",
        metadata: bytes = b"",
    ) -> None:
        self.name = name
        self.metadata = metadata

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        metadata: bytes
        metadata, position = encoding.read_bytes(data, position)
        if version >= 6:
            position = skip_tags(data, position)
        return cls(name, metadata), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_bytes(out, self.metadata)
        if version >= 6:
            out.append(0)


class JoinGroupRequest(Message):
    """JoinGroupRequest, versions 0 to 9."""

    __slots__ = ("group_id", "session_timeout_ms", "rebalance_timeout_ms", "member_id", "group_instance_id", "protocol_type", "protocols", "reason")

    API_KEY: ClassVar[int] = 11
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        group_id: str = "",
        session_timeout_ms: int = 0,
        rebalance_timeout_ms: int = -1,
        member_id: str = "",
        group_instance_id: str | None = None,
        protocol_type: str = "",
        protocols: Sequence[JoinGroupRequestProtocol] = (),
        reason: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.session_timeout_ms = session_timeout_ms
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.protocol_type = protocol_type
        self.protocols = protocols
        self.reason = reason

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        session_timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        rebalance_timeout_ms: int = -1
        if version >= 1:
            rebalance_timeout_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        member_id: str
        member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 5:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        protocol_type: str
        protocol_type, position = encoding.read_string(data, position)
        protocols: Sequence[JoinGroupRequestProtocol]
        element_count, position = encoding.read_count(data, position, 3)
        protocols_elements: list[JoinGroupRequestProtocol] = []
        for _ in range(element_count):
            protocols_element, position = JoinGroupRequestProtocol.read(data, position, version)
            protocols_elements.append(protocols_element)
        protocols = protocols_elements
        reason: str | None = None
        if version >= 8:
            reason, position = encoding.read_nullable_string(data, position)
        if version >= 6:
            position = skip_tags(data, position)
        return cls(group_id, session_timeout_ms, rebalance_timeout_ms, member_id, group_instance_id, protocol_type, protocols, reason), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        encoding.write_string(out, self.group_id)
        out += _STRUCT_i.pack(self.session_timeout_ms)
        if version >= 1:
            out += _STRUCT_i.pack(self.rebalance_timeout_ms)
        encoding.write_string(out, self.member_id)
        if version >= 5:
            encoding.write_string(out, self.group_instance_id)
        encoding.write_string(out, self.protocol_type)
        encoding.write_count(out, self.protocols)
        for protocols_element in self.protocols:
            protocols_element.write(out, version)
        if version >= 8:
            encoding.write_string(out, self.reason)
        if version >= 6:
            out.append(0)


class JoinGroupResponseMember(Structure):
    """Part of JoinGroup."""

    __slots__ = ("member_id", "group_instance_id", "metadata")

    def __init__(
        self,
        member_id: str = "",
        group_instance_id: str | None = None,
        metadata: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.metadata = metadata

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        member_id: str
        member_id, position = encoding.read_string(data, position)
        group_instance_id: str | None = None
        if version >= 5:
            group_instance_id, position = encoding.read_nullable_string(data, position)
        metadata: bytes
        metadata, position = encoding.read_bytes(data, position)
        if version >= 6:
            position = skip_tags(data, position)
        return cls(member_id, group_instance_id, metadata), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        encoding.write_string(out, self.member_id)
        if version >= 5:
            encoding.write_string(out, self.group_instance_id)
        encoding.write_bytes(out, self.metadata)
        if version >= 6:
            out.append(0)


class JoinGroupResponse(Message):
    """JoinGroupResponse, versions 0 to 9."""

    __slots__ = ("throttle_time_ms", "error_code", "generation_id", "protocol_type", "protocol_name", "leader", "skip_assignment", "member_id", "members")

    API_KEY: ClassVar[int] = 11
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        generation_id: int = -1,
        protocol_type: str | None = None,
        protocol_name: str | None = "",
        leader: str = "",
        skip_assignment: bool = False,
        member_id: str = "",
        members: Sequence[JoinGroupResponseMember] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.generation_id = generation_id
        self.protocol_type = protocol_type
        self.protocol_name = protocol_name
        self.leader = leader
        self.skip_assignment = skip_assignment
        self.member_id = member_id
        self.members = members

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 6 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 2:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code, generation_id = _STRUCT_hi.unpack_from(data, position)
        position += 6
        protocol_type: str | None = None
        if version >= 7:
            protocol_type, position = encoding.read_nullable_string(data, position)
        protocol_name: str | None
        if version >= 7:
            protocol_name, position = encoding.read_nullable_string(data, position)
        else:
            protocol_name, position = encoding.read_string(data, position)
        leader: str
        leader, position = encoding.read_string(data, position)
        skip_assignment: bool = False
        if version >= 9:
            skip_assignment, = _STRUCT_o.unpack_from(data, position)
            position += 1
        member_id: str
        member_id, position = encoding.read_string(data, position)
        members: Sequence[JoinGroupResponseMember]
        element_count, position = encoding.read_count(data, position, 4)
        members_elements: list[JoinGroupResponseMember] = []
        for _ in range(element_count):
            members_element, position = JoinGroupResponseMember.read(data, position, version)
            members_elements.append(members_element)
        members = members_elements
        if version >= 6:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, generation_id, protocol_type, protocol_name, leader, skip_assignment, member_id, members), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 6 else CLASSIC
        if version >= 2:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        out += _STRUCT_hi.pack(self.error_code, self.generation_id)
        if version >= 7:
            encoding.write_string(out, self.protocol_type)
        encoding.write_string(out, self.protocol_name)
        encoding.write_string(out, self.leader)
        if version >= 9:
            out += _STRUCT_o.pack(self.skip_assignment)
        encoding.write_string(out, self.member_id)
        encoding.write_count(out, self.members)
        for members_element in self.members:
            members_element.write(out, version)
        if version >= 6:
            out.append(0)
