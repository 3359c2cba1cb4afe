"""Generated from schema/describe_client_quotas.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_b = Struct(">b")
_STRUCT_d = Struct(">d")
_STRUCT_ih = Struct(">ih")


class DescribeClientQuotasRequestComponent(Structure):
    """Part of DescribeClientQuotas."""

    __slots__ = ("entity_type", "match_type", "match")

    def __init__(
        self,
        entity_type: str = "",
        match_type: int = 0,
        match: str | None = "",
    ) -> None:
        self.entity_type = entity_type
        self.match_type = match_type
        self.match = match

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entity_type: str
        entity_type, position = encoding.read_string(data, position)
        match_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        match: str | None
        match, position = encoding.read_nullable_string(data, position)
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entity_type, match_type, match), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_string(out, self.entity_type)
        out += _STRUCT_b.pack(self.match_type)
        encoding.write_string(out, self.match)
        if version >= 1:
            out.append(0)


class DescribeClientQuotasRequest(Message):
    """DescribeClientQuotasRequest, versions 0 to 1."""

    __slots__ = ("components", "strict")

    API_KEY: ClassVar[int] = 48
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        components: Sequence[DescribeClientQuotasRequestComponent] = (),
        strict: bool = False,
    ) -> None:
        self.components = components
        self.strict = strict

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        components: Sequence[DescribeClientQuotasRequestComponent]
        element_count, position = encoding.read_count(data, position, 4)
        components_elements: list[DescribeClientQuotasRequestComponent] = []
        for _ in range(element_count):
            components_element, position = DescribeClientQuotasRequestComponent.read(data, position, version)
            components_elements.append(components_element)
        components = components_elements
        strict, = _STRUCT_o.unpack_from(data, position)
        position += 1
        if version >= 1:
            position = skip_tags(data, position)
        return cls(components, strict), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_count(out, self.components)
        for components_element in self.components:
            components_element.write(out, version)
        out += _STRUCT_o.pack(self.strict)
        if version >= 1:
            out.append(0)


class DescribeClientQuotasResponseEntity(Structure):
    """Part of DescribeClientQuotas."""

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


class DescribeClientQuotasResponseValue(Structure):
    """Part of DescribeClientQuotas."""

    __slots__ = ("key", "value")

    def __init__(
        self,
        key: str = "",
        value: float = 0,
    ) -> None:
        self.key = key
        self.value = value

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        key: str
        key, position = encoding.read_string(data, position)
        value, = _STRUCT_d.unpack_from(data, position)
        position += 8
        if version >= 1:
            position = skip_tags(data, position)
        return cls(key, value), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_string(out, self.key)
        out += _STRUCT_d.pack(self.value)
        if version >= 1:
            out.append(0)


class DescribeClientQuotasResponseEntry(Structure):
    """Part of DescribeClientQuotas."""

    __slots__ = ("entity", "values")

    def __init__(
        self,
        entity: Sequence[DescribeClientQuotasResponseEntity] = (),
        values: Sequence[DescribeClientQuotasResponseValue] = (),
    ) -> None:
        self.entity = entity
        self.values = values

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        entity: Sequence[DescribeClientQuotasResponseEntity]
        element_count, position = encoding.read_count(data, position, 3)
        entity_elements: list[DescribeClientQuotasResponseEntity] = []
        for _ in range(element_count):
            entity_element, position = DescribeClientQuotasResponseEntity.read(data, position, version)
            entity_elements.append(entity_element)
        entity = entity_elements
        values: Sequence[DescribeClientQuotasResponseValue]
        element_count, position = encoding.read_count(data, position, 10)
        values_elements: list[DescribeClientQuotasResponseValue] = []
        for _ in range(element_count):
            values_element, position = DescribeClientQuotasResponseValue.read(data, position, version)
            values_elements.append(values_element)
        values = values_elements
        if version >= 1:
            position = skip_tags(data, position)
        return cls(entity, values), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        encoding.write_count(out, self.entity)
        for entity_element in self.entity:
            entity_element.write(out, version)
        encoding.write_count(out, self.values)
        for values_element in self.values:
            values_element.write(out, version)
        if version >= 1:
            out.append(0)


class DescribeClientQuotasResponse(Message):
    """DescribeClientQuotasResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "entries")

    API_KEY: ClassVar[int] = 48
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        entries: Sequence[DescribeClientQuotasResponseEntry] | None = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.entries = entries

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 1 else CLASSIC
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        entries: Sequence[DescribeClientQuotasResponseEntry] | None
        element_count, position = encoding.read_nullable_count(data, position, 3)
        entries = None
        if element_count >= 0:
            entries_elements: list[DescribeClientQuotasResponseEntry] = []
            for _ in range(element_count):
                entries_element, position = DescribeClientQuotasResponseEntry.read(data, position, version)
                entries_elements.append(entries_element)
            entries = entries_elements
        if version >= 1:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, entries), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 1 else CLASSIC
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.entries)
        for entries_element in self.entries or ():
            entries_element.write(out, version)
        if version >= 1:
            out.append(0)
