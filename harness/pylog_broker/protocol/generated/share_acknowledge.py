"""Generated from schema/share_acknowledge.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_o = Struct(">?")
_STRUCT_b = Struct(">b")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")
_STRUCT_ii = Struct(">ii")
_STRUCT_qq = Struct(">qq")


class ShareAcknowledgeRequestBatch(Structure):
    """Part of ShareAcknowledge."""

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


class ShareAcknowledgeRequestPartition(Structure):
    """Part of ShareAcknowledge."""

    __slots__ = ("partition_index", "acknowledgement_batches")

    def __init__(
        self,
        partition_index: int = 0,
        acknowledgement_batches: Sequence[ShareAcknowledgeRequestBatch] = (),
    ) -> None:
        self.partition_index = partition_index
        self.acknowledgement_batches = acknowledgement_batches

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        acknowledgement_batches: Sequence[ShareAcknowledgeRequestBatch]
        element_count, position = encoding.read_count(data, position, 18)
        acknowledgement_batches_elements: list[ShareAcknowledgeRequestBatch] = []
        for _ in range(element_count):
            acknowledgement_batches_element, position = ShareAcknowledgeRequestBatch.read(data, position, version)
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


class ShareAcknowledgeRequestTopic(Structure):
    """Part of ShareAcknowledge."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[ShareAcknowledgeRequestPartition] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[ShareAcknowledgeRequestPartition]
        element_count, position = encoding.read_count(data, position, 6)
        partitions_elements: list[ShareAcknowledgeRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = ShareAcknowledgeRequestPartition.read(data, position, version)
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


class ShareAcknowledgeRequest(Message):
    """ShareAcknowledgeRequest, versions 1 to 2."""

    __slots__ = ("group_id", "member_id", "share_session_epoch", "is_renew_ack", "topics")

    API_KEY: ClassVar[int] = 79
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        group_id: str | None = None,
        member_id: str | None = "",
        share_session_epoch: int = 0,
        is_renew_ack: bool = False,
        topics: Sequence[ShareAcknowledgeRequestTopic] = (),
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.share_session_epoch = share_session_epoch
        self.is_renew_ack = is_renew_ack
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        group_id: str | None
        group_id, position = encoding.read_nullable_string(data, position)
        member_id: str | None
        member_id, position = encoding.read_nullable_string(data, position)
        share_session_epoch, = _STRUCT_i.unpack_from(data, position)
        position += 4
        is_renew_ack: bool = False
        if version >= 2:
            is_renew_ack, = _STRUCT_o.unpack_from(data, position)
            position += 1
        topics: Sequence[ShareAcknowledgeRequestTopic]
        element_count, position = encoding.read_count(data, position, 18)
        topics_elements: list[ShareAcknowledgeRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = ShareAcknowledgeRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(group_id, member_id, share_session_epoch, is_renew_ack, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.group_id)
        encoding.write_string(out, self.member_id)
        out += _STRUCT_i.pack(self.share_session_epoch)
        if version >= 2:
            out += _STRUCT_o.pack(self.is_renew_ack)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class ShareAcknowledgeResponseLeader(Structure):
    """Part of ShareAcknowledge."""

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


class ShareAcknowledgeResponsePartition(Structure):
    """Part of ShareAcknowledge."""

    __slots__ = ("partition_index", "error_code", "error_message", "current_leader")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        current_leader: ShareAcknowledgeResponseLeader | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.current_leader = current_leader

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        current_leader: ShareAcknowledgeResponseLeader | None
        current_leader, position = ShareAcknowledgeResponseLeader.read(data, position, version)
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message, current_leader), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        encoding.write_string(out, self.error_message)
        self.current_leader.write(out, version)
        out.append(0)


class ShareAcknowledgeResponseTopic(Structure):
    """Part of ShareAcknowledge."""

    __slots__ = ("topic_id", "partitions")

    def __init__(
        self,
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[ShareAcknowledgeResponsePartition] = (),
    ) -> None:
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_id: UUID
        topic_id, position = read_uuid(data, position)
        partitions: Sequence[ShareAcknowledgeResponsePartition]
        element_count, position = encoding.read_count(data, position, 17)
        partitions_elements: list[ShareAcknowledgeResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = ShareAcknowledgeResponsePartition.read(data, position, version)
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


class ShareAcknowledgeResponseNodeEndpoint(Structure):
    """Part of ShareAcknowledge."""

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


class ShareAcknowledgeResponse(Message):
    """ShareAcknowledgeResponse, versions 1 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "acquisition_lock_timeout_ms", "responses", "node_endpoints")

    API_KEY: ClassVar[int] = 79
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 1

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        acquisition_lock_timeout_ms: int = 0,
        responses: Sequence[ShareAcknowledgeResponseTopic] = (),
        node_endpoints: Sequence[ShareAcknowledgeResponseNodeEndpoint] = (),
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
        acquisition_lock_timeout_ms: int = 0
        if version >= 2:
            acquisition_lock_timeout_ms, = _STRUCT_i.unpack_from(data, position)
            position += 4
        responses: Sequence[ShareAcknowledgeResponseTopic]
        element_count, position = encoding.read_count(data, position, 18)
        responses_elements: list[ShareAcknowledgeResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = ShareAcknowledgeResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        node_endpoints: Sequence[ShareAcknowledgeResponseNodeEndpoint]
        element_count, position = encoding.read_count(data, position, 11)
        node_endpoints_elements: list[ShareAcknowledgeResponseNodeEndpoint] = []
        for _ in range(element_count):
            node_endpoints_element, position = ShareAcknowledgeResponseNodeEndpoint.read(data, position, version)
            node_endpoints_elements.append(node_endpoints_element)
        node_endpoints = node_endpoints_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, acquisition_lock_timeout_ms, responses, node_endpoints), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 2:
            out += _STRUCT_i.pack(self.acquisition_lock_timeout_ms)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        encoding.write_count(out, self.node_endpoints)
        for node_endpoints_element in self.node_endpoints:
            node_endpoints_element.write(out, version)
        out.append(0)
