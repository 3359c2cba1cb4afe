"""Generated from schema/delete_acls.txt by protocol/generate.py: change the table, not this file."""

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


class DeleteAclsRequestFilter(Structure):
    """Part of DeleteAcls."""

    __slots__ = ("resource_type_filter", "resource_name_filter", "pattern_type_filter", "principal_filter", "host_filter", "operation", "permission_type")

    def __init__(
        self,
        resource_type_filter: int = 0,
        resource_name_filter: str | None = "",
        pattern_type_filter: int = 3,
        principal_filter: str | None = "",
        host_filter: str | None = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.resource_type_filter = resource_type_filter
        self.resource_name_filter = resource_name_filter
        self.pattern_type_filter = pattern_type_filter
        self.principal_filter = principal_filter
        self.host_filter = host_filter
        self.operation = operation
        self.permission_type = permission_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        resource_type_filter, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name_filter: str | None
        resource_name_filter, position = encoding.read_nullable_string(data, position)
        pattern_type_filter, = _STRUCT_b.unpack_from(data, position)
        position += 1
        principal_filter: str | None
        principal_filter, position = encoding.read_nullable_string(data, position)
        host_filter: str | None
        host_filter, position = encoding.read_nullable_string(data, position)
        operation, permission_type = _STRUCT_bb.unpack_from(data, position)
        position += 2
        if version >= 2:
            position = skip_tags(data, position)
        return cls(resource_type_filter, resource_name_filter, pattern_type_filter, principal_filter, host_filter, operation, permission_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_b.pack(self.resource_type_filter)
        encoding.write_string(out, self.resource_name_filter)
        out += _STRUCT_b.pack(self.pattern_type_filter)
        encoding.write_string(out, self.principal_filter)
        encoding.write_string(out, self.host_filter)
        out += _STRUCT_bb.pack(self.operation, self.permission_type)
        if version >= 2:
            out.append(0)


class DeleteAclsRequest(Message):
    """DeleteAclsRequest, versions 1 to 3."""

    __slots__ = ("filters",)

    API_KEY: ClassVar[int] = 31
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        filters: Sequence[DeleteAclsRequestFilter] = (),
    ) -> None:
        self.filters = filters

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        filters: Sequence[DeleteAclsRequestFilter]
        element_count, position = encoding.read_count(data, position, 8)
        filters_elements: list[DeleteAclsRequestFilter] = []
        for _ in range(element_count):
            filters_element, position = DeleteAclsRequestFilter.read(data, position, version)
            filters_elements.append(filters_element)
        filters = filters_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(filters), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.filters)
        for filters_element in self.filters:
            filters_element.write(out, version)
        if version >= 2:
            out.append(0)


class DeleteAclsResponseMatchingAcl(Structure):
    """Part of DeleteAcls."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name", "pattern_type", "principal", "host", "operation", "permission_type")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        resource_type: int = 0,
        resource_name: str = "",
        pattern_type: int = 3,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.pattern_type = pattern_type
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        pattern_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        principal: str
        principal, position = encoding.read_string(data, position)
        host: str
        host, position = encoding.read_string(data, position)
        operation, permission_type = _STRUCT_bb.unpack_from(data, position)
        position += 2
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, error_message, resource_type, resource_name, pattern_type, principal, host, operation, permission_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        out += _STRUCT_b.pack(self.pattern_type)
        encoding.write_string(out, self.principal)
        encoding.write_string(out, self.host)
        out += _STRUCT_bb.pack(self.operation, self.permission_type)
        if version >= 2:
            out.append(0)


class DeleteAclsResponseFilterResult(Structure):
    """Part of DeleteAcls."""

    __slots__ = ("error_code", "error_message", "matching_acls")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = None,
        matching_acls: Sequence[DeleteAclsResponseMatchingAcl] = (),
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.matching_acls = matching_acls

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        matching_acls: Sequence[DeleteAclsResponseMatchingAcl]
        element_count, position = encoding.read_count(data, position, 11)
        matching_acls_elements: list[DeleteAclsResponseMatchingAcl] = []
        for _ in range(element_count):
            matching_acls_element, position = DeleteAclsResponseMatchingAcl.read(data, position, version)
            matching_acls_elements.append(matching_acls_element)
        matching_acls = matching_acls_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, error_message, matching_acls), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.matching_acls)
        for matching_acls_element in self.matching_acls:
            matching_acls_element.write(out, version)
        if version >= 2:
            out.append(0)


class DeleteAclsResponse(Message):
    """DeleteAclsResponse, versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "filter_results")

    API_KEY: ClassVar[int] = 31
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        filter_results: Sequence[DeleteAclsResponseFilterResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.filter_results = filter_results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        filter_results: Sequence[DeleteAclsResponseFilterResult]
        element_count, position = encoding.read_count(data, position, 5)
        filter_results_elements: list[DeleteAclsResponseFilterResult] = []
        for _ in range(element_count):
            filter_results_element, position = DeleteAclsResponseFilterResult.read(data, position, version)
            filter_results_elements.append(filter_results_element)
        filter_results = filter_results_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, filter_results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.filter_results)
        for filter_results_element in self.filter_results:
            filter_results_element.write(out, version)
        if version >= 2:
            out.append(0)
