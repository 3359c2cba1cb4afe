"""Generated from schema/end_txn.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_qho = Struct(">qh?")


class EndTxnRequest(Message):
    """EndTxnRequest, versions 0 to 5."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "committed")

    API_KEY: ClassVar[int] = 26
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        committed: bool = False,
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.committed = committed

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactional_id: str
        transactional_id, position = encoding.read_string(data, position)
        producer_id, producer_epoch, committed = _STRUCT_qho.unpack_from(data, position)
        position += 11
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactional_id, producer_id, producer_epoch, committed), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.transactional_id)
        out += _STRUCT_qho.pack(self.producer_id, self.producer_epoch, self.committed)
        if version >= 3:
            out.append(0)


class EndTxnResponse(Message):
    """EndTxnResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "producer_id", "producer_epoch")

    API_KEY: ClassVar[int] = 26
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        producer_id: int = -1,
        producer_epoch: int = -1,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        producer_id: int = -1
        producer_epoch: int = -1
        if version >= 5:
            producer_id, producer_epoch = _STRUCT_qh.unpack_from(data, position)
            position += 10
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, producer_id, producer_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        if version >= 5:
            out += _STRUCT_qh.pack(self.producer_id, self.producer_epoch)
        if version >= 3:
            out.append(0)
