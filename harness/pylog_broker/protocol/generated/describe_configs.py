"""Generated from schema/describe_configs.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_obo = Struct(">?b?")
_STRUCT_b = Struct(">b")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class DescribeConfigsRequestResource(Structure):
    """Part of DescribeConfigs."""

    __slots__ = ("resource_type", "resource_name", "configuration_keys")

    def __init__(
        self,
        resource_type: int = 0,
        resource_name: str = "",
        configuration_keys: Sequence[str] | None = (),
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configuration_keys = configuration_keys

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        configuration_keys: Sequence[str] | None
        element_count, position = encoding.read_nullable_count(data, position, 1)
        configuration_keys = None
        if element_count >= 0:
            configuration_keys_elements: list[str] = []
            for _ in range(element_count):
                configuration_keys_element, position = encoding.read_string(data, position)
                configuration_keys_elements.append(configuration_keys_element)
            configuration_keys = configuration_keys_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(resource_type, resource_name, configuration_keys), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        encoding.write_count(out, self.configuration_keys)
        for configuration_keys_element in self.configuration_keys or ():
            encoding.write_string(out, configuration_keys_element)
        if version >= 4:
            out.append(0)


class DescribeConfigsRequest(Message):
    """DescribeConfigsRequest, versions 1 to 4."""

    __slots__ = ("resources", "include_synonyms", "include_documentation")

    API_KEY: ClassVar[int] = 32
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        resources: Sequence[DescribeConfigsRequestResource] = (),
        include_synonyms: bool = False,
        include_documentation: bool = False,
    ) -> None:
        self.resources = resources
        self.include_synonyms = include_synonyms
        self.include_documentation = include_documentation

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        resources: Sequence[DescribeConfigsRequestResource]
        element_count, position = encoding.read_count(data, position, 4)
        resources_elements: list[DescribeConfigsRequestResource] = []
        for _ in range(element_count):
            resources_element, position = DescribeConfigsRequestResource.read(data, position, version)
            resources_elements.append(resources_element)
        resources = resources_elements
        include_synonyms, = _STRUCT_o.unpack_from(data, position)
        position += 1
        include_documentation: bool = False
        if version >= 3:
            include_documentation, = _STRUCT_o.unpack_from(data, position)
            position += 1
        if version >= 4:
            position = skip_tags(data, position)
        return cls(resources, include_synonyms, include_documentation), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_count(out, self.resources)
        for resources_element in self.resources:
            resources_element.write(out, version)
        out += _STRUCT_o.pack(self.include_synonyms)
        if version >= 3:
            out += _STRUCT_o.pack(self.include_documentation)
        if version >= 4:
            out.append(0)


class DescribeConfigsResponseSynonym(Structure):
    """Part of DescribeConfigs."""

    __slots__ = ("name", "value", "source")

    def __init__(
        self,
        name: str = "",
        value: str | None = "",
        source: int = 0,
    ) -> None:
        self.name = name
        self.value = value
        self.source = source

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        value: str | None
        value, position = encoding.read_nullable_string(data, position)
        source, = _STRUCT_b.unpack_from(data, position)
        position += 1
        if version >= 4:
            position = skip_tags(data, position)
        return cls(name, value, source), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_string(out, self.value)
        out += _STRUCT_b.pack(self.source)
        if version >= 4:
            out.append(0)


class DescribeConfigsResponseConfig(Structure):
    """Part of DescribeConfigs."""

    __slots__ = ("name", "value", "read_only", "config_source", "is_sensitive", "synonyms", "config_type", "documentation")

    def __init__(
        self,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
        synonyms: Sequence[DescribeConfigsResponseSynonym] = (),
        config_type: int = 0,
        documentation: str | None = "",
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive
        self.synonyms = synonyms
        self.config_type = config_type
        self.documentation = documentation

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        value: str | None
        value, position = encoding.read_nullable_string(data, position)
        read_only, config_source, is_sensitive = _STRUCT_obo.unpack_from(data, position)
        position += 3
        synonyms: Sequence[DescribeConfigsResponseSynonym]
        element_count, position = encoding.read_count(data, position, 4)
        synonyms_elements: list[DescribeConfigsResponseSynonym] = []
        for _ in range(element_count):
            synonyms_element, position = DescribeConfigsResponseSynonym.read(data, position, version)
            synonyms_elements.append(synonyms_element)
        synonyms = synonyms_elements
        config_type: int = 0
        if version >= 3:
            config_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        documentation: str | None = ""
        if version >= 3:
            documentation, position = encoding.read_nullable_string(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(name, value, read_only, config_source, is_sensitive, synonyms, config_type, documentation), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_string(out, self.value)
        out += _STRUCT_obo.pack(self.read_only, self.config_source, self.is_sensitive)
        encoding.write_count(out, self.synonyms)
        for synonyms_element in self.synonyms:
            synonyms_element.write(out, version)
        if version >= 3:
            out += _STRUCT_b.pack(self.config_type)
        if version >= 3:
            encoding.write_string(out, self.documentation)
        if version >= 4:
            out.append(0)


class DescribeConfigsResponseResult(Structure):
    """Part of DescribeConfigs."""

    __slots__ = ("error_code", "error_message", "resource_type", "resource_name", "configs")

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
        configs: Sequence[DescribeConfigsResponseConfig] = (),
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs = configs

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        resource_type, = _STRUCT_b.unpack_from(data, position)
        position += 1
        resource_name: str
        resource_name, position = encoding.read_string(data, position)
        configs: Sequence[DescribeConfigsResponseConfig]
        element_count, position = encoding.read_count(data, position, 9)
        configs_elements: list[DescribeConfigsResponseConfig] = []
        for _ in range(element_count):
            configs_element, position = DescribeConfigsResponseConfig.read(data, position, version)
            configs_elements.append(configs_element)
        configs = configs_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(error_code, error_message, resource_type, resource_name, configs), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out += _STRUCT_b.pack(self.resource_type)
        encoding.write_string(out, self.resource_name)
        encoding.write_count(out, self.configs)
        for configs_element in self.configs:
            configs_element.write(out, version)
        if version >= 4:
            out.append(0)


class DescribeConfigsResponse(Message):
    """DescribeConfigsResponse, versions 1 to 4."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 32
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[DescribeConfigsResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[DescribeConfigsResponseResult]
        element_count, position = encoding.read_count(data, position, 7)
        results_elements: list[DescribeConfigsResponseResult] = []
        for _ in range(element_count):
            results_element, position = DescribeConfigsResponseResult.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        if version >= 4:
            out.append(0)
