"""Generated from schema/sasl_authenticate.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_q = Struct(">q")


class SaslAuthenticateRequest(Message):
    """SaslAuthenticateRequest, versions 0 to 2."""

    __slots__ = ("auth_bytes",)

    API_KEY: ClassVar[int] = 36
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        auth_bytes: bytes = b"",
    ) -> None:
        self.auth_bytes = auth_bytes

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        auth_bytes: bytes
        auth_bytes, position = encoding.read_bytes(data, position)
        if version >= 2:
            position = skip_tags(data, position)
        return cls(auth_bytes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_bytes(out, self.auth_bytes)
        if version >= 2:
            out.append(0)


class SaslAuthenticateResponse(Message):
    """SaslAuthenticateResponse, versions 0 to 2."""

    __slots__ = ("error_code", "error_message", "auth_bytes", "session_lifetime_ms")

    API_KEY: ClassVar[int] = 36
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        auth_bytes: bytes = b"",
        session_lifetime_ms: int = 0,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.auth_bytes = auth_bytes
        self.session_lifetime_ms = session_lifetime_ms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        auth_bytes: bytes
        auth_bytes, position = encoding.read_bytes(data, position)
        session_lifetime_ms: int = 0
        if version >= 1:
            session_lifetime_ms, = _STRUCT_q.unpack_from(data, position)
            position += 8
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, error_message, auth_bytes, session_lifetime_ms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_bytes(out, self.auth_bytes)
        if version >= 1:
            out += _STRUCT_q.pack(self.session_lifetime_ms)
        if version >= 2:
            out.append(0)
