"""Generated from schema/describe_transactions.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")
_STRUCT_iqqh = Struct(">iqqh")


class DescribeTransactionsRequest(Message):
    """DescribeTransactionsRequest, versions 0 to 0."""

    __slots__ = ("transactional_ids",)

    API_KEY: ClassVar[int] = 65
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        transactional_ids: Sequence[str] = (),
    ) -> None:
        self.transactional_ids = transactional_ids

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        transactional_ids: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        transactional_ids_elements: list[str] = []
        for _ in range(element_count):
            transactional_ids_element, position = encoding.read_string(data, position)
            transactional_ids_elements.append(transactional_ids_element)
        transactional_ids = transactional_ids_elements
        position = skip_tags(data, position)
        return cls(transactional_ids), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.transactional_ids)
        for transactional_ids_element in self.transactional_ids:
            encoding.write_string(out, transactional_ids_element)
        out.append(0)


class DescribeTransactionsResponseTopic(Structure):
    """Part of DescribeTransactions."""

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
        encoding = COMPACT
        topic: str
        topic, position = encoding.read_string(data, position)
        partitions: Sequence[int]
        element_count, position = encoding.read_count(data, position, 4)
        partitions = list(unpack_from(f">{element_count}i", data, position))
        position += 4 * element_count
        position = skip_tags(data, position)
        return cls(topic, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.topic)
        encoding.write_count(out, self.partitions)
        for partitions_element in self.partitions:
            out += _STRUCT_i.pack(partitions_element)
        out.append(0)


class DescribeTransactionsResponseState(Structure):
    """Part of DescribeTransactions."""

    __slots__ = ("error_code", "transactional_id", "transaction_state", "transaction_timeout_ms", "transaction_start_time_ms", "producer_id", "producer_epoch", "topics")

    def __init__(
        self,
        error_code: int = 0,
        transactional_id: str = "",
        transaction_state: str = "",
        transaction_timeout_ms: int = 0,
        transaction_start_time_ms: int = 0,
        producer_id: int = 0,
        producer_epoch: int = 0,
        topics: Sequence[DescribeTransactionsResponseTopic] = (),
    ) -> None:
        self.error_code = error_code
        self.transactional_id = transactional_id
        self.transaction_state = transaction_state
        self.transaction_timeout_ms = transaction_timeout_ms
        self.transaction_start_time_ms = transaction_start_time_ms
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        transactional_id: str
        transactional_id, position = encoding.read_string(data, position)
        transaction_state: str
        transaction_state, position = encoding.read_string(data, position)
        transaction_timeout_ms, transaction_start_time_ms, producer_id, producer_epoch = _STRUCT_iqqh.unpack_from(data, position)
        position += 22
        topics: Sequence[DescribeTransactionsResponseTopic]
        element_count, position = encoding.read_count(data, position, 3)
        topics_elements: list[DescribeTransactionsResponseTopic] = []
        for _ in range(element_count):
            topics_element, position = DescribeTransactionsResponseTopic.read(data, position, version)
            topics_elements.append(topics_element)
        topics = topics_elements
        position = skip_tags(data, position)
        return cls(error_code, transactional_id, transaction_state, transaction_timeout_ms, transaction_start_time_ms, producer_id, producer_epoch, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.transactional_id)
        encoding.write_string(out, self.transaction_state)
        out += _STRUCT_iqqh.pack(self.transaction_timeout_ms, self.transaction_start_time_ms, self.producer_id, self.producer_epoch)
        encoding.write_count(out, self.topics)
        for topics_element in self.topics:
            topics_element.write(out, version)
        out.append(0)


class DescribeTransactionsResponse(Message):
    """DescribeTransactionsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "transaction_states")

    API_KEY: ClassVar[int] = 65
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        transaction_states: Sequence[DescribeTransactionsResponseState] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.transaction_states = transaction_states

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        transaction_states: Sequence[DescribeTransactionsResponseState]
        element_count, position = encoding.read_count(data, position, 28)
        transaction_states_elements: list[DescribeTransactionsResponseState] = []
        for _ in range(element_count):
            transaction_states_element, position = DescribeTransactionsResponseState.read(data, position, version)
            transaction_states_elements.append(transaction_states_element)
        transaction_states = transaction_states_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, transaction_states), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.transaction_states)
        for transaction_states_element in self.transaction_states:
            transaction_states_element.write(out, version)
        out.append(0)
