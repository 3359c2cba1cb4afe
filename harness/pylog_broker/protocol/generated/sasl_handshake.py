"""Generated from schema/sasl_handshake.txt by protocol/generate.py: change the table, not this file."""

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


class SaslHandshakeRequest(Message):
    """SaslHandshakeRequest, versions 0 to 1."""

    __slots__ = ("mechanism",)

    API_KEY: ClassVar[int] = 17
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        mechanism: str = "",
    ) -> None:
        self.mechanism = mechanism

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        mechanism: str
        mechanism, position = encoding.read_string(data, position)
        return cls(mechanism), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        encoding.write_string(out, self.mechanism)


class SaslHandshakeResponse(Message):
    """SaslHandshakeResponse, versions 0 to 1."""

    __slots__ = ("error_code", "mechanisms")

    API_KEY: ClassVar[int] = 17
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        error_code: int = 0,
        mechanisms: Sequence[str] = (),
    ) -> None:
        self.error_code = error_code
        self.mechanisms = mechanisms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        mechanisms: Sequence[str]
        element_count, position = encoding.read_count(data, position, 2)
        mechanisms_elements: list[str] = []
        for _ in range(element_count):
            mechanisms_element, position = encoding.read_string(data, position)
            mechanisms_elements.append(mechanisms_element)
        mechanisms = mechanisms_elements
        return cls(error_code, mechanisms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_count(out, self.mechanisms)
        for mechanisms_element in self.mechanisms:
            encoding.write_string(out, mechanisms_element)
