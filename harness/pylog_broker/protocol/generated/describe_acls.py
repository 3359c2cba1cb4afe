"""Generated from schema/describe_acls.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ih = Struct(">ih")


class DescribeAclsRequest(Message):
    """DescribeAclsRequest, versions 1 to 3."""

    __slots__ = ("resource_type_filter", "resource_name_filter", "pattern_type_filter", "principal_filter", "host_filter", "operation", "permission_type")

    API_KEY: ClassVar[int] = 29
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

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


class DescribeAclsResponseAcl(Structure):
    """Part of DescribeAcls."""

    __slots__ = ("principal", "host", "operation", "permission_type")

    def __init__(
        self,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        principal: str
        principal, position = encoding.read_string(data, position)
        host: str
        host, position = encoding.read_string(data, position)
        operation, permission_type = _STRUCT_bb.unpack_from(data, position)
        position += 2
        if version >= 2:
            position = skip_tags(data, position)
        return cls(principal, host, operation, permission_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.principal)
        encoding.write_string(out, self.host)
        out += _STRUCT_bb.pack(self.operation, self.permission_type)
        if version >= 2:
            out.append(0)


class DescribeAclsResponseResource(Structure):
    """Part of DescribeAcls."""

    __slots__ = ("resource_type", "resource_name", "pattern_type", "acls")

    def __init__(
        self,
        resource_type: int = 0,
        resource_name: str = "",
        pattern_type: int = 3,
        acls: Sequence[DescribeAclsResponseAcl] = (),
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.pattern_type = pattern_type
        self.acls = acls

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        pattern_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        acls: Sequence[DescribeAclsResponseAcl]
        element_count, position = encoding.read_count(data, position, 5)
        acls_elements: list[DescribeAclsResponseAcl] = []
        for _ in range(element_count):
            acls_element, position = DescribeAclsResponseAcl.read(data, position, version)
            acls_elements.append(acls_element)
        acls = acls_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(resource_type, resource_name, pattern_type, acls), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        out += _STRUCT_b.pack(self.pattern_type)
        encoding.write_count(out, self.acls)
        for acls_element in self.acls:
            acls_element.write(out, version)
        if version >= 2:
            out.append(0)


class DescribeAclsResponse(Message):
    """DescribeAclsResponse, versions 1 to 3."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "resources")

    API_KEY: ClassVar[int] = 29
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        resources: Sequence[DescribeAclsResponseResource] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.resources = resources

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        resources: Sequence[DescribeAclsResponseResource]
        element_count, position = encoding.read_count(data, position, 5)
        resources_elements: list[DescribeAclsResponseResource] = []
        for _ in range(element_count):
            resources_element, position = DescribeAclsResponseResource.read(data, position, version)
            resources_elements.append(resources_element)
        resources = resources_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, resources), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.resources)
        for resources_element in self.resources:
            resources_element.write(out, version)
        if version >= 2:
            out.append(0)
