"""Generated from schema/init_producer_id.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ihqh = Struct(">ihqh")
_STRUCT_qh = Struct(">qh")


class InitProducerIdRequest(Message):
    """InitProducerIdRequest, versions 0 to 5."""

    __slots__ = ("transactional_id", "transaction_timeout_ms", "producer_id", "producer_epoch")

    API_KEY: ClassVar[int] = 22
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        transactional_id: str | None = "",
        transaction_timeout_ms: int = 0,
        producer_id: int = -1,
        producer_epoch: int = -1,
    ) -> None:
        self.transactional_id = transactional_id
        self.transaction_timeout_ms = transaction_timeout_ms
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        transactional_id: str | None
        transactional_id, position = encoding.read_nullable_string(data, position)
        transaction_timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        producer_id: int = -1
        producer_epoch: int = -1
        if version >= 3:
            producer_id, producer_epoch = _STRUCT_qh.unpack_from(data, position)
            position += 10
        if version >= 2:
            position = skip_tags(data, position)
        return cls(transactional_id, transaction_timeout_ms, producer_id, producer_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.transactional_id)
        out += _STRUCT_i.pack(self.transaction_timeout_ms)
        if version >= 3:
            out += _STRUCT_qh.pack(self.producer_id, self.producer_epoch)
        if version >= 2:
            out.append(0)


class InitProducerIdResponse(Message):
    """InitProducerIdResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "producer_id", "producer_epoch")

    API_KEY: ClassVar[int] = 22
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        producer_id: int = -1,
        producer_epoch: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        throttle_time_ms, error_code, producer_id, producer_epoch = _STRUCT_ihqh.unpack_from(data, position)
        position += 16
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, producer_id, producer_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ihqh.pack(self.throttle_time_ms, self.error_code, self.producer_id, self.producer_epoch)
        if version >= 2:
            out.append(0)
