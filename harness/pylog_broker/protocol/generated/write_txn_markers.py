"""Generated from schema/write_txn_markers.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")
_STRUCT_q = Struct(">q")
_STRUCT_qho = Struct(">qh?")


class WriteTxnMarkersRequestTopic(Structure):
    """Part of WriteTxnMarkers."""

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


class WriteTxnMarkersRequestMarker(Structure):
    """Part of WriteTxnMarkers."""

    __slots__ = ("producer_id", "producer_epoch", "transaction_result", "topics", "coordinator_epoch", "transaction_version")

    def __init__(
        self,
        producer_id: int = 0,
        producer_epoch: int = 0,
        transaction_result: bool = False,
        topics: Sequence[WriteTxnMarkersRequestTopic] = (),
        coordinator_epoch: int = 0,
        transaction_version: int = 0,
    ) -> None:
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.transaction_result = transaction_result
        self.topics = topics
        self.coordinator_epoch = coordinator_epoch
        self.transaction_version = transaction_version

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        producer_id, producer_epoch, transaction_result = _STRUCT_qho.unpack_from(data, position)
        position += 11
        topics: Sequence[WriteTxnMarkersRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[WriteTxnMarkersRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = WriteTxnMarkersRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        coordinator_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        transaction_version: int = 0
        if version >= 2:
            transaction_version, = _STRUCT_b.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(producer_id, producer_epoch, transaction_result, topics, coordinator_epoch, transaction_version), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_qho.pack(self.producer_id, self.producer_epoch, self.transaction_result)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out += _STRUCT_i.pack(self.coordinator_epoch)
        if version >= 2:
            out += _STRUCT_b.pack(self.transaction_version)
        out.append(0)


class WriteTxnMarkersRequest(Message):
    """WriteTxnMarkersRequest, versions 1 to 2."""

    __slots__ = ("markers",)

    API_KEY: ClassVar[int] = 27
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        markers: Sequence[WriteTxnMarkersRequestMarker] = (),
    ) -> None:
        self.markers = markers

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        markers: Sequence[WriteTxnMarkersRequestMarker]
        element_count, position = encoding.read_count(data, position, 17)
        markers_elements: list[WriteTxnMarkersRequestMarker] = []
        for _ in range(element_count):
            markers_element, position = WriteTxnMarkersRequestMarker.read(data, position, version)
            markers_elements.append(markers_element)
        markers = markers_elements
        position = skip_tags(data, position)
        return cls(markers), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.markers)
        for markers_element in self.markers:
            markers_element.write(out, version)
        out.append(0)


class WriteTxnMarkersResponsePartition(Structure):
    """Part of WriteTxnMarkers."""

    __slots__ = ("partition_index", "error_code")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        position = skip_tags(data, position)
        return cls(partition_index, error_code), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        out.append(0)


class WriteTxnMarkersResponseTopic(Structure):
    """Part of WriteTxnMarkers."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[WriteTxnMarkersResponsePartition] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        partitions: Sequence[WriteTxnMarkersResponsePartition]
        element_count, position = encoding.read_count(data, position, 7)
        partitions_elements: list[WriteTxnMarkersResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = WriteTxnMarkersResponsePartition.read(data, position, version)
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


class WriteTxnMarkersResponseMarker(Structure):
    """Part of WriteTxnMarkers."""

    __slots__ = ("producer_id", "topics")

    def __init__(
        self,
        producer_id: int = 0,
        topics: Sequence[WriteTxnMarkersResponseTopic] = (),
    ) -> None:
        self.producer_id = producer_id
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        producer_id, = _STRUCT_q.unpack_from(data, position)
        position += 8
        topics: Sequence[WriteTxnMarkersResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[WriteTxnMarkersResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = WriteTxnMarkersResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(producer_id, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_q.pack(self.producer_id)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class WriteTxnMarkersResponse(Message):
    """WriteTxnMarkersResponse, versions 1 to 2."""

    __slots__ = ("markers",)

    API_KEY: ClassVar[int] = 27
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        markers: Sequence[WriteTxnMarkersResponseMarker] = (),
    ) -> None:
        self.markers = markers

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        markers: Sequence[WriteTxnMarkersResponseMarker]
        element_count, position = encoding.read_count(data, position, 10)
        markers_elements: list[WriteTxnMarkersResponseMarker] = []
        for _ in range(element_count):
            markers_element, position = WriteTxnMarkersResponseMarker.read(data, position, version)
            markers_elements.append(markers_element)
        markers = markers_elements
        position = skip_tags(data, position)
        return cls(markers), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.markers)
        for markers_element in self.markers:
            markers_element.write(out, version)
        out.append(0)
