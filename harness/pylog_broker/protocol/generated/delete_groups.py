"""Generated from schema/delete_groups.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class DeleteGroupsRequest(Message):
    """DeleteGroupsRequest, versions 0 to 2."""

    __slots__ = ("groups_names",)

    API_KEY: ClassVar[int] = 42
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        groups_names: Sequence[str] = (),
    ) -> None:
        self.groups_names = groups_names

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        groups_names: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        groups_names_elements: list[str] = []
        for _ in range(element_count):
            groups_names_element, position = encoding.read_string(data, position)
            groups_names_elements.append(groups_names_element)
        groups_names = groups_names_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(groups_names), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.groups_names)
        for groups_names_element in self.groups_names:
            encoding.write_string(out, groups_names_element)
        if version >= 2:
            out.append(0)


class DeleteGroupsResponseGroup(Structure):
    """Part of DeleteGroups."""

    __slots__ = ("group_id", "error_code")

    def __init__(
        self,
        group_id: str = "",
        error_code: int = 0,
    ) -> None:
        self.group_id = group_id
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        if version >= 2:
            position = skip_tags(data, position)
        return cls(group_id, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.group_id)
        out += _STRUCT_h.pack(self.error_code)
        if version >= 2:
            out.append(0)


class DeleteGroupsResponse(Message):
    """DeleteGroupsResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 42
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[DeleteGroupsResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[DeleteGroupsResponseGroup]
        element_count, position = encoding.read_count(data, position, 4)
        results_elements: list[DeleteGroupsResponseGroup] = []
        for _ in range(element_count):
            results_element, position = DeleteGroupsResponseGroup.read(data, position, version)
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
