"""Generated from schema/fetch.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_iiib = Struct(">iiib")
_STRUCT_iq = Struct(">iq")
_STRUCT_q = Struct(">q")
_STRUCT_qi = Struct(">qi")
_STRUCT_qq = Struct(">qq")


class FetchRequestReplicaState(Structure):
    """Part of Fetch."""

    __slots__ = ("replica_id", "replica_epoch")

    def __init__(
        self,
        replica_id: int = -1,
        replica_epoch: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_epoch = replica_epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        replica_id: int = -1
        replica_epoch: int = -1
        if version >= 15:
            replica_id, replica_epoch = _STRUCT_iq.unpack_from(data, position)
            position += 12
        if version >= 12:
            position = skip_tags(data, position)
        return cls(replica_id, replica_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 15:
            out += _STRUCT_iq.pack(self.replica_id, self.replica_epoch)
        if version >= 12:
            out.append(0)


class FetchRequestPartition(Structure):
    """Part of Fetch."""

    __slots__ = ("partition", "current_leader_epoch", "fetch_offset", "last_fetched_epoch", "log_start_offset", "partition_max_bytes", "replica_directory_id", "high_watermark")

    def __init__(
        self,
        partition: int = 0,
        current_leader_epoch: int = -1,
        fetch_offset: int = 0,
        last_fetched_epoch: int = -1,
        log_start_offset: int = -1,
        partition_max_bytes: int = 0,
        replica_directory_id: UUID = ZERO_UUID,
        high_watermark: int = 9223372036854775807,
    ) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.fetch_offset = fetch_offset
        self.last_fetched_epoch = last_fetched_epoch
        self.log_start_offset = log_start_offset
        self.partition_max_bytes = partition_max_bytes
        self.replica_directory_id = replica_directory_id
        self.high_watermark = high_watermark

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition, = _STRUCT_i.unpack_from(data, position)
        position += 4
        current_leader_epoch: int = -1
        if version >= 9:
            current_leader_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        fetch_offset, = _STRUCT_q.unpack_from(data, position)
        position += 8
        last_fetched_epoch: int = -1
        if version >= 12:
            last_fetched_epoch, = _STRUCT_i.unpack_from(data, position)
            position += 4
        log_start_offset: int = -1
        if version >= 5:
            log_start_offset, = _STRUCT_q.unpack_from(data, position)
            position += 8
        partition_max_bytes, = _STRUCT_i.unpack_from(data, position)
        position += 4
        replica_directory_id: UUID = ZERO_UUID
        high_watermark: int = 9223372036854775807
        if version >= 12:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0 and version >= 17:
                    replica_directory_id, position = read_uuid(data, position)
                if tag == 1 and version >= 18:
                    high_watermark, = _STRUCT_q.unpack_from(data, position)
                position = tag_end
        return cls(partition, current_leader_epoch, fetch_offset, last_fetched_epoch, log_start_offset, partition_max_bytes, replica_directory_id, high_watermark), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_i.pack(self.partition)
        if version >= 9:
            out += _STRUCT_i.pack(self.current_leader_epoch)
        out += _STRUCT_q.pack(self.fetch_offset)
        if version >= 12:
            out += _STRUCT_i.pack(self.last_fetched_epoch)
        if version >= 5:
            out += _STRUCT_q.pack(self.log_start_offset)
        out += _STRUCT_i.pack(self.partition_max_bytes)
        if version >= 12:
            tags: list[tuple[int, Buffer]] = []
            if version >= 17 and self.replica_directory_id != ZERO_UUID:
                tag_value = bytearray()
                tag_value += self.replica_directory_id.bytes
                tags.append((0, tag_value))
            if version >= 18 and self.high_watermark != 9223372036854775807:
                tag_value = bytearray()
                tag_value += _STRUCT_q.pack(self.high_watermark)
                tags.append((1, tag_value))
            write_tags(out, tags)


class FetchRequestTopic(Structure):
    """Part of Fetch."""

    __slots__ = ("topic", "topic_id", "partitions")

    def __init__(
        self,
        topic: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[FetchRequestPartition] = (),
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        topic: str = ""
        if version <= 12:
            topic, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 13:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[FetchRequestPartition]
        element_count, position = encoding.read_count(data, position, 16)
        partitions_elements: list[FetchRequestPartition] = []
        for _ in range(element_count):
            partitions_element, position = FetchRequestPartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 12:
            position = skip_tags(data, position)
        return cls(topic, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        if version <= 12:
            encoding.write_string(out, self.topic)
        if version >= 13:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 12:
            out.append(0)


class FetchRequestForgottenTopic(Structure):
    """Part of Fetch."""

    __slots__ = ("topic", "topic_id", "partitions")

    def __init__(
        self,
        topic: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[int] = (),
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        topic: str = ""
        if 7 <= version <= 12:
            topic, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 13:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[int] = ()
        if version >= 7:
            element_count, position = encoding.read_count(data, position, 4)
            partitions = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 12:
            position = skip_tags(data, position)
        return cls(topic, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        if 7 <= version <= 12:
            encoding.write_string(out, self.topic)
        if version >= 13:
            out += self.topic_id.bytes
        if version >= 7:
            encoding.write_count(out, self.partitions)
            for partitions_element in self.partitions:
                out += _STRUCT_i.pack(partitions_element)
        if version >= 12:
            out.append(0)


class FetchRequest(Message):
    """FetchRequest, versions 4 to 18."""

    __slots__ = ("cluster_id", "replica_id", "replica_state", "max_wait_ms", "min_bytes", "max_bytes", "isolation_level", "session_id", "session_epoch", "topics", "forgotten_topics_data", "rack_id")

    API_KEY: ClassVar[int] = 1
    MIN_VERSION: ClassVar[int] = 4
    MAX_VERSION: ClassVar[int] = 18
    FLEXIBLE_FROM: ClassVar[int] = 12

    def __init__(
        self,
        cluster_id: str | None = None,
        replica_id: int = -1,
        replica_state: FetchRequestReplicaState | None = None,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 2147483647,
        isolation_level: int = 0,
        session_id: int = 0,
        session_epoch: int = -1,
        topics: Sequence[FetchRequestTopic] = (),
        forgotten_topics_data: Sequence[FetchRequestForgottenTopic] = (),
        rack_id: str = "",
    ) -> None:
        self.cluster_id = cluster_id
        self.replica_id = replica_id
        self.replica_state = replica_state
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.isolation_level = isolation_level
        self.session_id = session_id
        self.session_epoch = session_epoch
        self.topics = topics
        self.forgotten_topics_data = forgotten_topics_data
        self.rack_id = rack_id

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        replica_id: int = -1
        if version <= 14:
            replica_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        max_wait_ms, min_bytes, max_bytes, isolation_level = _STRUCT_iiib.unpack_from(data, position)
        position += 13
        session_id: int = 0
        session_epoch: int = -1
        if version >= 7:
            session_id, session_epoch = _STRUCT_ii.unpack_from(data, position)
            position += 8
        topics: Sequence[FetchRequestTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[FetchRequestTopic] = []
        for _ in range(element_count):
            topics_element, position = FetchRequestTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        forgotten_topics_data: Sequence[FetchRequestForgottenTopic] = ()
        if version >= 7:
            element_count, position = encoding.read_count(data, position, 3)
            forgotten_topics_data_elements: list[FetchRequestForgottenTopic] = []
            for _ in range(element_count):
                forgotten_topics_data_element, position = FetchRequestForgottenTopic.read(data, position, version)
                forgotten_topics_data_elements.append(forgotten_topics_data_element)
            forgotten_topics_data = forgotten_topics_data_elements
        rack_id: str = ""
        if version >= 11:
            rack_id, position = encoding.read_string(data, position)
        cluster_id: str | None = None
        replica_state: FetchRequestReplicaState | None = None
        if version >= 12:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0:
                    cluster_id, position = encoding.read_nullable_string(data, position)
                if tag == 1 and version >= 15:
                    replica_state, position = FetchRequestReplicaState.read(data, position, version)
                position = tag_end
        return cls(cluster_id, replica_id, replica_state, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id, session_epoch, topics, forgotten_topics_data, rack_id), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        if version <= 14:
            out += _STRUCT_i.pack(self.replica_id)
        out += _STRUCT_iiib.pack(self.max_wait_ms, self.min_bytes, self.max_bytes, self.isolation_level)
        if version >= 7:
            out += _STRUCT_ii.pack(self.session_id, self.session_epoch)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        if version >= 7:
            encoding.write_count(out, self.forgotten_topics_data)
            for forgotten_topics_data_element in self.forgotten_topics_data:
                forgotten_topics_data_element.write(out, version)
        if version >= 11:
            encoding.write_string(out, self.rack_id)
        if version >= 12:
            tags: list[tuple[int, Buffer]] = []
            if self.cluster_id is not None:
                tag_value = bytearray()
                encoding.write_string(tag_value, self.cluster_id)
                tags.append((0, tag_value))
            if version >= 15 and self.replica_state is not None:
                tag_value = bytearray()
                self.replica_state.write(tag_value, version)
                tags.append((1, tag_value))
            write_tags(out, tags)


class FetchResponseEpochEndOffset(Structure):
    """Part of Fetch."""

    __slots__ = ("epoch", "end_offset")

    def __init__(
        self,
        epoch: int = -1,
        end_offset: int = -1,
    ) -> None:
        self.epoch = epoch
        self.end_offset = end_offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        epoch: int = -1
        end_offset: int = -1
        if version >= 12:
            epoch, end_offset = _STRUCT_iq.unpack_from(data, position)
            position += 12
        if version >= 12:
            position = skip_tags(data, position)
        return cls(epoch, end_offset), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 12:
            out += _STRUCT_iq.pack(self.epoch, self.end_offset)
        if version >= 12:
            out.append(0)


class FetchResponseLeaderIdAndEpoch(Structure):
    """Part of Fetch."""

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
        if version >= 12:
            leader_id, leader_epoch = _STRUCT_ii.unpack_from(data, position)
            position += 8
        if version >= 12:
            position = skip_tags(data, position)
        return cls(leader_id, leader_epoch), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 12:
            out += _STRUCT_ii.pack(self.leader_id, self.leader_epoch)
        if version >= 12:
            out.append(0)


class FetchResponseSnapshotId(Structure):
    """Part of Fetch."""

    __slots__ = ("end_offset", "epoch")

    def __init__(
        self,
        end_offset: int = -1,
        epoch: int = -1,
    ) -> None:
        self.end_offset = end_offset
        self.epoch = epoch

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        end_offset: int = -1
        epoch: int = -1
        if version >= 12:
            end_offset, epoch = _STRUCT_qi.unpack_from(data, position)
            position += 12
        if version >= 12:
            position = skip_tags(data, position)
        return cls(end_offset, epoch), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 12:
            out += _STRUCT_qi.pack(self.end_offset, self.epoch)
        if version >= 12:
            out.append(0)


class FetchResponseAbortedTransaction(Structure):
    """Part of Fetch."""

    __slots__ = ("producer_id", "first_offset")

    def __init__(
        self,
        producer_id: int = 0,
        first_offset: int = 0,
    ) -> None:
        self.producer_id = producer_id
        self.first_offset = first_offset

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        producer_id, first_offset = _STRUCT_qq.unpack_from(data, position)
        position += 16
        if version >= 12:
            position = skip_tags(data, position)
        return cls(producer_id, first_offset), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_qq.pack(self.producer_id, self.first_offset)
        if version >= 12:
            out.append(0)


class FetchResponsePartition(Structure):
    """Part of Fetch."""

    __slots__ = ("partition_index", "error_code", "high_watermark", "last_stable_offset", "log_start_offset", "diverging_epoch", "current_leader", "snapshot_id", "aborted_transactions", "preferred_read_replica", "records")

    def __init__(
        self,
        partition_index: int = 0,
        error_code: int = 0,
        high_watermark: int = 0,
        last_stable_offset: int = -1,
        log_start_offset: int = -1,
        diverging_epoch: FetchResponseEpochEndOffset | None = None,
        current_leader: FetchResponseLeaderIdAndEpoch | None = None,
        snapshot_id: FetchResponseSnapshotId | None = None,
        aborted_transactions: Sequence[FetchResponseAbortedTransaction] | None = (),
        preferred_read_replica: int = -1,
        records: bytes | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.high_watermark = high_watermark
        self.last_stable_offset = last_stable_offset
        self.log_start_offset = log_start_offset
        self.diverging_epoch = diverging_epoch
        self.current_leader = current_leader
        self.snapshot_id = snapshot_id
        self.aborted_transactions = aborted_transactions
        self.preferred_read_replica = preferred_read_replica
        self.records = records

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        partition_index, error_code, high_watermark, last_stable_offset = _STRUCT_ihqq.unpack_from(data, position)
        position += 22
        log_start_offset: int = -1
        if version >= 5:
            log_start_offset, = _STRUCT_q.unpack_from(data, position)
            position += 8
        aborted_transactions: Sequence[FetchResponseAbortedTransaction] | None
        element_count, position = encoding.read_nullable_count(data, position, 16)
        aborted_transactions = None
        if element_count >= 0:
            aborted_transactions_elements: list[FetchResponseAbortedTransaction] = []
            for _ in range(element_count):
                aborted_transactions_element, position = FetchResponseAbortedTransaction.read(data, position, version)
                aborted_transactions_elements.append(aborted_transactions_element)
            aborted_transactions = aborted_transactions_elements
        preferred_read_replica: int = -1
        if version >= 11:
            preferred_read_replica, = _STRUCT_i.unpack_from(data, position)
            position += 4
        records: bytes | None
        records, position = encoding.read_nullable_bytes(data, position)
        diverging_epoch: FetchResponseEpochEndOffset | None = None
        current_leader: FetchResponseLeaderIdAndEpoch | None = None
        snapshot_id: FetchResponseSnapshotId | None = None
        if version >= 12:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0:
                    diverging_epoch, position = FetchResponseEpochEndOffset.read(data, position, version)
                if tag == 1:
                    current_leader, position = FetchResponseLeaderIdAndEpoch.read(data, position, version)
                if tag == 2:
                    snapshot_id, position = FetchResponseSnapshotId.read(data, position, version)
                position = tag_end
        return cls(partition_index, error_code, high_watermark, last_stable_offset, log_start_offset, diverging_epoch, current_leader, snapshot_id, aborted_transactions, preferred_read_replica, records), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        out += _STRUCT_ihqq.pack(self.partition_index, self.error_code, self.high_watermark, self.last_stable_offset)
        if version >= 5:
            out += _STRUCT_q.pack(self.log_start_offset)
        encoding.write_count(out, self.aborted_transactions)
        for aborted_transactions_element in self.aborted_transactions or ():
            aborted_transactions_element.write(out, version)
        if version >= 11:
            out += _STRUCT_i.pack(self.preferred_read_replica)
        encoding.write_bytes(out, self.records)
        if version >= 12:
            tags: list[tuple[int, Buffer]] = []
            if self.diverging_epoch is not None:
                tag_value = bytearray()
                self.diverging_epoch.write(tag_value, version)
                tags.append((0, tag_value))
            if self.current_leader is not None:
                tag_value = bytearray()
                self.current_leader.write(tag_value, version)
                tags.append((1, tag_value))
            if self.snapshot_id is not None:
                tag_value = bytearray()
                self.snapshot_id.write(tag_value, version)
                tags.append((2, tag_value))
            write_tags(out, tags)


class FetchResponseTopic(Structure):
    """Part of Fetch."""

    __slots__ = ("topic", "topic_id", "partitions")

    def __init__(
        self,
        topic: str = "",
        topic_id: UUID = ZERO_UUID,
        partitions: Sequence[FetchResponsePartition] = (),
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        topic: str = ""
        if version <= 12:
            topic, position = encoding.read_string(data, position)
        topic_id: UUID = ZERO_UUID
        if version >= 13:
            topic_id, position = read_uuid(data, position)
        partitions: Sequence[FetchResponsePartition]
        element_count, position = encoding.read_count(data, position, 30)
        partitions_elements: list[FetchResponsePartition] = []
        for _ in range(element_count):
            partitions_element, position = FetchResponsePartition.read(data, position, version)
            partitions_elements.append(partitions_element)
        partitions = partitions_elements
        if version >= 12:
            position = skip_tags(data, position)
        return cls(topic, topic_id, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        if version <= 12:
            encoding.write_string(out, self.topic)
        if version >= 13:
            out += self.topic_id.bytes
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            partitions_element.write(out, version)
        if version >= 12:
            out.append(0)


class FetchResponseNodeEndpoint(Structure):
    """Part of Fetch."""

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
        encoding = COMPACT if version >= 12 else CLASSIC
        node_id: int = 0
        if version >= 16:
            node_id, = _STRUCT_i.unpack_from(data, position)
            position += 4
        host: str = ""
        if version >= 16:
            host, position = encoding.read_string(data, position)
        port: int = 0
        if version >= 16:
            port, = _STRUCT_i.unpack_from(data, position)
            position += 4
        rack: str | None = None
        if version >= 16:
            rack, position = encoding.read_nullable_string(data, position)
        if version >= 12:
            position = skip_tags(data, position)
        return cls(node_id, host, port, rack), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        if version >= 16:
            out += _STRUCT_i.pack(self.node_id)
        if version >= 16:
            encoding.write_string(out, self.host)
        if version >= 16:
            out += _STRUCT_i.pack(self.port)
        if version >= 16:
            encoding.write_string(out, self.rack)
        if version >= 12:
            out.append(0)


class FetchResponse(Message):
    """FetchResponse, versions 4 to 18."""

    __slots__ = ("throttle_time_ms", "error_code", "session_id", "responses", "node_endpoints")

    API_KEY: ClassVar[int] = 1
    MIN_VERSION: ClassVar[int] = 4
    MAX_VERSION: ClassVar[int] = 18
    FLEXIBLE_FROM: ClassVar[int] = 12

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        session_id: int = 0,
        responses: Sequence[FetchResponseTopic] = (),
        node_endpoints: Sequence[FetchResponseNodeEndpoint] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.session_id = session_id
        self.responses = responses
        self.node_endpoints = node_endpoints

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 12 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        error_code: int = 0
        session_id: int = 0
        if version >= 7:
            error_code, session_id = _STRUCT_hi.unpack_from(data, position)
            position += 6
        responses: Sequence[FetchResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        responses_elements: list[FetchResponseTopic] = []
        for _ in range(element_count):
            responses_element, position = FetchResponseTopic.read(data, position, version)
            responses_elements.append(responses_element)
        responses = responses_elements
        node_endpoints: Sequence[FetchResponseNodeEndpoint] = ()
        if version >= 12:
            tag_count, position = read_unsigned_varint(data, position)
            for _ in range(tag_count):
                tag, position, tag_end = read_tag(data, position)
                if tag == 0 and version >= 16:
                    element_count, position = encoding.read_count(data, position, 11)
                    node_endpoints_elements: list[FetchResponseNodeEndpoint] = []
                    for _ in range(element_count):
                        node_endpoints_element, position = FetchResponseNodeEndpoint.read(data, position, version)
                        node_endpoints_elements.append(node_endpoints_element)
                    node_endpoints = node_endpoints_elements
                position = tag_end
        return cls(throttle_time_ms, error_code, session_id, responses, node_endpoints), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 12 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 7:
            out += _STRUCT_hi.pack(self.error_code, self.session_id)
        encoding.write_count(out, self.responses)
        for responses_element in self.responses:
            responses_element.write(out, version)
        if version >= 12:
            tags: list[tuple[int, Buffer]] = []
            if version >= 16 and self.node_endpoints:
                tag_value = bytearray()
                encoding.write_count(tag_value, self.node_endpoints)
                for node_endpoints_element in self.node_endpoints:
                    node_endpoints_element.write(tag_value, version)
                tags.append((0, tag_value))
            write_tags(out, tags)
