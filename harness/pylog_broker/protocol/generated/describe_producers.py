"""Generated from schema/describe_producers.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")
_STRUCT_qiiqiq = Struct(">qiiqiq")


class DescribeProducersRequestTopic(Structure):
    """Part of DescribeProducers."""

    __slots__ = ("name", "partition_indexes")

    def __init__(
        self,
        name: str = "",
        partition_indexes: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.partition_indexes = partition_indexes

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partition_indexes: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partition_indexes = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(name, partition_indexes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partition_indexes)
        for partition_indexes_element in self.partition_indexes:
            out += _STRUCT_i.pack(partition_indexes_element)
        out.append(0)


class DescribeProducersRequest(Message):
    """DescribeProducersRequest, versions 0 to 0."""

    __slots__ = ("topics",)

    API_KEY: ClassVar[int] = 61
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        topics: Sequence[DescribeProducersRequestTopic] = (),
    ) -> None:
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topics: Sequence[DescribeProducersRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeProducersRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeProducersRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class DescribeProducersResponseProducer(Structure):
    """Part of DescribeProducers."""

    __slots__ = ("producer_id", "producer_epoch", "last_sequence", "last_timestamp", "coordinator_epoch", "current_txn_start_offset")

    def __init__(
        self,
        producer_id: int = 0,
        producer_epoch: int = 0,
        last_sequence: int = -1,
        last_timestamp: int = -1,
        coordinator_epoch: int = 0,
        current_txn_start_offset: int = -1,
    ) -> None:
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.last_sequence = last_sequence
        self.last_timestamp = last_timestamp
        self.coordinator_epoch = coordinator_epoch
        self.current_txn_start_offset = current_txn_start_offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        producer_id, producer_epoch, last_sequence, last_timestamp, coordinator_epoch, current_txn_start_offset = _STRUCT_qiiqiq.unpack_from(data, position)
        position += 36
        position = skip_tags(data, position)
        return cls(producer_id, producer_epoch, last_sequence, last_timestamp, coordinator_epoch, current_txn_start_offset), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_qiiqiq.pack(self.producer_id, self.producer_epoch, self.last_sequence, self.last_timestamp, self.coordinator_epoch, self.current_txn_start_offset)
        out.append(0)


class DescribeProducersResponsePartition(Structure):
    """Part of DescribeProducers."""

    __slots__ = ("partition_index", "error_code", "error_message", "active_producers")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        active_producers: Sequence[DescribeProducersResponseProducer] = (),
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.active_producers = active_producers

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        active_producers: Sequence[DescribeProducersResponseProducer]
        element_count, position = encoding.read_count(data, position, 37)
        active_producers_elements: list[DescribeProducersResponseProducer] = []
        for _ in range(element_count):
            active_producers_element, position = DescribeProducersResponseProducer.read(data, position, version)
            active_producers_elements.append(active_producers_element)
        active_producers = active_producers_elements
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message, active_producers), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.active_producers)
        for active_producers_element in self.active_producers:
            active_producers_element.write(out, version)
        out.append(0)


class DescribeProducersResponseTopic(Structure):
    """Part of DescribeProducers."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[DescribeProducersResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[DescribeProducersResponsePartition]
        element_count, position = encoding.read_count(data, position, 9)
        partitions_elements: list[DescribeProducersResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeProducersResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class DescribeProducersResponse(Message):
    """DescribeProducersResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "topics")

    API_KEY: ClassVar[int] = 61
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        topics: Sequence[DescribeProducersResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        topics: Sequence[DescribeProducersResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeProducersResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeProducersResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)
