"""Generated from schema/list_groups.txt by protocol/generate.py: change the table, not this file."""

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


class ListGroupsRequest(Message):
    """ListGroupsRequest, versions 0 to 5."""

    __slots__ = ("states_filter", "types_filter")

    API_KEY: ClassVar[int] = 16
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        states_filter: Sequence[str] = (),
        types_filter: Sequence[str] = (),
    ) -> None:
        self.states_filter = states_filter
        self.types_filter = types_filter

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        states_filter: Sequence[str] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 1)
            states_filter_elements: list[str] = []
            for _ in range(element_count):
                states_filter_element, position = encoding.read_string(data, position)
                states_filter_elements.append(states_filter_element)
            states_filter = states_filter_elements
        types_filter: Sequence[str] = ()
        if version >= 5:
            element_count, position = encoding.read_count(data, position, 1)
            types_filter_elements: list[str] = []
            for _ in range(element_count):
                types_filter_element, position = encoding.read_string(data, position)
                types_filter_elements.append(types_filter_element)
            types_filter = types_filter_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(states_filter, types_filter), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_count(out, self.states_filter)
            for states_filter_element in self.states_filter:
                encoding.write_string(out, states_filter_element)
        if version >= 5:
            encoding.write_count(out, self.types_filter)
            for types_filter_element in self.types_filter:
                encoding.write_string(out, types_filter_element)
        if version >= 3:
            out.append(0)


class ListGroupsResponseGroup(Structure):
    """Part of ListGroups."""

    __slots__ = ("group_id", "protocol_type", "group_state", "group_type")

    def __init__(
        self,
        group_id: str = "",
        protocol_type: str = "",
        group_state: str = "",
        group_type: str = "",
    ) -> None:
        self.group_id = group_id
        self.protocol_type = protocol_type
        self.group_state = group_state
        self.group_type = group_type

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        group_id: str
        group_id, position = encoding.read_string(data, position)
        protocol_type: str
        protocol_type, position = encoding.read_string(data, position)
        group_state: str = ""
        if version >= 4:
            group_state, position = encoding.read_string(data, position)
        group_type: str = ""
        if version >= 5:
            group_type, position = encoding.read_string(data, position)
        if version >= 3:
            position = skip_tags(data, position)
        return cls(group_id, protocol_type, group_state, group_type), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.protocol_type)
        if version >= 4:
            encoding.write_string(out, self.group_state)
        if version >= 5:
            encoding.write_string(out, self.group_type)
        if version >= 3:
            out.append(0)


class ListGroupsResponse(Message):
    """ListGroupsResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "groups")

    API_KEY: ClassVar[int] = 16
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        groups: Sequence[ListGroupsResponseGroup] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.groups = groups

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        throttle_time_ms: int = 0
        if version >= 1:
            throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        groups: Sequence[ListGroupsResponseGroup]
        element_count, position = encoding.read_count(data, position, 3)
        groups_elements: list[ListGroupsResponseGroup] = []
        for _ in range(element_count):
            groups_element, position = ListGroupsResponseGroup.read(data, position, version)
            groups_elements.append(groups_element)
        groups = groups_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, groups), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 1:
            out += _STRUCT_i.pack(self.throttle_time_ms)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_count(out, self.groups)
        for groups_element in self.groups:
            groups_element.write(out, version)
        if version >= 3:
            out.append(0)
