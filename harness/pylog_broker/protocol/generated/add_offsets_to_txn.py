"""Generated from schema/add_offsets_to_txn.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_ih = Struct(">ih")
_STRUCT_qh = Struct(">qh")


class AddOffsetsToTxnRequest(Message):
    """AddOffsetsToTxnRequest, versions 0 to 4."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "group_id")

    API_KEY: ClassVar[int] = 25
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        group_id: str = "",
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.group_id = group_id

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactional_id: str
        transactional_id, position = encoding.read_string(data, position)
        producer_id, producer_epoch = _STRUCT_qh.unpack_from(data, position)
        position += 10
        group_id: str
        group_id, position = encoding.read_string(data, position)
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactional_id, producer_id, producer_epoch, group_id), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.transactional_id)
        out += _STRUCT_qh.pack(self.producer_id, self.producer_epoch)
        encoding.write_string(out, self.group_id)
        if version >= 3:
            out.append(0)


class AddOffsetsToTxnResponse(Message):
    """AddOffsetsToTxnResponse, versions 0 to 4."""

    __slots__ = ("throttle_time_ms", "error_code")

    API_KEY: ClassVar[int] = 25
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        if version >= 3:
            out.append(0)
