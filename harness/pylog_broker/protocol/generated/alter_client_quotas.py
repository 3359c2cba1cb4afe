"""Generated from schema/alter_client_quotas.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_do = Struct(">d?")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class AlterClientQuotasRequestEntity(Structure):
    """Part of AlterClientQuotas."""

    __slots__ = ("entity_type", "entity_name")

    def __init__(
        self,
        entity_type: str = "",
        entity_name: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entity_type: str
        entity_type, position = encoding.read_string(data, position)
        entity_name: str | None
        entity_name, position = encoding.read_nullable_string(data, position)
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entity_type, entity_name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_string(out, self.entity_type)
        encoding.write_string(out, self.entity_name)
        if version >= 1:
            out.append(0)


class AlterClientQuotasRequestOp(Structure):
    """Part of AlterClientQuotas."""

    __slots__ = ("key", "value", "remove")

    def __init__(
        self,
        key: str = "",
        value: float = 0,
        remove: bool = False,
    ) -> None:
        self.key = key
        self.value = value
        self.remove = remove

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        key: str
        key, position = encoding.read_string(data, position)
        value, remove = _STRUCT_do.unpack_from(data, position)
        position += 9
        if version >= 1:
            position = skip_tags(data, position)
        return cls(key, value, remove), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_string(out, self.key)
        out += _STRUCT_do.pack(self.value, self.remove)
        if version >= 1:
            out.append(0)


class AlterClientQuotasRequestEntry(Structure):
    """Part of AlterClientQuotas."""

    __slots__ = ("entity", "ops")

    def __init__(
        self,
        entity: Sequence[AlterClientQuotasRequestEntity] = (),
        ops: Sequence[AlterClientQuotasRequestOp] = (),
    ) -> None:
        self.entity = entity
        self.ops = ops

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entity: Sequence[AlterClientQuotasRequestEntity]
        element_count, position = encoding.read_count(data, position, 3)
        entity_elements: list[AlterClientQuotasRequestEntity] = []
        for _ in range(element_count):
            entity_element, position = AlterClientQuotasRequestEntity.read(data, position, version)
            entity_elements.append(entity_element)
        entity = entity_elements
        ops: Sequence[AlterClientQuotasRequestOp]
        element_count, position = encoding.read_count(data, position, 11)
        ops_elements: list[AlterClientQuotasRequestOp] = []
        for _ in range(element_count):
            ops_element, position = AlterClientQuotasRequestOp.read(data, position, version)
            ops_elements.append(ops_element)
        ops = ops_elements
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entity, ops), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_count(out, self.entity)
        for entity_element in self.entity:
            entity_element.write(out, version)
        encoding.write_count(out, self.ops)
        for ops_element in self.ops:
            ops_element.write(out, version)
        if version >= 1:
            out.append(0)


class AlterClientQuotasRequest(Message):
    """AlterClientQuotasRequest, versions 0 to 1."""

    __slots__ = ("entries", "validate_only")

    API_KEY: ClassVar[int] = 49
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        entries: Sequence[AlterClientQuotasRequestEntry] = (),
        validate_only: bool = False,
    ) -> None:
        self.entries = entries
        self.validate_only = validate_only

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entries: Sequence[AlterClientQuotasRequestEntry]
        element_count, position = encoding.read_count(data, position, 3)
        entries_elements: list[AlterClientQuotasRequestEntry] = []
        for _ in range(element_count):
            entries_element, position = AlterClientQuotasRequestEntry.read(data, position, version)
            entries_elements.append(entries_element)
        entries = entries_elements
        validate_only, = _STRUCT_o.unpack_from(data, position)
        position += 1
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entries, validate_only), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_count(out, self.entries)
        for entries_element in self.entries:
            entries_element.write(out, version)
        out += _STRUCT_o.pack(self.validate_only)
        if version >= 1:
            out.append(0)


class AlterClientQuotasResponseEntity(Structure):
    """Part of AlterClientQuotas."""

    __slots__ = ("entity_type", "entity_name")

    def __init__(
        self,
        entity_type: str = "",
        entity_name: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.entity_name = entity_name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entity_type: str
        entity_type, position = encoding.read_string(data, position)
        entity_name: str | None
        entity_name, position = encoding.read_nullable_string(data, position)
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entity_type, entity_name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_string(out, self.entity_type)
        encoding.write_string(out, self.entity_name)
        if version >= 1:
            out.append(0)


class AlterClientQuotasResponseEntry(Structure):
    """Part of AlterClientQuotas."""

    __slots__ = ("error_code", "error_message", "entity")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        entity: Sequence[AlterClientQuotasResponseEntity] = (),
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.entity = entity

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        entity: Sequence[AlterClientQuotasResponseEntity]
        element_count, position = encoding.read_count(data, position, 3)
        entity_elements: list[AlterClientQuotasResponseEntity] = []
        for _ in range(element_count):
            entity_element, position = AlterClientQuotasResponseEntity.read(data, position, version)
            entity_elements.append(entity_element)
        entity = entity_elements
        if version >= 1:
            position = skip_tags(data, position)
        return cls(error_code, error_message, entity), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.entity)
        for entity_element in self.entity:
            entity_element.write(out, version)
        if version >= 1:
            out.append(0)


class AlterClientQuotasResponse(Message):
    """AlterClientQuotasResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "entries")

    API_KEY: ClassVar[int] = 49
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        entries: Sequence[AlterClientQuotasResponseEntry] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.entries = entries

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        entries: Sequence[AlterClientQuotasResponseEntry]
        element_count, position = encoding.read_count(data, position, 5)
        entries_elements: list[AlterClientQuotasResponseEntry] = []
        for _ in range(element_count):
            entries_element, position = AlterClientQuotasResponseEntry.read(data, position, version)
            entries_elements.append(entries_element)
        entries = entries_elements
        if version >= 1:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, entries), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.entries)
        for entries_element in self.entries:
            entries_element.write(out, version)
        if version >= 1:
            out.append(0)
