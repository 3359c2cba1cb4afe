"""Generated from schema/delete_share_group_offsets.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ih = Struct(">ih")


class DeleteShareGroupOffsetsRequestTopic(Structure):
    """Part of DeleteShareGroupOffsets."""

    __slots__ = ("topic_name",)

    def __init__(
        self,
        topic_name: str = "",
    ) -> None:
        self.topic_name = topic_name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        position = skip_tags(data, position)
        return cls(topic_name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out.append(0)


class DeleteShareGroupOffsetsRequest(Message):
    """DeleteShareGroupOffsetsRequest, versions 0 to 0."""

    __slots__ = ("group_id", "topics")

    API_KEY: ClassVar[int] = 92
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[DeleteShareGroupOffsetsRequestTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        topics: Sequence[DeleteShareGroupOffsetsRequestTopic]
        element_count, position = encoding.read_count(data, position, 2)
        topics_elements: list[DeleteShareGroupOffsetsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = DeleteShareGroupOffsetsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(group_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class DeleteShareGroupOffsetsResponseTopic(Structure):
    """Part of DeleteShareGroupOffsets."""

    __slots__ = ("topic_name", "topic_id", "error_code", "error_message")

    def __init__(
        self,
        topic_name: str = "",
        topic_id: UUID = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(topic_name, topic_id, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out += self.topic_id.bytes
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class DeleteShareGroupOffsetsResponse(Message):
    """DeleteShareGroupOffsetsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "responses")

    API_KEY: ClassVar[int] = 92
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        responses: Sequence[DeleteShareGroupOffsetsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.responses = responses

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        responses: Sequence[DeleteShareGroupOffsetsResponseTopic]
        element_count, position = encoding.read_count(data, position, 21)
        responses_elements: list[DeleteShareGroupOffsetsResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = DeleteShareGroupOffsetsResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, responses), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        out.append(0)
