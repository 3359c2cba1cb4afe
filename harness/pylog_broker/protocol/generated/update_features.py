"""Generated from schema/update_features.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ih = Struct(">ih")


class UpdateFeaturesRequestUpdate(Structure):
    """Part of UpdateFeatures."""

    __slots__ = ("feature", "max_version_level", "allow_downgrade", "upgrade_type")

    def __init__(
        self,
        feature: str = "",
        max_version_level: int = 0,
        allow_downgrade: bool = False,
        upgrade_type: int = 1,
    ) -> None:
        self.feature = feature
        self.max_version_level = max_version_level
        self.allow_downgrade = allow_downgrade
        self.upgrade_type = upgrade_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        feature: str
        feature, position = encoding.read_string(data, position)
        max_version_level, = _STRUCT_h.unpack_from(data, position)
        position += 2
        allow_downgrade: bool = False
        if version <= 0:
            allow_downgrade, = _STRUCT_o.unpack_from(data, position)
            position += 1
        upgrade_type: int = 1
        if version >= 1:
            upgrade_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(feature, max_version_level, allow_downgrade, upgrade_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.feature)
        out += _STRUCT_h.pack(self.max_version_level)
        if version <= 0:
            out += _STRUCT_o.pack(self.allow_downgrade)
        if version >= 1:
            out += _STRUCT_b.pack(self.upgrade_type)
        out.append(0)


class UpdateFeaturesRequest(Message):
    """UpdateFeaturesRequest, versions 0 to 2."""

    __slots__ = ("timeout_ms", "feature_updates", "validate_only")

    API_KEY: ClassVar[int] = 57
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        timeout_ms: int = 60000,
        feature_updates: Sequence[UpdateFeaturesRequestUpdate] = (),
        validate_only: bool = False,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.feature_updates = feature_updates
        self.validate_only = validate_only

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        feature_updates: Sequence[UpdateFeaturesRequestUpdate]
        element_count, position = encoding.read_count(data, position, 5)
        feature_updates_elements: list[UpdateFeaturesRequestUpdate] = []
        for _ in range(element_count):
            feature_updates_element, position = UpdateFeaturesRequestUpdate.read(data, position, version)
            feature_updates_elements.append(feature_updates_element)
        feature_updates = feature_updates_elements
        validate_only: bool = False
        if version >= 1:
            validate_only, = _STRUCT_o.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(timeout_ms, feature_updates, validate_only), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.timeout_ms)
        encoding.write_count(out, self.feature_updates)
        for feature_updates_element in self.feature_updates:
            feature_updates_element.write(out, version)
        if version >= 1:
            out += _STRUCT_o.pack(self.validate_only)
        out.append(0)


class UpdateFeaturesResponseResult(Structure):
    """Part of UpdateFeatures."""

    __slots__ = ("feature", "error_code", "error_message")

    def __init__(
        self,
        feature: str = "",
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.feature = feature
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        feature: str = ""
        if version <= 1:
            feature, position = encoding.read_string(data, position)
        error_code: int = 0
        if version <= 1:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        error_message: str | None = ""
        if version <= 1:
            error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(feature, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        if version <= 1:
            encoding.write_string(out, self.feature)
        if version <= 1:
            out += _STRUCT_h.pack(self.error_code)
        if version <= 1:
            encoding.write_string(out, self.error_message)
        out.append(0)


class UpdateFeaturesResponse(Message):
    """UpdateFeaturesResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "results")

    API_KEY: ClassVar[int] = 57
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        results: Sequence[UpdateFeaturesResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        results: Sequence[UpdateFeaturesResponseResult] = ()
        if version <= 1:
            element_count, position = encoding.read_count(data, position, 5)
            results_elements: list[UpdateFeaturesResponseResult] = []
            for _ in range(element_count):
                results_element, position = UpdateFeaturesResponseResult.read(data, position, version)
                results_elements.append(results_element)
            results = results_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        if version <= 1:
            encoding.write_count(out, self.results)
            for results_element in self.results:
                results_element.write(out, version)
        out.append(0)
