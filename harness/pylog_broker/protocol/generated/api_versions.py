"""Generated from schema/api_versions.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_h = Struct(">h")
_STRUCT_hh = Struct(">hh")
_STRUCT_hhh = Struct(">hhh")
_STRUCT_i = Struct(">i")
_STRUCT_q = Struct(">q")


class ApiVersionsRequest(Message):
    """ApiVersionsRequest, versions 0 to 4."""

    __slots__ = ("client_software_name", "client_software_version")

    API_KEY: ClassVar[int] = 18
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        client_software_name: str = "",
        client_software_version: str = "",
    ) -> None:
        self.client_software_name = client_software_name
        self.client_software_version = client_software_version

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        client_software_name: str = ""
        if version >= 3:
            client_software_name, position = encoding.read_string(data, position)
        client_software_version: str = ""
        if version >= 3:
            client_software_version, position = encoding.read_string(data, position)
        if version >= 3:
            position = skip_tags(data, position)
        return cls(client_software_name, client_software_version), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 3:
            encoding.write_string(out, self.client_software_name)
        if version >= 3:
            encoding.write_string(out, self.client_software_version)
        if version >= 3:
            out.append(0)


class ApiVersionsResponseApiVersion(Structure):
    """Part of ApiVersions."""

    __slots__ = ("api_key", "min_version", "max_version")

    def __init__(
        self,
        api_key: int = 0,
        min_version: int = 0,
        max_version: int = 0,
    ) -> None:
        self.api_key = api_key
        self.min_version = min_version
        self.max_version = max_version

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        api_key, min_version, max_version = _STRUCT_hhh.unpack_from(data, position)
        position += 6
        if version >= 3:
            position = skip_tags(data, position)
        return cls(api_key, min_version, max_version), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_hhh.pack(self.api_key, self.min_version, self.max_version)
        if version >= 3:
            out.append(0)


class ApiVersionsResponseSupportedFeature(Structure):
    """Part of ApiVersions."""

    __slots__ = ("name", "min_version", "max_version")

    def __init__(
        self,
        name: str = "",
        min_version: int = 0,
        max_version: int = 0,
    ) -> None:
        self.name = name
        self.min_version = min_version
        self.max_version = max_version

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version >= 3:
            name, position = encoding.read_string(data, position)
        min_version: int = 0
        max_version: int = 0
        if version >= 3:
            min_version, max_version = _STRUCT_hh.unpack_from(data, position)
            position += 4
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, min_version, max_version), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 3:
            encoding.write_string(out, self.name)
        if version >= 3:
            out += _STRUCT_hh.pack(self.min_version, self.max_version)
        if version >= 3:
            out.append(0)


class ApiVersionsResponseFinalizedFeature(Structure):
    """Part of ApiVersions."""

    __slots__ = ("name", "max_version_level", "min_version_level")

    def __init__(
        self,
        name: str = "",
        max_version_level: int = 0,
        min_version_level: int = 0,
    ) -> None:
        self.name = name
        self.max_version_level = max_version_level
        self.min_version_level = min_version_level

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version >= 3:
            name, position = encoding.read_string(data, position)
        max_version_level: int = 0
        min_version_level: int = 0
        if version >= 3:
            max_version_level, min_version_level = _STRUCT_hh.unpack_from(data, position)
            position += 4
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, max_version_level, min_version_level), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 3:
            encoding.write_string(out, self.name)
        if version >= 3:
            out += _STRUCT_hh.pack(self.max_version_level, self.min_version_level)
        if version >= 3:
            out.append(0)


class ApiVersionsResponse(Message):
    """ApiVersionsResponse, versions 0 to 4."""

    __slots__ = ("error_code", "api_keys", "throttle_time_ms", "supported_features", "finalized_features_epoch", "finalized_features", "zk_migration_ready")

    API_KEY: ClassVar[int] = 18
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        error_code: int = 0,
        api_keys: Sequence[ApiVersionsResponseApiVersion] = (),
        throttle_time_ms: int = 0,
        supported_features: Sequence[ApiVersionsResponseSupportedFeature] = (),
        finalized_features_epoch: int = -1,
        finalized_features: Sequence[ApiVersionsResponseFinalizedFeature] = (),
        zk_migration_ready: bool = False,
    ) -> None:
        self.error_code = error_code
        self.api_keys = api_keys
        self.throttle_time_ms = throttle_time_ms
        self.supported_features = supported_features
        self.finalized_features_epoch = finalized_features_epoch
        self.finalized_features = finalized_features
        self.zk_migration_ready = zk_migration_ready

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        api_keys: Sequence[ApiVersionsResponseApiVersion]
        element_count, position = encoding.read_count(data, position, 6)
        api_keys_elements: list[ApiVersionsResponseApiVersion] = []
        for _ in range(element_count):
            api_keys_element, position = ApiVersionsResponseApiVersion.read(data, position, version)
            api_keys_elements.append(api_keys_element)
        api_keys = api_keys_elements
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        supported_features: Sequence[ApiVersionsResponseSupportedFeature] = ()
        finalized_features_epoch: int = -1
        finalized_features: Sequence[ApiVersionsResponseFinalizedFeature] = ()
        zk_migration_ready: bool = False
        if version >= 3:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0:
                    element_count, position = encoding.read_count(data, position, 6)
                    supported_features_elements: list[ApiVersionsResponseSupportedFeature] = []
                    for _ in range(element_count):
                        supported_features_element, position = ApiVersionsResponseSupportedFeature.read(data, position, version)
                        supported_features_elements.append(supported_features_element)
                    supported_features = supported_features_elements
                if tag == 1:
                    finalized_features_epoch, = _STRUCT_q.unpack_from(data, position)
                if tag == 2:
                    element_count, position = encoding.read_count(data, position, 6)
                    finalized_features_elements: list[ApiVersionsResponseFinalizedFeature] = []
                    for _ in range(element_count):
                        finalized_features_element, position = ApiVersionsResponseFinalizedFeature.read(data, position, version)
                        finalized_features_elements.append(finalized_features_element)
                    finalized_features = finalized_features_elements
                if tag == 3:
                    zk_migration_ready, = _STRUCT_o.unpack_from(data, position)
                position = tag_end
        return cls(error_code, api_keys, throttle_time_ms, supported_features, finalized_features_epoch, finalized_features, zk_migration_ready), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_count(out, self.api_keys)
        for api_keys_element in self.api_keys:
            api_keys_element.write(out, version)
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 3:
            tags: list[tuple[int, Buffer]] = []
            if self.supported_features:
                tag_value = bytearray()
                encoding.write_count(tag_value, self.supported_features)
                for supported_features_element in self.supported_features:
                    supported_features_element.write(tag_value, version)
                tags.append((0, tag_value))
            if self.finalized_features_epoch != -1:
                tag_value = bytearray()
                tag_value += _STRUCT_q.pack(self.finalized_features_epoch)
                tags.append((1, tag_value))
            if self.finalized_features:
                tag_value = bytearray()
                encoding.write_count(tag_value, self.finalized_features)
                for finalized_features_element in self.finalized_features:
                    finalized_features_element.write(tag_value, version)
                tags.append((2, tag_value))
            if self.zk_migration_ready != False:
                tag_value = bytearray()
                tag_value += _STRUCT_o.pack(self.zk_migration_ready)
                tags.append((3, tag_value))
            write_tags(out, tags)
