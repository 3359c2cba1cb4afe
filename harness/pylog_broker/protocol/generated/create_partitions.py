"""Generated from schema/create_partitions.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_io = Struct(">i?")


class CreatePartitionsRequestAssignment(Structure):
    """Part of CreatePartitions."""

    __slots__ = ("broker_ids",)

    def __init__(
        self,
        broker_ids: Sequence[int] = (),
    ) -> None:
        self.broker_ids = broker_ids

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        broker_ids: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        broker_ids = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        if version >= 2:
            position = skip_tags(data, position)
        return cls(broker_ids), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.broker_ids)
        for broker_ids_element in self.broker_ids:
            out += _STRUCT_i.pack(broker_ids_element)
        if version >= 2:
            out.append(0)


class CreatePartitionsRequestTopic(Structure):
    """Part of CreatePartitions."""

    __slots__ = ("name", "count", "assignments")

    def __init__(
        self,
        name: str = "",
        count: int = 0,
        assignments: Sequence[CreatePartitionsRequestAssignment] | None = (),
    ) -> None:
        self.name = name
        self.count = count
        self.assignments = assignments

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        count, = _STRUCT_i.unpack_from(data, position)
        position += 4
        assignments: Sequence[CreatePartitionsRequestAssignment] | None
        element_count, position = encoding.read_nullable_count(data, position, 2)
        assignments = None
        if element_count >= 0:
            assignments_elements: list[CreatePartitionsRequestAssignment] = []
            for _ in range(element_count):
                assignments_element, position = CreatePartitionsRequestAssignment.read(data, position, version)
                assignments_elements.append(assignments_element)
            assignments = assignments_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, count, assignments), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        out += _STRUCT_i.pack(self.count)
        encoding.write_count(out, self.assignments)
        for assignments_element in self.assignments or ():
            assignments_element.write(out, version)
        if version >= 2:
            out.append(0)


class CreatePartitionsRequest(Message):
    """CreatePartitionsRequest, versions 0 to 3."""

    __slots__ = ("topics", "timeout_ms", "validate_only")

    API_KEY: ClassVar[int] = 37
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        topics: Sequence[CreatePartitionsRequestTopic] = (),
        timeout_ms: int = 0,
        validate_only: bool = False,
    ) -> None:
        self.topics = topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topics: Sequence[CreatePartitionsRequestTopic]
        element_count, position = encoding.read_count(data, position, 7)
        topics_elements: list[CreatePartitionsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = CreatePartitionsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        timeout_ms, validate_only = _STRUCT_io.unpack_from(data, position)
        position += 5
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topics, timeout_ms, validate_only), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_io.pack(self.timeout_ms, self.validate_only)
        if version >= 2:
            out.append(0)


class CreatePartitionsResponseTopic(Structure):
    """Part of CreatePartitions."""

    __slots__ = ("name", "error_code", "error_message")

    def __init__(
        self,
        name: str = "",
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.name = name
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        if version >= 2:
            position = skip_tags(data, position)
        return cls(name, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.name)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 2:
            out.append(0)


class CreatePartitionsResponse(Message):
    """CreatePartitionsResponse, versions 0 to 3."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 37
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[CreatePartitionsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[CreatePartitionsResponseTopic]
        element_count, position = encoding.read_count(data, position, 5)
        results_elements: list[CreatePartitionsResponseTopic] = []
        for _ in range(element_count):
            results_element, position = CreatePartitionsResponseTopic.read(data, position, version)
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
