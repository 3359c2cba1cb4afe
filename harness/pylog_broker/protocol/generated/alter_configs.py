"""Generated from schema/alter_configs.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class AlterConfigsRequestConfig(Structure):
    """Part of AlterConfigs."""

    __slots__ = ("name", "value")

    def __init__(
        self,
        name: str = "",
        value: str | None = "",
    ) -> None:
        self.name = name
        self.value = value

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        value: str | None
        value, position = encoding.read_nullable_string(data, position)
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, value), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_string(out, self.value)
        if version >= 2:
            out.append(0)


class AlterConfigsRequestResource(Structure):
    """Part of AlterConfigs."""

    __slots__ = ("resource_type", "resource_name", "configs")

    def __init__(
        self,
        resource_type: int = 0,
        resource_name: str = "",
        configs: Sequence[AlterConfigsRequestConfig] = (),
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs = configs

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        configs: Sequence[AlterConfigsRequestConfig]
        element_count, position = encoding.read_count(data, position, 3)
        configs_elements: list[AlterConfigsRequestConfig] = []
        for _ in range(element_count):
            configs_element, position = AlterConfigsRequestConfig.read(data, position, version)
            configs_elements.append(configs_element)
        configs = configs_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(resource_type, resource_name, configs), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        encoding.write_count(out, self.configs)
        for configs_element in self.configs:
            configs_element.write(out, version)
        if version >= 2:
            out.append(0)


class AlterConfigsRequest(Message):
    """AlterConfigsRequest, versions 0 to 2."""

    __slots__ = ("resources", "validate_only")

    API_KEY: ClassVar[int] = 33
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        resources: Sequence[AlterConfigsRequestResource] = (),
        validate_only: bool = False,
    ) -> None:
        self.resources = resources
        self.validate_only = validate_only

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        resources: Sequence[AlterConfigsRequestResource]
        element_count, position = encoding.read_count(data, position, 4)
        resources_elements: list[AlterConfigsRequestResource] = []
        for _ in range(element_count):
            resources_element, position = AlterConfigsRequestResource.read(data, position, version)
            resources_elements.append(resources_element)
        resources = resources_elements
        validate_only, = _STRUCT_o.unpack_from(data, position)
        position += 1
        if version >= 2:
            position = skip_tags(data, position)
        return cls(resources, validate_only), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.resources)
        for resources_element in self.resources:
            resources_element.write(out, version)
        out += _STRUCT_o.pack(self.validate_only)
        if version >= 2:
            out.append(0)


class AlterConfigsResponseResource(Structure):
    """Part of AlterConfigs."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name

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
        if version >= 2:
            position = skip_tags(data, position)
        return cls(error_code, error_message, resource_type, resource_name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        if version >= 2:
            out.append(0)


class AlterConfigsResponse(Message):
    """AlterConfigsResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "responses")

    API_KEY: ClassVar[int] = 33
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        responses: Sequence[AlterConfigsResponseResource] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses = responses

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        responses: Sequence[AlterConfigsResponseResource]
        element_count, position = encoding.read_count(data, position, 6)
        responses_elements: list[AlterConfigsResponseResource] = []
        for _ in range(element_count):
            responses_element, position = AlterConfigsResponseResource.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, responses), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        if version >= 2:
            out.append(0)
