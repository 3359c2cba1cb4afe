"""Generated from schema/list_config_resources.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ih = Struct(">ih")


class ListConfigResourcesRequest(Message):
    """ListConfigResourcesRequest, versions 0 to 1."""

    __slots__ = ("resource_types",)

    API_KEY: ClassVar[int] = 74
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        resource_types: Sequence[int] = (),
    ) -> None:
        self.resource_types = resource_types

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        resource_types: Sequence[int] = ()
        if version >= 1:
            element_count, position = encoding.read_count(data, position, 1)
            resource_types = list(unpack_from(f">{element_count}b", data, position))
            position += 1 * element_count
        position = skip_tags(data, position)
        return cls(resource_types), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        if version >= 1:
            encoding.write_count(out, self.resource_types)
            for resource_types_element in self.resource_types:
                out += _STRUCT_b.pack(resource_types_element)
        out.append(0)


class ListConfigResourcesResponseResource(Structure):
    """Part of ListConfigResources."""

    __slots__ = ("resource_name", "resource_type")

    def __init__(
        self,
        resource_name: str = "",
        resource_type: int = 16,
    ) -> None:
        self.resource_name = resource_name
        self.resource_type = resource_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        resource_type: int = 16
        if version >= 1:
            resource_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(resource_name, resource_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.resource_name)
        if version >= 1:
            out += _STRUCT_b.pack(self.resource_type)
        out.append(0)


class ListConfigResourcesResponse(Message):
    """ListConfigResourcesResponse, versions 0 to 1."""

    __slots__ = ("throttle_time_ms", "error_code", "config_resources")

    API_KEY: ClassVar[int] = 74
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        config_resources: Sequence[ListConfigResourcesResponseResource] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.config_resources = config_resources

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        config_resources: Sequence[ListConfigResourcesResponseResource]
        element_count, position = encoding.read_count(data, position, 2)
        config_resources_elements: list[ListConfigResourcesResponseResource] = []
        for _ in range(element_count):
            config_resources_element, position = ListConfigResourcesResponseResource.read(data, position, version)
            config_resources_elements.append(config_resources_element)
        config_resources = config_resources_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, config_resources), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_count(out, self.config_resources)
        for config_resources_element in self.config_resources:
            config_resources_element.write(out, version)
        out.append(0)
