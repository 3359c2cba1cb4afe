"""Generated from schema/produce.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_hi = Struct(">hi")
_STRUCT_i = Struct(">i")
_STRUCT_ihqq = Struct(">ihqq")
_STRUCT_ii = Struct(">ii")
_STRUCT_q = Struct(">q")


class ProduceRequestPartition(Structure):
    """Part of Produce."""

    __slots__ = ("index", "records")

    def __init__(
        self,
        index: int = 0,
        records: bytes | None = None,
    ) -> None:
        self.index = index
        self.records = records

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        records: bytes | None
        records, position = encoding.read_nullable_bytes(data, position)
        if version >= 9:
            position = skip_tags(data, position)
        return cls(index, records), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        out += _STRUCT_i.pack(self.index)
        encoding.write_bytes(out, self.records)
        if version >= 9:
            out.append(0)


class ProduceRequestTopic(Structure):
    """Part of Produce."""

    __slots__ = ("name", "topic_id", "partition_data")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partition_data: Sequence[ProduceRequestPartition] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_data = partition_data

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        name: str = ""
        if version <= 12:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 13:
            topic_id, position = read_uuid(data, position)
        partition_data: Sequence[ProduceRequestPartition]
        element_count, position = encoding.read_count(data, position, 6)
        partition_data_elements: list[ProduceRequestPartition] = []
        for _ in range(element_count):
            partition_data_element, position = ProduceRequestPartition.read(data, position, version)
            partition_data_elements.append(partition_data_element)
        partition_data = partition_data_elements
        if version >= 9:
            position = skip_tags(data, position)
        return cls(name, topic_id, partition_data), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version <= 12:
            encoding.write_string(out, self.name)
        if version >= 13:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partition_data)
        for partition_data_element in self.partition_data:
            partition_data_element.write(out, version)
        if version >= 9:
            out.append(0)


class ProduceRequest(Message):
    """ProduceRequest, versions 3 to 13."""

    __slots__ = ("transactional_id", "acks", "timeout_ms", "topic_data")

    API_KEY: ClassVar[int] = 0
    MIN_VERSION: ClassVar[int] = 3
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    def __init__(
        self,
        transactional_id: str | None = None,
        acks: int = 0,
        timeout_ms: int = 0,
        topic_data: Sequence[ProduceRequestTopic] = (),
    ) -> None:
        self.transactional_id = transactional_id
        self.acks = acks
        self.timeout_ms = timeout_ms
        self.topic_data = topic_data

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        transactional_id: str | None
        transactional_id, position = encoding.read_nullable_string(data, position)
        acks, timeout_ms = _STRUCT_hi.unpack_from(data, position)
        position += 6
        topic_data: Sequence[ProduceRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topic_data_elements: list[ProduceRequestTopic] = []
        for _ in range(element_count):
            topic_data_element, position = ProduceRequestTopic.read(data, position, version)
            topic_data_elements.append(topic_data_element)
        topic_data = topic_data_elements
        if version >= 9:
            position = skip_tags(data, position)
        return cls(transactional_id, acks, timeout_ms, topic_data), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        encoding.write_string(out, self.transactional_id)
        out += _STRUCT_hi.pack(self.acks, self.timeout_ms)
        encoding.write_count(out, self.topic_data)
        for topic_data_element in self.topic_data:
            topic_data_element.write(out, version)
        if version >= 9:
            out.append(0)


class ProduceResponseRecordError(Structure):
    """Part of Produce."""

    __slots__ = ("batch_index", "batch_index_error_message")

    def __init__(
        self,
        batch_index: int = 0,
        batch_index_error_message: str | None = None,
    ) -> None:
        self.batch_index = batch_index
        self.batch_index_error_message = batch_index_error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        batch_index: int = 0
        if version >= 8:
            batch_index, = _STRUCT_i.unpack_from(data, position)
            position += 4
        batch_index_error_message: str | None = None
        if version >= 8:
            batch_index_error_message, position = encoding.read_nullable_string(data, position)
        if version >= 9:
            position = skip_tags(data, position)
        return cls(batch_index, batch_index_error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version >= 8:
            out += _STRUCT_i.pack(self.batch_index)
        if version >= 8:
            encoding.write_string(out, self.batch_index_error_message)
        if version >= 9:
            out.append(0)


class ProduceResponseLeaderIdAndEpoch(Structure):
    """Part of Produce."""

    __slots__ = ("leader_id", "leader_epoch")

    def __init__(
        self,
        leader_id: int = -1,
        leader_epoch: int = -1,
    ) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        leader_id: int = -1
        leader_epoch: int = -1
        if version >= 10:
            leader_id, leader_epoch = _STRUCT_ii.unpack_from(data, position)
            position += 8
        if version >= 9:
            position = skip_tags(data, position)
        return cls(leader_id, leader_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 10:
            out += _STRUCT_ii.pack(self.leader_id, self.leader_epoch)
        if version >= 9:
            out.append(0)


class ProduceResponsePartition(Structure):
    """Part of Produce."""

    __slots__ = ("index", "error_code", "base_offset", "log_append_time_ms", "log_start_offset", "record_errors", "error_message", "current_leader")

    def __init__(
        self,
        index: int = 0,
        error_code: int = 0,
        base_offset: int = 0,
        log_append_time_ms: int = -1,
        log_start_offset: int = -1,
        record_errors: Sequence[ProduceResponseRecordError] = (),
        error_message: str | None = None,
        current_leader: ProduceResponseLeaderIdAndEpoch | None = None,
    ) -> None:
        self.index = index
        self.error_code = error_code
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.log_start_offset = log_start_offset
        self.record_errors = record_errors
        self.error_message = error_message
        self.current_leader = current_leader

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        index, error_code, base_offset, log_append_time_ms = _STRUCT_ihqq.unpack_from(data, position)
        position += 22
        log_start_offset: int = -1
        if version >= 5:
            log_start_offset, = _STRUCT_q.unpack_from(data, position)
            position += 8
        record_errors: Sequence[ProduceResponseRecordError] = ()
        if version >= 8:
            element_count, position = encoding.read_count(data, position, 6)
            record_errors_elements: list[ProduceResponseRecordError] = []
            for _ in range(element_count):
                record_errors_element, position = ProduceResponseRecordError.read(data, position, version)
                record_errors_elements.append(record_errors_element)
            record_errors = record_errors_elements
        error_message: str | None = None
        if version >= 8:
            error_message, position = encoding.read_nullable_string(data, position)
        current_leader: ProduceResponseLeaderIdAndEpoch | None = None
        if version >= 9:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0 and version >= 10:
                    current_leader, position = ProduceResponseLeaderIdAndEpoch.read(data, position, version)
                position = tag_end
        return cls(index, error_code, base_offset, log_append_time_ms, log_start_offset, record_errors, error_message, current_leader), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        out += _STRUCT_ihqq.pack(self.index, self.error_code, self.base_offset, self.log_append_time_ms)
        if version >= 5:
            out += _STRUCT_q.pack(self.log_start_offset)
        if version >= 8:
            encoding.write_count(out, self.record_errors)
            for record_errors_element in self.record_errors:
                record_errors_element.write(out, version)
        if version >= 8:
            encoding.write_string(out, self.error_message)
        if version >= 9:
            tags: list[tuple[int, Buffer]] = []
            if version >= 10 and self.current_leader is not None:
                tag_value = bytearray()
                self.current_leader.write(tag_value, version)
                tags.append((0, tag_value))
            write_tags(out, tags)


class ProduceResponseTopic(Structure):
    """Part of Produce."""

    __slots__ = ("name", "topic_id", "partition_responses")

    def __init__(
        self,
        name: str = "",
        topic_id: UUID = ZERO_UUID,
        partition_responses: Sequence[ProduceResponsePartition] = (),
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_responses = partition_responses

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        name: str = ""
        if version <= 12:
            name, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 13:
            topic_id, position = read_uuid(data, position)
        partition_responses: Sequence[ProduceResponsePartition]
        element_count, position = encoding.read_count(data, position, 22)
        partition_responses_elements: list[ProduceResponsePartition] = []
        for _ in range(element_count):
            partition_responses_element, position = ProduceResponsePartition.read(data, position, version)
            partition_responses_elements.append(partition_responses_element)
        partition_responses = partition_responses_elements
        if version >= 9:
            position = skip_tags(data, position)
        return cls(name, topic_id, partition_responses), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version <= 12:
            encoding.write_string(out, self.name)
        if version >= 13:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partition_responses)
        for partition_responses_element in self.partition_responses:
            partition_responses_element.write(out, version)
        if version >= 9:
            out.append(0)


class ProduceResponseNodeEndpoint(Structure):
    """Part of Produce."""

    __slots__ = ("node_id", "host", "port", "rack")

    def __init__(
        self,
        node_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
    ) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        node_id: int = 0
        if version >= 10:
            node_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        host: str = ""
        if version >= 10:
            host, position = encoding.read_string(data, position)
        port: int = 0
        if version >= 10:
            port, = _STRUCT_i.unpack_from(data, position)
            position += 4
        rack: str | None = None
        if version >= 10:
            rack, position = encoding.read_nullable_string(data, position)
        if version >= 9:
            position = skip_tags(data, position)
        return cls(node_id, host, port, rack), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        if version >= 10:
            out += _STRUCT_i.pack(self.node_id)
        if version >= 10:
            encoding.write_string(out, self.host)
        if version >= 10:
            out += _STRUCT_i.pack(self.port)
        if version >= 10:
            encoding.write_string(out, self.rack)
        if version >= 9:
            out.append(0)


class ProduceResponse(Message):
    """ProduceResponse, versions 3 to 13."""

    __slots__ = ("responses", "throttle_time_ms", "node_endpoints")

    API_KEY: ClassVar[int] = 0
    MIN_VERSION: ClassVar[int] = 3
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    def __init__(
        self,
        responses: Sequence[ProduceResponseTopic] = (),
        throttle_time_ms: int = 0,
        node_endpoints: Sequence[ProduceResponseNodeEndpoint] = (),
    ) -> None:
        self.responses = responses
        self.throttle_time_ms = throttle_time_ms
        self.node_endpoints = node_endpoints

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 9 else CLASSIC
        responses: Sequence[ProduceResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        responses_elements: list[ProduceResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = ProduceResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        node_endpoints: Sequence[ProduceResponseNodeEndpoint] = ()
        if version >= 9:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0 and version >= 10:
                    element_count, position = encoding.read_count(data, position, 11)
                    node_endpoints_elements: list[ProduceResponseNodeEndpoint] = []
                    for _ in range(element_count):
                        node_endpoints_element, position = ProduceResponseNodeEndpoint.read(data, position, version)
                        node_endpoints_elements.append(node_endpoints_element)
                    node_endpoints = node_endpoints_elements
                position = tag_end
        return cls(responses, throttle_time_ms, node_endpoints), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 9 else CLASSIC
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 9:
            tags: list[tuple[int, Buffer]] = []
            if version >= 10 and self.node_endpoints:
                tag_value = bytearray()
                encoding.write_count(tag_value, self.node_endpoints)
                for node_endpoints_element in self.node_endpoints:
                    node_endpoints_element.write(tag_value, version)
                tags.append((0, tag_value))
            write_tags(out, tags)
