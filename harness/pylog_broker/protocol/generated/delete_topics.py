"""Generated from schema/delete_topics.txt by protocol/generate.py: change the table, not this file."""

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


class DeleteTopicsRequestTopic(Structure):
    """Part of DeleteTopics."""

    __slots__ = ("name", "topic_id")

    def __init__(
        self,
        name: str | None = None,
        topic_id: UUID = ZERO_UUID,
    ) -> None:
        self.name = name
        self.topic_id = topic_id

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        name: str | None = None
        if version >= 6:
            name, position = encoding.read_nullable_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 6:
            topic_id, position = read_uuid(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(name, topic_id), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 6:
            encoding.write_string(out, self.name)
        if version >= 6:
            out += self.topic_id.bytes
        if version >= 4:
            out.append(0)


class DeleteTopicsRequest(Message):
    """DeleteTopicsRequest, versions 1 to 6."""

    __slots__ = ("topics", "topic_names", "timeout_ms")

    API_KEY: ClassVar[int] = 20
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        topics: Sequence[DeleteTopicsRequestTopic] = (),
        topic_names: Sequence[str] = (),
        timeout_ms: int = 0,
    ) -> None:
        self.topics = topics
        self.topic_names = topic_names
        self.timeout_ms = timeout_ms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        topics: Sequence[DeleteTopicsRequestTopic] = ()
        if version >= 6:
            element_count, position = encoding.read_count(data, position, 18)
            topics_elements: list[DeleteTopicsRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = DeleteTopicsRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        topic_names: Sequence[str] = ()
        if version <= 5:
            element_count, position = encoding.read_count(data, position, 1)
            topic_names_elements: list[str] = []
            for _ in range(element_count):
                topic_names_element, position = encoding.read_string(data, position)
                topic_names_elements.append(topic_names_element)
            topic_names = topic_names_elements
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        if version >= 4:
            position = skip_tags(data, position)
        return cls(topics, topic_names, timeout_ms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        if version >= 6:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics:
                topics_element.write(out, version)
        if version <= 5:
            encoding.write_count(out, self.topic_names)
            for topic_names_element in self.topic_names:
                encoding.write_string(out, topic_names_element)
        out += _STRUCT_i.pack(self.timeout_ms)
        if version >= 4:
            out.append(0)


class DeleteTopicsResponseTopic(Structure):
    """Part of DeleteTopics."""

    __slots__ = ("name", "topic_id", "error_code", "error_message")

    def __init__(
        self,
        name: str | None = "",
        topic_id: UUID = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        name: str | None
        if version >= 6:
            name, position = encoding.read_nullable_string(data, position)
        else:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 6:
            topic_id, position = read_uuid(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None = None
        if version >= 5:
            error_message, position = encoding.read_nullable_string(data, position)
        if version >= 4:
            position = skip_tags(data, position)
        return cls(name, topic_id, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        encoding.write_string(out, self.name)
        if version >= 6:
            out += self.topic_id.bytes
        out += _STRUCT_h.pack(self.error_code)
        if version >= 5:
            encoding.write_string(out, self.error_message)
        if version >= 4:
            out.append(0)


class DeleteTopicsResponse(Message):
    """DeleteTopicsResponse, versions 1 to 6."""

    __slots__ = ("throttle_time_ms", "responses")

    API_KEY: ClassVar[int] = 20
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 4

    def __init__(
        self,
        throttle_time_ms: int = 0,
        responses: Sequence[DeleteTopicsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses = responses

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 4 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        responses: Sequence[DeleteTopicsResponseTopic]
        element_count, position = encoding.read_count(data, position, 4)
        responses_elements: list[DeleteTopicsResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = DeleteTopicsResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        if version >= 4:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, responses), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 4 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        if version >= 4:
            out.append(0)
