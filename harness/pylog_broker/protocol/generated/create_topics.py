"""Generated from schema/create_topics.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_obo = Struct(">?b?")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_io = Struct(">i?")
_STRUCT_ih = Struct(">ih")


class CreateTopicsRequestAssignment(Structure):
    """Part of CreateTopics."""

    __slots__ = ("partition_index", "broker_ids")

    def __init__(
        self,
        partition_index: int = 0,
        broker_ids: Sequence[int] = (),
    ) -> None:
        self.partition_index = partition_index
        self.broker_ids = broker_ids

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        broker_ids: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        broker_ids = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        if version >= 5:
            position = skip_tags(data, position)
        return cls(partition_index, broker_ids), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        out += _STRUCT_i.pack(self.partition_index)
        encoding.write_count(out, self.broker_ids)
        for broker_ids_element in self.broker_ids:
            out += _STRUCT_i.pack(broker_ids_element)
        if version >= 5:
            out.append(0)


class CreateTopicsRequestConfig(Structure):
    """Part of CreateTopics."""

    __slots__ = ("name", "value")

    def __init__(
        self,
        name: str = "",
        value: str | None = "",
    ) -> None:
        self.name = name
        self.value = value

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        value: str | None
        value, position = encoding.read_nullable_string(data, position)
        if version >= 5:
            position = skip_tags(data, position)
        return cls(name, value), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_string(out, self.name)
        encoding.write_string(out, self.value)
        if version >= 5:
            out.append(0)


class CreateTopicsRequestTopic(Structure):
    """Part of CreateTopics."""

    __slots__ = ("name", "num_partitions", "replication_factor", "assignments", "configs")

    def __init__(
        self,
        name: str = "",
        num_partitions: int = 0,
        replication_factor: int = 0,
        assignments: Sequence[CreateTopicsRequestAssignment] = (),
        configs: Sequence[CreateTopicsRequestConfig] = (),
    ) -> None:
        self.name = name
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.assignments = assignments
        self.configs = configs

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        num_partitions, replication_factor = _STRUCT_ih.unpack_from(data, position)
        position += 6
        assignments: Sequence[CreateTopicsRequestAssignment]
        element_count, position = encoding.read_count(data, position, 6)
        assignments_elements: list[CreateTopicsRequestAssignment] = []
        for _ in range(element_count):
            assignments_element, position = CreateTopicsRequestAssignment.read(data, position, version)
            assignments_elements.append(assignments_element)
        assignments = assignments_elements
        configs: Sequence[CreateTopicsRequestConfig]
        element_count, position = encoding.read_count(data, position, 3)
        configs_elements: list[CreateTopicsRequestConfig] = []
        for _ in range(element_count):
            configs_element, position = CreateTopicsRequestConfig.read(data, position, version)
            configs_elements.append(configs_element)
        configs = configs_elements
        if version >= 5:
            position = skip_tags(data, position)
        return cls(name, num_partitions, replication_factor, assignments, configs), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_string(out, self.name)
        out += _STRUCT_ih.pack(self.num_partitions, self.replication_factor)
        encoding.write_count(out, self.assignments)
        for assignments_element in self.assignments:
            assignments_element.write(out, version)
        encoding.write_count(out, self.configs)
        for configs_element in self.configs:
            configs_element.write(out, version)
        if version >= 5:
            out.append(0)


class CreateTopicsRequest(Message):
    """CreateTopicsRequest, versions 2 to 7."""

    __slots__ = ("topics", "timeout_ms", "validate_only")

    API_KEY: ClassVar[int] = 19
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 7
    FLEXIBLE_FROM: ClassVar[int] = 5

    def __init__(
        self,
        topics: Sequence[CreateTopicsRequestTopic] = (),
        timeout_ms: int = 60000,
        validate_only: bool = False,
    ) -> None:
        self.topics = topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        topics: Sequence[CreateTopicsRequestTopic]
        element_count, position = encoding.read_count(data, position, 10)
        topics_elements: list[CreateTopicsRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = CreateTopicsRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        timeout_ms, validate_only = _STRUCT_io.unpack_from(data, position)
        position += 5
        if version >= 5:
            position = skip_tags(data, position)
        return cls(topics, timeout_ms, validate_only), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_io.pack(self.timeout_ms, self.validate_only)
        if version >= 5:
            out.append(0)


class CreateTopicsResponseConfig(Structure):
    """Part of CreateTopics."""

    __slots__ = ("name", "value", "read_only", "config_source", "is_sensitive")

    def __init__(
        self,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        name: str = ""
        if version >= 5:
            name, position = encoding.read_string(data, position)
        value: str | None = ""
        if version >= 5:
            value, position = encoding.read_nullable_string(data, position)
        read_only: bool = False
        config_source: int = -1
        is_sensitive: bool = False
        if version >= 5:
            read_only, config_source, is_sensitive = _STRUCT_obo.unpack_from(data, position)
            position += 3
        if version >= 5:
            position = skip_tags(data, position)
        return cls(name, value, read_only, config_source, is_sensitive), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        if version >= 5:
            encoding.write_string(out, self.name)
        if version >= 5:
            encoding.write_string(out, self.value)
        if version >= 5:
            out += _STRUCT_obo.pack(self.read_only, self.config_source, self.is_sensitive)
        if version >= 5:
            out.append(0)


class CreateTopicsResponseTopic(Structure):
    """Part of CreateTopics."""

    __slots__ = ("name", "topic_id", "error_code", "error_message", "topic_config_error_code", "num_partitions", "replication_factor", "configs")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = "",
        topic_config_error_code: int = 0,
        num_partitions: int = -1,
        replication_factor: int = -1,
        configs: Sequence[CreateTopicsResponseConfig] | None = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message
        self.topic_config_error_code = topic_config_error_code
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.configs = configs

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        name: str
        name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 7:
            topic_id, position = read_uuid(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        num_partitions: int = -1
        replication_factor: int = -1
        if version >= 5:
            num_partitions, replication_factor = _STRUCT_ih.unpack_from(data, position)
            position += 6
        configs: Sequence[CreateTopicsResponseConfig] | None = ()
        if version >= 5:
            element_count, position = encoding.read_nullable_count(data, position, 6)
            configs = None
            if element_count >= 0:
                configs_elements: list[CreateTopicsResponseConfig] = []
                for _ in range(element_count):
                    configs_element, position = CreateTopicsResponseConfig.read(data, position, version)
                    configs_elements.append(configs_element)
                configs = configs_elements
        topic_config_error_code: int = 0
        if version >= 5:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0:
                    topic_config_error_code, = _STRUCT_h.unpack_from(data, position)
                position = tag_end
        return cls(name, topic_id, error_code, error_message, topic_config_error_code, num_partitions, replication_factor, configs), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        encoding.write_string(out, self.name)
        if version >= 7:
            out += self.topic_id.bytes
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 5:
            out += _STRUCT_ih.pack(self.num_partitions, self.replication_factor)
        if version >= 5:
            encoding.write_count(out, self.configs)
            for configs_element in self.configs or ():
                configs_element.write(out, version)
        if version >= 5:
            tags: list[tuple[int, Buffer]] = []
            if self.topic_config_error_code != 0:
                tag_value = bytearray()
                tag_value += _STRUCT_h.pack(self.topic_config_error_code)
                tags.append((0, tag_value))
            write_tags(out, tags)


class CreateTopicsResponse(Message):
    """CreateTopicsResponse, versions 2 to 7."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 19
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 7
    FLEXIBLE_FROM: ClassVar[int] = 5

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[CreateTopicsResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 5 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[CreateTopicsResponseTopic]
        element_count, position = encoding.read_count(data, position, 6)
        topics_elements: list[CreateTopicsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = CreateTopicsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        if version >= 5:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 5 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 5:
            out.append(0)
