"""Generated from schema/describe_quorum.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_H = Struct(">H")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")
_STRUCT_iiq = Struct(">iiq")
_STRUCT_q = Struct(">q")
_STRUCT_qq = Struct(">qq")


class DescribeQuorumRequestPartition(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("partition_index",)

    def __init__(
        self,
        partition_index: int = 0,
    ) -> None:
        self.partition_index = partition_index

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(partition_index), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.partition_index)
        out.append(0)


class DescribeQuorumRequestTopic(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("topic_name", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        partitions: Sequence[DescribeQuorumRequestPartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[DescribeQuorumRequestPartition]
        element_count, position = encoding.read_count(data, position, 5)
        partitions_elements: list[DescribeQuorumRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeQuorumRequestPartition.read(data, position, version)
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


class DescribeQuorumRequest(Message):
    """DescribeQuorumRequest, versions 0 to 2."""

    __slots__ = ("topics",)

    API_KEY: ClassVar[int] = 55
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        topics: Sequence[DescribeQuorumRequestTopic] = (),
    ) -> None:
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topics: Sequence[DescribeQuorumRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeQuorumRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeQuorumRequestTopic.read(data, position, version)
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


class DescribeQuorumResponseVoter(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("replica_id", "replica_directory_id", "log_end_offset", "last_fetch_timestamp", "last_caught_up_timestamp")

    def __init__(
        self,
        replica_id: int = 0,
        replica_directory_id: UUID = ZERO_UUID,
        log_end_offset: int = 0,
        last_fetch_timestamp: int = -1,
        last_caught_up_timestamp: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_directory_id = replica_directory_id
        self.log_end_offset = log_end_offset
        self.last_fetch_timestamp = last_fetch_timestamp
        self.last_caught_up_timestamp = last_caught_up_timestamp

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        replica_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        replica_directory_id: UUID = ZERO_UUID
        if version >= 2:
            replica_directory_id, position = read_uuid(data, position)
        log_end_offset, = _STRUCT_q.unpack_from(data, position)
        position += 8
        last_fetch_timestamp: int = -1
        last_caught_up_timestamp: int = -1
        if version >= 1:
            last_fetch_timestamp, last_caught_up_timestamp = _STRUCT_qq.unpack_from(data, position)
            position += 16
        position = skip_tags(data, position)
        return cls(replica_id, replica_directory_id, log_end_offset, last_fetch_timestamp, last_caught_up_timestamp), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.replica_id)
        if version >= 2:
            out += self.replica_directory_id.bytes
        out += _STRUCT_q.pack(self.log_end_offset)
        if version >= 1:
            out += _STRUCT_qq.pack(self.last_fetch_timestamp, self.last_caught_up_timestamp)
        out.append(0)


class DescribeQuorumResponseObserver(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("replica_id", "replica_directory_id", "log_end_offset", "last_fetch_timestamp", "last_caught_up_timestamp")

    def __init__(
        self,
        replica_id: int = 0,
        replica_directory_id: UUID = ZERO_UUID,
        log_end_offset: int = 0,
        last_fetch_timestamp: int = -1,
        last_caught_up_timestamp: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_directory_id = replica_directory_id
        self.log_end_offset = log_end_offset
        self.last_fetch_timestamp = last_fetch_timestamp
        self.last_caught_up_timestamp = last_caught_up_timestamp

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        replica_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        replica_directory_id: UUID = ZERO_UUID
        if version >= 2:
            replica_directory_id, position = read_uuid(data, position)
        log_end_offset, = _STRUCT_q.unpack_from(data, position)
        position += 8
        last_fetch_timestamp: int = -1
        last_caught_up_timestamp: int = -1
        if version >= 1:
            last_fetch_timestamp, last_caught_up_timestamp = _STRUCT_qq.unpack_from(data, position)
            position += 16
        position = skip_tags(data, position)
        return cls(replica_id, replica_directory_id, log_end_offset, last_fetch_timestamp, last_caught_up_timestamp), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.replica_id)
        if version >= 2:
            out += self.replica_directory_id.bytes
        out += _STRUCT_q.pack(self.log_end_offset)
        if version >= 1:
            out += _STRUCT_qq.pack(self.last_fetch_timestamp, self.last_caught_up_timestamp)
        out.append(0)


class DescribeQuorumResponsePartition(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("partition_index", "error_code", "error_message", "leader_id", "leader_epoch", "high_watermark", "current_voters", "observers")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        leader_id: int = 0,
        leader_epoch: int = 0,
        high_watermark: int = 0,
        current_voters: Sequence[DescribeQuorumResponseVoter] = (),
        observers: Sequence[DescribeQuorumResponseObserver] = (),
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.high_watermark = high_watermark
        self.current_voters = current_voters
        self.observers = observers

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        partition_index, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None = ""
        if version >= 2:
            error_message, position = encoding.read_nullable_string(data, position)
        leader_id, leader_epoch, high_watermark = _STRUCT_iiq.unpack_from(data, position)
        position += 16
        current_voters: Sequence[DescribeQuorumResponseVoter]
        element_count, position = encoding.read_count(data, position, 13)
        current_voters_elements: list[DescribeQuorumResponseVoter] = []
        for _ in range(element_count):
            current_voters_element, position = DescribeQuorumResponseVoter.read(data, position, version)
            current_voters_elements.append(current_voters_element)
        current_voters = current_voters_elements
        observers: Sequence[DescribeQuorumResponseObserver]
        element_count, position = encoding.read_count(data, position, 13)
        observers_elements: list[DescribeQuorumResponseObserver] = []
        for _ in range(element_count):
            observers_element, position = DescribeQuorumResponseObserver.read(data, position, version)
            observers_elements.append(observers_element)
        observers = observers_elements
        position = skip_tags(data, position)
        return cls(partition_index, error_code, error_message, leader_id, leader_epoch, high_watermark, current_voters, observers), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.partition_index, self.error_code)
        if version >= 2:
            encoding.write_string(out, self.error_message)
        out += _STRUCT_iiq.pack(self.leader_id, self.leader_epoch, self.high_watermark)
        encoding.write_count(out, self.current_voters)
        for current_voters_element in self.current_voters:
            current_voters_element.write(out, version)
        encoding.write_count(out, self.observers)
        for observers_element in self.observers:
            observers_element.write(out, version)
        out.append(0)


class DescribeQuorumResponseTopic(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("topic_name", "partitions")

    def __init__(
        self,
        topic_name: str = "",
        partitions: Sequence[DescribeQuorumResponsePartition] = (),
    ) -> None:
        self.topic_name = topic_name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        topic_name: str
        topic_name, position = encoding.read_string(data, position)
        partitions: Sequence[DescribeQuorumResponsePartition]
        element_count, position = encoding.read_count(data, position, 25)
        partitions_elements: list[DescribeQuorumResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = DescribeQuorumResponsePartition.read(data, position, version)
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


class DescribeQuorumResponseListener(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("name", "host", "port")

    def __init__(
        self,
        name: str = "",
        host: str = "",
        port: int = 0,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str = ""
        if version >= 2:
            name, position = encoding.read_string(data, position)
        host: str = ""
        if version >= 2:
            host, position = encoding.read_string(data, position)
        port: int = 0
        if version >= 2:
            port, = _STRUCT_H.unpack_from(data, position)
            position += 2
        position = skip_tags(data, position)
        return cls(name, host, port), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        if version >= 2:
            encoding.write_string(out, self.name)
        if version >= 2:
            encoding.write_string(out, self.host)
        if version >= 2:
            out += _STRUCT_H.pack(self.port)
        out.append(0)


class DescribeQuorumResponseNode(Structure):
    """Part of DescribeQuorum."""

    __slots__ = ("node_id", "listeners")

    def __init__(
        self,
        node_id: int = 0,
        listeners: Sequence[DescribeQuorumResponseListener] = (),
    ) -> None:
        self.node_id = node_id
        self.listeners = listeners

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        node_id: int = 0
        if version >= 2:
            node_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        listeners: Sequence[DescribeQuorumResponseListener] = ()
        if version >= 2:
            element_count, position = encoding.read_count(data, position, 5)
            listeners_elements: list[DescribeQuorumResponseListener] = []
            for _ in range(element_count):
                listeners_element, position = DescribeQuorumResponseListener.read(data, position, version)
                listeners_elements.append(listeners_element)
            listeners = listeners_elements
        position = skip_tags(data, position)
        return cls(node_id, listeners), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        if version >= 2:
            out += _STRUCT_i.pack(self.node_id)
        if version >= 2:
            encoding.write_count(out, self.listeners)
            for listeners_element in self.listeners:
                listeners_element.write(out, version)
        out.append(0)


class DescribeQuorumResponse(Message):
    """DescribeQuorumResponse, versions 0 to 2."""

    __slots__ = ("error_code", "error_message", "topics", "nodes")

    API_KEY: ClassVar[int] = 55
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        error_code: int = 0,
        error_message: str | None = "",
        topics: Sequence[DescribeQuorumResponseTopic] = (),
        nodes: Sequence[DescribeQuorumResponseNode] = (),
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.topics = topics
        self.nodes = nodes

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None = ""
        if version >= 2:
            error_message, position = encoding.read_nullable_string(data, position)
        topics: Sequence[DescribeQuorumResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeQuorumResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeQuorumResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        nodes: Sequence[DescribeQuorumResponseNode] = ()
        if version >= 2:
            element_count, position = encoding.read_count(data, position, 6)
            nodes_elements: list[DescribeQuorumResponseNode] = []
            for _ in range(element_count):
                nodes_element, position = DescribeQuorumResponseNode.read(data, position, version)
                nodes_elements.append(nodes_element)
            nodes = nodes_elements
        position = skip_tags(data, position)
        return cls(error_code, error_message, topics, nodes), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_h.pack(self.error_code)
        if version >= 2:
            encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 2:
            encoding.write_count(out, self.nodes)
            for nodes_element in self.nodes:
                nodes_element.write(out, version)
        out.append(0)
