"""Generated from schema/add_partitions_to_txn.txt by protocol/generate.py: change the table, not this file."""

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
_STRUCT_ih = Struct(">ih")
_STRUCT_qh = Struct(">qh")
_STRUCT_qho = Struct(">qh?")


class AddPartitionsToTxnRequestTransactionTopic(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version >= 4:
            name, position = encoding.read_string(data, position)
        partitions: Sequence[int] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 4)
            partitions = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_string(out, self.name)
        if version >= 4:
            encoding.write_count(out, self.partitions)
            for partitions_element in self.partitions:
                out += _STRUCT_i.pack(partitions_element)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnRequestTransaction(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("transactional_id", "producer_id", "producer_epoch", "verify_only", "topics")

    def __init__(
        self,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        verify_only: bool = False,
        topics: Sequence[AddPartitionsToTxnRequestTransactionTopic] = (),
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.verify_only = verify_only
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactional_id: str = ""
        if version >= 4:
            transactional_id, position = encoding.read_string(data, position)
        producer_id: int = 0
        producer_epoch: int = 0
        verify_only: bool = False
        if version >= 4:
            producer_id, producer_epoch, verify_only = _STRUCT_qho.unpack_from(data, position)
            position += 11
        topics: Sequence[AddPartitionsToTxnRequestTransactionTopic] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 3)
            topics_elements: list[AddPartitionsToTxnRequestTransactionTopic] = []
            for _ in range(element_count):
                topics_element, position = AddPartitionsToTxnRequestTransactionTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactional_id, producer_id, producer_epoch, verify_only, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_string(out, self.transactional_id)
        if version >= 4:
            out += _STRUCT_qho.pack(self.producer_id, self.producer_epoch, self.verify_only)
        if version >= 4:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics:
                topics_element.write(out, version)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnRequestTopic(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("name", "partitions")

    def __init__(
        self,
        name: str = "",
        partitions: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.partitions = partitions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version <= 3:
            name, position = encoding.read_string(data, position)
        partitions: Sequence[int] = ()
        if version <= 3:
            element_count, position = encoding.read_count(data, position, 4)
            partitions = list(unpack_from(f">{element_count}i", data, position))
            position += 4 * element_count
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, partitions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version <= 3:
            encoding.write_string(out, self.name)
        if version <= 3:
            encoding.write_count(out, self.partitions)
            for partitions_element in self.partitions:
                out += _STRUCT_i.pack(partitions_element)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnRequest(Message):
    """AddPartitionsToTxnRequest, versions 0 to 5."""

    __slots__ = ("transactions", "transactional_id", "producer_id", "producer_epoch", "topics")

    API_KEY: ClassVar[int] = 24
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        transactions: Sequence[AddPartitionsToTxnRequestTransaction] = (),
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        topics: Sequence[AddPartitionsToTxnRequestTopic] = (),
    ) -> None:
        self.transactions = transactions
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.topics = topics

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactions: Sequence[AddPartitionsToTxnRequestTransaction] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 14)
            transactions_elements: list[AddPartitionsToTxnRequestTransaction] = []
            for _ in range(element_count):
                transactions_element, position = AddPartitionsToTxnRequestTransaction.read(data, position, version)
                transactions_elements.append(transactions_element)
            transactions = transactions_elements
        transactional_id: str = ""
        if version <= 3:
            transactional_id, position = encoding.read_string(data, position)
        producer_id: int = 0
        producer_epoch: int = 0
        if version <= 3:
            producer_id, producer_epoch = _STRUCT_qh.unpack_from(data, position)
            position += 10
        topics: Sequence[AddPartitionsToTxnRequestTopic] = ()
        if version <= 3:
            element_count, position = encoding.read_count(data, position, 3)
            topics_elements: list[AddPartitionsToTxnRequestTopic] = []
            for _ in range(element_count):
                topics_element, position = AddPartitionsToTxnRequestTopic.read(data, position, version)
                topics_elements.append(topics_element)
            topics = topics_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactions, transactional_id, producer_id, producer_epoch, topics), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_count(out, self.transactions)
            for transactions_element in self.transactions:
                transactions_element.write(out, version)
        if version <= 3:
            encoding.write_string(out, self.transactional_id)
        if version <= 3:
            out += _STRUCT_qh.pack(self.producer_id, self.producer_epoch)
        if version <= 3:
            encoding.write_count(out, self.topics)
            for topics_element in self.topics:
                topics_element.write(out, version)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponseResultPartition(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("partition_index", "partition_error_code")

    def __init__(
        self,
        partition_index: int = 0,
        partition_error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.partition_error_code = partition_error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index: int = 0
        partition_error_code: int = 0
        if version >= 4:
            partition_index, partition_error_code = _STRUCT_ih.unpack_from(data, position)
            position += 6
        if version >= 3:
            position = skip_tags(data, position)
        return cls(partition_index, partition_error_code), position

    def write(self, out: bytearray, version: int) -> None:
        if version >= 4:
            out += _STRUCT_ih.pack(self.partition_index, self.partition_error_code)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponseResultTopic(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("name", "results_by_partition")

    def __init__(
        self,
        name: str = "",
        results_by_partition: Sequence[AddPartitionsToTxnResponseResultPartition] = (),
    ) -> None:
        self.name = name
        self.results_by_partition = results_by_partition

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version >= 4:
            name, position = encoding.read_string(data, position)
        results_by_partition: Sequence[AddPartitionsToTxnResponseResultPartition] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 7)
            results_by_partition_elements: list[AddPartitionsToTxnResponseResultPartition] = []
            for _ in range(element_count):
                results_by_partition_element, position = AddPartitionsToTxnResponseResultPartition.read(data, position, version)
                results_by_partition_elements.append(results_by_partition_element)
            results_by_partition = results_by_partition_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, results_by_partition), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_string(out, self.name)
        if version >= 4:
            encoding.write_count(out, self.results_by_partition)
            for results_by_partition_element in self.results_by_partition:
                results_by_partition_element.write(out, version)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponseResult(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("transactional_id", "topic_results")

    def __init__(
        self,
        transactional_id: str = "",
        topic_results: Sequence[AddPartitionsToTxnResponseResultTopic] = (),
    ) -> None:
        self.transactional_id = transactional_id
        self.topic_results = topic_results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        transactional_id: str = ""
        if version >= 4:
            transactional_id, position = encoding.read_string(data, position)
        topic_results: Sequence[AddPartitionsToTxnResponseResultTopic] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 3)
            topic_results_elements: list[AddPartitionsToTxnResponseResultTopic] = []
            for _ in range(element_count):
                topic_results_element, position = AddPartitionsToTxnResponseResultTopic.read(data, position, version)
                topic_results_elements.append(topic_results_element)
            topic_results = topic_results_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(transactional_id, topic_results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version >= 4:
            encoding.write_string(out, self.transactional_id)
        if version >= 4:
            encoding.write_count(out, self.topic_results)
            for topic_results_element in self.topic_results:
                topic_results_element.write(out, version)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponsePartition(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("partition_index", "partition_error_code")

    def __init__(
        self,
        partition_index: int = 0,
        partition_error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.partition_error_code = partition_error_code

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        partition_index: int = 0
        partition_error_code: int = 0
        if version <= 3:
            partition_index, partition_error_code = _STRUCT_ih.unpack_from(data, position)
            position += 6
        if version >= 3:
            position = skip_tags(data, position)
        return cls(partition_index, partition_error_code), position

    def write(self, out: bytearray, version: int) -> None:
        if version <= 3:
            out += _STRUCT_ih.pack(self.partition_index, self.partition_error_code)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponseTopic(Structure):
    """Part of AddPartitionsToTxn."""

    __slots__ = ("name", "results_by_partition")

    def __init__(
        self,
        name: str = "",
        results_by_partition: Sequence[AddPartitionsToTxnResponsePartition] = (),
    ) -> None:
        self.name = name
        self.results_by_partition = results_by_partition

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        name: str = ""
        if version <= 3:
            name, position = encoding.read_string(data, position)
        results_by_partition: Sequence[AddPartitionsToTxnResponsePartition] = ()
        if version <= 3:
            element_count, position = encoding.read_count(data, position, 6)
            results_by_partition_elements: list[AddPartitionsToTxnResponsePartition] = []
            for _ in range(element_count):
                results_by_partition_element, position = AddPartitionsToTxnResponsePartition.read(data, position, version)
                results_by_partition_elements.append(results_by_partition_element)
            results_by_partition = results_by_partition_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(name, results_by_partition), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        if version <= 3:
            encoding.write_string(out, self.name)
        if version <= 3:
            encoding.write_count(out, self.results_by_partition)
            for results_by_partition_element in self.results_by_partition:
                results_by_partition_element.write(out, version)
        if version >= 3:
            out.append(0)


class AddPartitionsToTxnResponse(Message):
    """AddPartitionsToTxnResponse, versions 0 to 5."""

    __slots__ = ("throttle_time_ms", "error_code", "results_by_transaction", "results_by_topic")

    API_KEY: ClassVar[int] = 24
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        results_by_transaction: Sequence[AddPartitionsToTxnResponseResult] = (),
        results_by_topic: Sequence[AddPartitionsToTxnResponseTopic] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.results_by_transaction = results_by_transaction
        self.results_by_topic = results_by_topic

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT if version >= 3 else CLASSIC
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        error_code: int = 0
        if version >= 4:
            error_code, = _STRUCT_h.unpack_from(data, position)
            position += 2
        results_by_transaction: Sequence[AddPartitionsToTxnResponseResult] = ()
        if version >= 4:
            element_count, position = encoding.read_count(data, position, 3)
            results_by_transaction_elements: list[AddPartitionsToTxnResponseResult] = []
            for _ in range(element_count):
                results_by_transaction_element, position = AddPartitionsToTxnResponseResult.read(data, position, version)
                results_by_transaction_elements.append(results_by_transaction_element)
            results_by_transaction = results_by_transaction_elements
        results_by_topic: Sequence[AddPartitionsToTxnResponseTopic] = ()
        if version <= 3:
            element_count, position = encoding.read_count(data, position, 3)
            results_by_topic_elements: list[AddPartitionsToTxnResponseTopic] = []
            for _ in range(element_count):
                results_by_topic_element, position = AddPartitionsToTxnResponseTopic.read(data, position, version)
                results_by_topic_elements.append(results_by_topic_element)
            results_by_topic = results_by_topic_elements
        if version >= 3:
            position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, results_by_transaction, results_by_topic), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT if version >= 3 else CLASSIC
        out += _STRUCT_i.pack(self.throttle_time_ms)
        if version >= 4:
            out += _STRUCT_h.pack(self.error_code)
        if version >= 4:
            encoding.write_count(out, self.results_by_transaction)
            for results_by_transaction_element in self.results_by_transaction:
                results_by_transaction_element.write(out, version)
        if version <= 3:
            encoding.write_count(out, self.results_by_topic)
            for results_by_topic_element in self.results_by_topic:
                results_by_topic_element.write(out, version)
        if version >= 3:
            out.append(0)
