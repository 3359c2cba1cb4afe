"""Generated from schema/list_transactions.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_ih = Struct(">ih")
_STRUCT_q = Struct(">q")


class ListTransactionsRequest(Message):
    """ListTransactionsRequest, versions 0 to 2."""

    __slots__ = ("state_filters", "producer_id_filters", "duration_filter", "transactional_id_pattern")

    API_KEY: ClassVar[int] = 66
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        state_filters: Sequence[str] = (),
        producer_id_filters: Sequence[int] = (),
        duration_filter: int = -1,
        transactional_id_pattern: str | None = None,
    ) -> None:
        self.state_filters = state_filters
        self.producer_id_filters = producer_id_filters
        self.duration_filter = duration_filter
        self.transactional_id_pattern = transactional_id_pattern

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        state_filters: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        state_filters_elements: list[str] = []
        for _ in range(element_count):
            state_filters_element, position = encoding.read_string(data, position)
            state_filters_elements.append(state_filters_element)
        state_filters = state_filters_elements
        producer_id_filters: Sequence[int]
        element_count, position = encoding.read_count(data, position, 8)
        producer_id_filters = list(unpack_from(f">{element_count}q", data, position))
        position += 8 * element_count
        duration_filter: int = -1
        if version >= 1:
            duration_filter, = _STRUCT_q.unpack_from(data, position)
            position += 8
        transactional_id_pattern: str | None = None
        if version >= 2:
            transactional_id_pattern, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(state_filters, producer_id_filters, duration_filter, transactional_id_pattern), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.state_filters)
        for state_filters_element in self.state_filters:
            encoding.write_string(out, state_filters_element)
        encoding.write_count(out, self.producer_id_filters)
        for producer_id_filters_element in self.producer_id_filters:
            out += _STRUCT_q.pack(producer_id_filters_element)
        if version >= 1:
            out += _STRUCT_q.pack(self.duration_filter)
        if version >= 2:
            encoding.write_string(out, self.transactional_id_pattern)
        out.append(0)


class ListTransactionsResponseState(Structure):
    """Part of ListTransactions."""

    __slots__ = ("transactional_id", "producer_id", "transaction_state")

    def __init__(
        self,
        transactional_id: str = "",
        producer_id: int = 0,
        transaction_state: str = "",
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.transaction_state = transaction_state

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        transactional_id: str
        transactional_id, position = encoding.read_string(data, position)
        producer_id, = _STRUCT_q.unpack_from(data, position)
        position += 8
        transaction_state: str
        transaction_state, position = encoding.read_string(data, position)
        position = skip_tags(data, position)
        return cls(transactional_id, producer_id, transaction_state), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.transactional_id)
        out += _STRUCT_q.pack(self.producer_id)
        encoding.write_string(out, self.transaction_state)
        out.append(0)


class ListTransactionsResponse(Message):
    """ListTransactionsResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "unknown_state_filters", "transaction_states")

    API_KEY: ClassVar[int] = 66
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        unknown_state_filters: Sequence[str] = (),
        transaction_states: Sequence[ListTransactionsResponseState] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.unknown_state_filters = unknown_state_filters
        self.transaction_states = transaction_states

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        unknown_state_filters: Sequence[str]
        element_count, position = encoding.read_count(data, position, 1)
        unknown_state_filters_elements: list[str] = []
        for _ in range(element_count):
            unknown_state_filters_element, position = encoding.read_string(data, position)
            unknown_state_filters_elements.append(unknown_state_filters_element)
        unknown_state_filters = unknown_state_filters_elements
        transaction_states: Sequence[ListTransactionsResponseState]
        element_count, position = encoding.read_count(data, position, 11)
        transaction_states_elements: list[ListTransactionsResponseState] = []
        for _ in range(element_count):
            transaction_states_element, position = ListTransactionsResponseState.read(data, position, version)
            transaction_states_elements.append(transaction_states_element)
        transaction_states = transaction_states_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, unknown_state_filters, transaction_states), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_count(out, self.unknown_state_filters)
        for unknown_state_filters_element in self.unknown_state_filters:
            encoding.write_string(out, unknown_state_filters_element)
        encoding.write_count(out, self.transaction_states)
        for transaction_states_element in self.transaction_states:
            transaction_states_element.write(out, version)
        out.append(0)
