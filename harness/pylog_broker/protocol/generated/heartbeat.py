"""Generated from schema/heartbeat.txt by protocol/generate.py: change the table, not this file."""

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


class HeartbeatRequest(Message):
    """HeartbeatRequest, versions 0 to 4."""

    __slots__ = ("group_id", "generation_id", "member_id", "group_instance_id")

    API_KEY: ClassVar[int] = 12
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        group_id: str = "",
        generation_id: int = 0,
        member_id: str = "",
        group_instance_id: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id

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
        if version >= 4:
            position = skip_tags(data, position)
        return cls(group_id, generation_id, member_id, group_instance_id), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.group_id)
        out += _STRUCT_i.pack(self.generation_id)
        encoding.write_string(out, self.member_id)
        if version >= 3:
            encoding.write_string(out, self.group_instance_id)
        if version >= 4:
            out.append(0)


class HeartbeatResponse(Message):
    """HeartbeatResponse, versions 0 to 4."""

    __slots__ = ("throttle_time_ms", "error_code")

    API_KEY: ClassVar[int] = 12
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        out += _STRUCT_h.pack(self.error_code)
        if version >= 4:
            out.append(0)
