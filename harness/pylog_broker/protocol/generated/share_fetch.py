"""Generated from schema/share_fetch.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_bo = Struct(">b?")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")
_STRUCT_ii = Struct(">ii")
_STRUCT_iiiiii = Struct(">iiiiii")
_STRUCT_qq = Struct(">qq")
_STRUCT_qqh = Struct(">qqh")


class ShareFetchRequestBatch(Structure):
    """Part of ShareFetch."""

    __slots__ = ("first_offset", "last_offset", "acknowledge_types")

    def __init__(
        self,
        first_offset: int = 0,
        last_offset: int = 0,
        acknowledge_types: Sequence[int] = (),
    ) -> None:
        self.first_offset = first_offset
        self.last_offset = last_offset
        self.acknowledge_types = acknowledge_types

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        first_offset, last_offset = _STRUCT_qq.unpack_from(data, position)
        position += 16
        acknowledge_types: Sequence[int]
        element_count, position = encoding.read_count(data, position, 1)
        acknowledge_types = list(unpack_from(f">{element_count}b", data, position))
        position += 1 * element_count
        position = skip_tags(data, position)
        return cls(first_offset, last_offset, acknowledge_types), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_qq.pack(self.first_offset, self.last_offset)
        encoding.write_count(out, self.acknowledge_types)
        for acknowledge_types_element in self.acknowledge_types:
            out += _STRUCT_b.pack(acknowledge_types_element)
        out.append(0)


class ShareFetchRequestPartition(Structure):
    """Part of ShareFetch."""

    __slots__ = ("partition_index", "acknowledgement_batches")

    def __init__(
        self,
        partition_index: int = 0,
        acknowledgement_batches: Sequence[ShareFetchRequestBatch] = (),
    ) -> None:
        self.partition_index = partition_index
        self.acknowledgement_batches = acknowledgement_batches

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        acknowledgement_batches: Sequence[ShareFetchRequestBatch]
        element_count, position = encoding.read_count(data, position, 18)
        acknowledgement_batches_elements: list[ShareFetchRequestBatch] = []
        for _ in range(element_count):
            acknowledgement_batches_element, position = ShareFetchRequestBatch.read(data, position, version)
            acknowledgement_batches_elements.append(acknowledgement_batches_element)
        acknowledgement_batches = acknowledgement_batches_elements
        position = skip_tags(data, position)
        return cls(partition_index, acknowledgement_batches), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.partition_index)
        encoding.write_count(out, self.acknowledgement_batches)
        for acknowledgement_batches_element in self.acknowledgement_batches:
            acknowledgement_batches_element.write(out, version)
        out.append(0)


class ShareFetchRequestTopic(Structure):
    """Part of ShareFetch."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[ShareFetchRequestPartition] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[ShareFetchRequestPartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[ShareFetchRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = ShareFetchRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class ShareFetchRequestForgottenTopic(Structure):
    """Part of ShareFetch."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        out.append(0)


class ShareFetchRequest(Message):
    """ShareFetchRequest, versions 1 to 2."""

    __slots__ = ("group_id", "member_id", "share_session_epoch", "max_wait_ms", "min_bytes", "max_bytes", "max_records", "batch_size", "share_acquire_mode", "is_renew_ack", "topics", "forgotten_topics_data")

    API_KEY: ClassVar[int] = 78
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        group_id: str | None = None,
        member_id: str | None = "",
        share_session_epoch: int = 0,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 2147483647,
        max_records: int = 0,
        batch_size: int = 0,
        share_acquire_mode: int = 0,
        is_renew_ack: bool = False,
        topics: Sequence[ShareFetchRequestTopic] = (),
        forgotten_topics_data: Sequence[ShareFetchRequestForgottenTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.share_session_epoch = share_session_epoch
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.max_records = max_records
        self.batch_size = batch_size
        self.share_acquire_mode = share_acquire_mode
        self.is_renew_ack = is_renew_ack
        self.topics = topics
        self.forgotten_topics_data = forgotten_topics_data

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str | None
        group_id, position = encoding.read_nullable_string(data, position)
        member_id: str | None
        member_id, position = encoding.read_nullable_string(data, position)
        share_session_epoch, max_wait_ms, min_bytes, max_bytes, max_records, batch_size = _STRUCT_iiiiii.unpack_from(data, position)
        position += 24
        share_acquire_mode: int = 0
        is_renew_ack: bool = False
        if version >= 2:
            share_acquire_mode, is_renew_ack = _STRUCT_bo.unpack_from(data, position)
            position += 2
        topics: Sequence[ShareFetchRequestTopic]
        element_count, position = encoding.read_count(data, position, 18)
        topics_elements: list[ShareFetchRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = ShareFetchRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        forgotten_topics_data: Sequence[ShareFetchRequestForgottenTopic]
        element_count, position = encoding.read_count(data, position, 18)
        forgotten_topics_data_elements: list[ShareFetchRequestForgottenTopic] = []
        for _ in range(element_count):
            forgotten_topics_data_element, position = ShareFetchRequestForgottenTopic.read(data, position, version)
            forgotten_topics_data_elements.append(forgotten_topics_data_element)
        forgotten_topics_data = forgotten_topics_data_elements
        position = skip_tags(data, position)
        return cls(group_id, member_id, share_session_epoch, max_wait_ms, min_bytes, max_bytes, max_records, batch_size, share_acquire_mode, is_renew_ack, topics, forgotten_topics_data), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.member_id)
        out += _STRUCT_iiiiii.pack(self.share_session_epoch, self.max_wait_ms, self.min_bytes, self.max_bytes, self.max_records, self.batch_size)
        if version >= 2:
            out += _STRUCT_bo.pack(self.share_acquire_mode, self.is_renew_ack)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        encoding.write_count(out, self.forgotten_topics_data)
        for forgotten_topics_data_element in self.forgotten_topics_data:
            forgotten_topics_data_element.write(out, version)
        out.append(0)


class ShareFetchResponseLeader(Structure):
    """Part of ShareFetch."""

    __slots__ = ("leader_id", "leader_epoch")

    def __init__(
        self,
        leader_id: int = 0,
        leader_epoch: int = 0,
    ) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        leader_id, leader_epoch = _STRUCT_ii.unpack_from(data, position)
        position += 8
        position = skip_tags(data, position)
        return cls(leader_id, leader_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_ii.pack(self.leader_id, self.leader_epoch)
        out.append(0)


class ShareFetchResponseAcquired(Structure):
    """Part of ShareFetch."""

    __slots__ = ("first_offset", "last_offset", "delivery_count")

    def __init__(
        self,
        first_offset: int = 0,
        last_offset: int = 0,
        delivery_count: int = 0,
    ) -> None:
        self.first_offset = first_offset
        self.last_offset = last_offset
        self.delivery_count = delivery_count

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        first_offset, last_offset, delivery_count = _STRUCT_qqh.unpack_from(data, position)
        position += 18
        position = skip_tags(data, position)
        return cls(first_offset, last_offset, delivery_count), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_qqh.pack(self.first_offset, self.last_offset, self.delivery_count)
        out.append(0)


class ShareFetchResponsePartition(Structure):
    """Part of ShareFetch."""

    __slots__ = ("partition_index", "error_code", "error_message", "acknowledge_error_code", "acknowledge_error_message", "current_leader", "records", "acquired_records")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acknowledge_error_code: int = 0,
        acknowledge_error_message: str | None = None,
        current_leader: ShareFetchResponseLeader | None = None,
        records: bytes = b"",
        acquired_records: Sequence[ShareFetchResponseAcquired] = (),
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.acknowledge_error_code = acknowledge_error_code
        self.acknowledge_error_message = acknowledge_error_message
        self.current_leader = current_leader
        self.records = records
        self.acquired_records = acquired_records

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        acknowledge_error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        acknowledge_error_message: str | None
        acknowledge_error_message, position = encoding.read_nullable_string(data, position)
        current_leader: ShareFetchResponseLeader | None
        current_leader, position = ShareFetchResponseLeader.read(data, position, version)
        records: bytes
        records, position = encoding.read_bytes(data, position)
        acquired_records: Sequence[ShareFetchResponseAcquired]
        element_count, position = encoding.read_count(data, position, 19)
        acquired_records_elements: list[ShareFetchResponseAcquired] = []
        for _ in range(element_count):
            acquired_records_element, position = ShareFetchResponseAcquired.read(data, position, version)
            acquired_records_elements.append(acquired_records_element)
        acquired_records = acquired_records_elements
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message, acknowledge_error_code, acknowledge_error_message, current_leader, records, acquired_records), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        encoding.write_string(out, self.error_message)
        out += _STRUCT_h.pack(self.acknowledge_error_code)
        encoding.write_string(out, self.acknowledge_error_message)
        self.current_leader.write(out, version)
        encoding.write_bytes(out, self.records)
        encoding.write_count(out, self.acquired_records)
        for acquired_records_element in self.acquired_records:
            acquired_records_element.write(out, version)
        out.append(0)


class ShareFetchResponseTopic(Structure):
    """Part of ShareFetch."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[ShareFetchResponsePartition] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[ShareFetchResponsePartition]
        element_count, position = encoding.read_count(data, position, 22)
        partitions_elements: list[ShareFetchResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = ShareFetchResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        position = skip_tags(data, position)
        return cls(topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        out.append(0)


class ShareFetchResponseNodeEndpoint(Structure):
    """Part of ShareFetch."""

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
        encoding = COMPACT
        node_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        host: str
        host, position = encoding.read_string(data, position)
        port, = _STRUCT_i.unpack_from(data, position)
        position += 4
        rack: str | None
        rack, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(node_id, host, port, rack), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.node_id)
        encoding.write_string(out, self.host)
        out += _STRUCT_i.pack(self.port)
        encoding.write_string(out, self.rack)
        out.append(0)


class ShareFetchResponse(Message):
    """ShareFetchResponse, versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "acquisition_lock_timeout_ms", "responses", "node_endpoints")

    API_KEY: ClassVar[int] = 78
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acquisition_lock_timeout_ms: int = 0,
        responses: Sequence[ShareFetchResponseTopic] = (),
        node_endpoints: Sequence[ShareFetchResponseNodeEndpoint] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.acquisition_lock_timeout_ms = acquisition_lock_timeout_ms
        self.responses = responses
        self.node_endpoints = node_endpoints

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        acquisition_lock_timeout_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        responses: Sequence[ShareFetchResponseTopic]
        element_count, position = encoding.read_count(data, position, 18)
        responses_elements: list[ShareFetchResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = ShareFetchResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        node_endpoints: Sequence[ShareFetchResponseNodeEndpoint]
        element_count, position = encoding.read_count(data, position, 11)
        node_endpoints_elements: list[ShareFetchResponseNodeEndpoint] = []
        for _ in range(element_count):
            node_endpoints_element, position = ShareFetchResponseNodeEndpoint.read(data, position, version)
            node_endpoints_elements.append(node_endpoints_element)
        node_endpoints = node_endpoints_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, acquisition_lock_timeout_ms, responses, node_endpoints), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        out += _STRUCT_i.pack(self.acquisition_lock_timeout_ms)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        encoding.write_count(out, self.node_endpoints)
        for node_endpoints_element in self.node_endpoints:
            node_endpoints_element.write(out, version)
        out.append(0)
