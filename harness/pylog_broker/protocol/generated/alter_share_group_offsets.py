"""Generated from schema/alter_share_group_offsets.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_ih = Struct(">ih")
_STRUCT_iq = Struct(">iq")


class AlterShareGroupOffsetsRequestPartition(Structure):
    """Part of AlterShareGroupOffsets."""

    __slots__ = ("partition_index", "start_offset")

    def __init__(
        self,
        partition_index: int = 0,
        start_offset: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.start_offset = start_offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, start_offset = _STRUCT_iq.unpack_from(data, position)
        position += 12
        position = skip_tags(data, position)
        return cls(partition_index, start_offset), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_iq.pack(self.partition_index, self.start_offset)
        out.append(0)


class AlterShareGroupOffsetsRequestTopic(Structure):
    """Part of AlterShareGroupOffsets."""

    __slots__ = ("topic_name", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        partitions: Sequence[AlterShareGroupOffsetsRequestPartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[AlterShareGroupOffsetsRequestPartition]
        element_count, position = encoding.read_count(data, position, 13)
        partitions_elements: list[AlterShareGroupOffsetsRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = AlterShareGroupOffsetsRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(topic_name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class AlterShareGroupOffsetsRequest(Message):
    """AlterShareGroupOffsetsRequest, versions 0 to 0."""

    __slots__ = ("group_id", "topics")

    API_KEY: ClassVar[int] = 91
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        group_id: str = "",
        topics: Sequence[AlterShareGroupOffsetsRequestTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str
        group_id, position = encoding.read_string(data, position)
        topics: Sequence[AlterShareGroupOffsetsRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[AlterShareGroupOffsetsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = AlterShareGroupOffsetsRequestTopic.read(data, position, version)
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


class AlterShareGroupOffsetsResponsePartition(Structure):
    """Part of AlterShareGroupOffsets."""

    __slots__ = ("partition_index", "error_code", "error_message")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class AlterShareGroupOffsetsResponseTopic(Structure):
    """Part of AlterShareGroupOffsets."""

    __slots__ = ("topic_name", "topic_id", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[AlterShareGroupOffsetsResponsePartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[AlterShareGroupOffsetsResponsePartition]
        element_count, position = encoding.read_count(data, position, 8)
        partitions_elements: list[AlterShareGroupOffsetsResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = AlterShareGroupOffsetsResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(topic_name, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic_name)
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class AlterShareGroupOffsetsResponse(Message):
    """AlterShareGroupOffsetsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "responses")

    API_KEY: ClassVar[int] = 91
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        responses: Sequence[AlterShareGroupOffsetsResponseTopic] = (),
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
        responses: Sequence[AlterShareGroupOffsetsResponseTopic]
        element_count, position = encoding.read_count(data, position, 19)
        responses_elements: list[AlterShareGroupOffsetsResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = AlterShareGroupOffsetsResponseTopic.read(data, position, version)
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
