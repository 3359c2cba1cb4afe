"""Generated from schema/find_coordinator.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")


class FindCoordinatorRequest(Message):
    """FindCoordinatorRequest, versions 0 to 6."""

    __slots__ = ("key", "key_type", "coordinator_keys")

    API_KEY: ClassVar[int] = 10
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        key: str = "",
        key_type: int = 0,
        coordinator_keys: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.key_type = key_type
        self.coordinator_keys = coordinator_keys

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        key: str = ""
        if version <= 3:
            key, position = encoding.read_string(data, position)
        key_type: int = 0
        if version >= 1:
            key_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        coordinator_keys: Sequence[str] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 1)
            coordinator_keys_elements: list[str] = []
            for _ in range(element_count):
                coordinator_keys_element, position = encoding.read_string(data, position)
                coordinator_keys_elements.append(coordinator_keys_element)
            coordinator_keys = coordinator_keys_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(key, key_type, coordinator_keys), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version <= 3:
            encoding.write_string(out, self.key)
        if version >= 1:
            out += _STRUCT_b.pack(self.key_type)
        if version >= 4:
            encoding.write_count(out, self.coordinator_keys)
            for coordinator_keys_element in self.coordinator_keys:
                encoding.write_string(out, coordinator_keys_element)
        if version >= 3:
            out.append(0)


class FindCoordinatorResponseCoordinator(Structure):
    """Part of FindCoordinator."""

    __slots__ = ("key", "node_id", "host", "port", "error_code", "error_message")

    def __init__(
        self,
        key: str = "",
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.key = key
        self.node_id = node_id
        self.host = host
        self.port = port
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        key: str = ""
        if version >= 4:
            key, position = encoding.read_string(data, position)
        node_id: int = 0
        if version >= 4:
            node_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        host: str = ""
        if version >= 4:
            host, position = encoding.read_string(data, position)
        port: int = 0
        error_code: int = 0
        if version >= 4:
            port, error_code = _STRUCT_ih.unpack_from(data, position)
            position += 6
        error_message: str | None = ""
        if version >= 4:
            error_message, position = encoding.read_nullable_string(data, position)
        if version >= 3:
            position = skip_tags(data, position)
        return cls(key, node_id, host, port, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_string(out, self.key)
        if version >= 4:
            out += _STRUCT_i.pack(self.node_id)
        if version >= 4:
            encoding.write_string(out, self.host)
        if version >= 4:
            out += _STRUCT_ih.pack(self.port, self.error_code)
        if version >= 4:
            encoding.write_string(out, self.error_message)
        if version >= 3:
            out.append(0)


class FindCoordinatorResponse(Message):
    """FindCoordinatorResponse, versions 0 to 6."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "node_id", "host", "port", "coordinators")

    API_KEY: ClassVar[int] = 10
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        coordinators: Sequence[FindCoordinatorResponseCoordinator] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.node_id = node_id
        self.host = host
        self.port = port
        self.coordinators = coordinators

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code: int = 0
        if version <= 3:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        error_message: str | None = ""
        if 1 <= version <= 3:
            error_message, position = encoding.read_nullable_string(data, position)
        node_id: int = 0
        if version <= 3:
            node_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        host: str = ""
        if version <= 3:
            host, position = encoding.read_string(data, position)
        port: int = 0
        if version <= 3:
            port, = _STRUCT_i.unpack_from(data, position)
            position += 4
        coordinators: Sequence[FindCoordinatorResponseCoordinator] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 14)
            coordinators_elements: list[FindCoordinatorResponseCoordinator] = []
            for _ in range(element_count):
                coordinators_element, position = FindCoordinatorResponseCoordinator.read(data, position, version)
                coordinators_elements.append(coordinators_element)
            coordinators = coordinators_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, node_id, host, port, coordinators), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        if version <= 3:
            out += _STRUCT_h.pack(self.error_code)
        if 1 <= version <= 3:
            encoding.write_string(out, self.error_message)
        if version <= 3:
            out += _STRUCT_i.pack(self.node_id)
        if version <= 3:
            encoding.write_string(out, self.host)
        if version <= 3:
            out += _STRUCT_i.pack(self.port)
        if version >= 4:
            encoding.write_count(out, self.coordinators)
            for coordinators_element in self.coordinators:
                coordinators_element.write(out, version)
        if version >= 3:
            out.append(0)
