"""Generated from schema/elect_leaders.txt by protocol/generate.py: change the table, not this file."""

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


class ElectLeadersRequestTopic(Structure):
    """Part of ElectLeaders."""

    __slots__ = ("topic", "partitions")

    def __init__(
        self,
        topic: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic = topic
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topic: str
        topic, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topic, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        if version >= 2:
            out.append(0)


class ElectLeadersRequest(Message):
    """ElectLeadersRequest, versions 0 to 2."""

    __slots__ = ("election_type", "topic_partitions", "timeout_ms")

    API_KEY: ClassVar[int] = 43
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        election_type: int = 0,
        topic_partitions: Sequence[ElectLeadersRequestTopic] | None = (),
        timeout_ms: int = 60000,
    ) -> None:
        self.election_type = election_type
        self.topic_partitions = topic_partitions
        self.timeout_ms = timeout_ms

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        election_type: int = 0
        if version >= 1:
            election_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        topic_partitions: Sequence[ElectLeadersRequestTopic] | None
        element_count, position = encoding.read_nullable_count(data, position, 3)
        topic_partitions = None
        if element_count >= 0:
            topic_partitions_elements: list[ElectLeadersRequestTopic] = []
            for _ in range(element_count):
                topic_partitions_element, position = ElectLeadersRequestTopic.read(data, position, version)
                topic_partitions_elements.append(topic_partitions_element)
            topic_partitions = topic_partitions_elements
        timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        if version >= 2:
            position = skip_tags(data, position)
        return cls(election_type, topic_partitions, timeout_ms), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        if version >= 1:
            out += _STRUCT_b.pack(self.election_type)
        encoding.write_count(out, self.topic_partitions)
        for topic_partitions_element in self.topic_partitions or ():
            topic_partitions_element.write(out, version)
        out += _STRUCT_i.pack(self.timeout_ms)
        if version >= 2:
            out.append(0)


class ElectLeadersResponsePartition(Structure):
    """Part of ElectLeaders."""

    __slots__ = ("partition_id", "error_code", "error_message")

    def __init__(
        self,
        partition_id: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
    ) -> None:
        self.partition_id = partition_id
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        partition_id, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        if version >= 2:
            position = skip_tags(data, position)
        return cls(partition_id, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_ih.pack(self.partition_id, self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 2:
            out.append(0)


class ElectLeadersResponseTopic(Structure):
    """Part of ElectLeaders."""

    __slots__ = ("topic", "partition_result")

    def __init__(
        self,
        topic: str = "",
        partition_result: Sequence[ElectLeadersResponsePartition] = (),
    ) -> None:
        self.topic = topic
        self.partition_result = partition_result

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        topic: str
        topic, position = encoding.read_string(data, position)
        partition_result: Sequence[ElectLeadersResponsePartition]
        element_count, position = encoding.read_count(data, position, 8)
        partition_result_elements: list[ElectLeadersResponsePartition] = []
        for _ in range(element_count):
            partition_result_element, position = ElectLeadersResponsePartition.read(data, position, version)
            partition_result_elements.append(partition_result_element)
        partition_result = partition_result_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(topic, partition_result), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partition_result)
        for partition_result_element in self.partition_result:
            partition_result_element.write(out, version)
        if version >= 2:
            out.append(0)


class ElectLeadersResponse(Message):
    """ElectLeadersResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "replica_election_results")

    API_KEY: ClassVar[int] = 43
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        replica_election_results: Sequence[ElectLeadersResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.replica_election_results = replica_election_results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 2 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        error_code: int = 0
        if version >= 1:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        replica_election_results: Sequence[ElectLeadersResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        replica_election_results_elements: list[ElectLeadersResponseTopic] = []
        for _ in range(element_count):
            replica_election_results_element, position = ElectLeadersResponseTopic.read(data, position, version)
            replica_election_results_elements.append(replica_election_results_element)
        replica_election_results = replica_election_results_elements
        if version >= 2:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, replica_election_results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 2 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 1:
            out += _STRUCT_h.pack(self.error_code)
        encoding.write_count(out, self.replica_election_results)
        for replica_election_results_element in self.replica_election_results:
            replica_election_results_element.write(out, version)
        if version >= 2:
            out.append(0)
