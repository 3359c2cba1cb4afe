"""Generated from schema/create_acls.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_b = Struct(">b")
_STRUCT_bb = Struct(">bb")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class CreateAclsRequestCreation(Structure):
    """Part of CreateAcls."""

    __slots__ = ("resource_type", "resource_name", "resource_pattern_type", "principal", "host", "operation", "permission_type")

    def __init__(
        self,
        resource_type: int = 0,
        resource_name: str = "",
        resource_pattern_type: int = 3,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.resource_pattern_type = resource_pattern_type
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        resource_pattern_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        principal: str
        principal, position = encoding.read_string(data, position)
        host: str
        host, position = encoding.read_string(data, position)
        operation, permission_type = _STRUCT_bb.unpack_from(data, position)
        position += 2
        if version >= 2:
            position = skip_tags(data, position)
        return cls(resource_type, resource_name, resource_pattern_type, principal, host, operation, permission_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        out += _STRUCT_b.pack(self.resource_pattern_type)
        encoding.write_string(out, self.principal)
        encoding.write_string(out, self.host)
        out += _STRUCT_bb.pack(self.operation, self.permission_type)
        if version >= 2:
            out.append(0)


class CreateAclsRequest(Message):
    """CreateAclsRequest, versions 1 to 3."""

    __slots__ = ("creations",)

    API_KEY: ClassVar[int] = 30
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        creations: Sequence[CreateAclsRequestCreation] = (),
    ) -> None:
        self.creations = creations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        creations: Sequence[CreateAclsRequestCreation]
        element_count, position = encoding.read_count(data, position, 8)
        creations_elements: list[CreateAclsRequestCreation] = []
        for _ in range(element_count):
            creations_element, position = CreateAclsRequestCreation.read(data, position, version)
            creations_elements.append(creations_element)
        creations = creations_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(creations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.creations)
        for creations_element in self.creations:
            creations_element.write(out, version)
        if version >= 2:
            out.append(0)


class CreateAclsResponseResult(Structure):
    """Part of CreateAcls."""

    __slots__ = ("error_code", "error_message")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 2:
            out.append(0)


class CreateAclsResponse(Message):
    """CreateAclsResponse, versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 30
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[CreateAclsResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[CreateAclsResponseResult]
        element_count, position = encoding.read_count(data, position, 4)
        results_elements: list[CreateAclsResponseResult] = []
        for _ in range(element_count):
            results_element, position = CreateAclsResponseResult.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        if version >= 2:
            out.append(0)
