"""A transactional producer and a reader of committed records, one call a request, over a broker without sockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.pylog_broker.protocol.generated.add_offsets_to_txn import AddOffsetsToTxnRequest
from harness.pylog_broker.protocol.generated.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnRequestTopic,
)
from harness.pylog_broker.protocol.generated.end_txn import EndTxnRequest
from harness.pylog_broker.protocol.generated.fetch import (
    FetchRequest,
    FetchRequestPartition,
    FetchRequestReplicaState,
    FetchRequestTopic,
)
from harness.pylog_broker.protocol.generated.init_producer_id import InitProducerIdRequest
from harness.pylog_broker.protocol.generated.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestGroupTopic,
)
from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.protocol.generated.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from harness.pylog_broker.storage.batch import (
    CONTROL_BIT,
    TRANSACTIONAL_BIT,
    build_batch,
    iterate_records,
    parse_header,
)
from tests.pylog_broker.handlers.local_broker import LocalBroker

OLD, NEW = 1, 2
"""Clients of before KIP-890, which add partitions themselves, and of after it."""

NO_LIMIT = 2**31 - 1


class Producer:
    """One incarnation of a transactional id. Methods return error codes; sequences are kept per partition."""

    def __init__(self, local: LocalBroker, transactional_id: str = "x", *, kind: int = NEW) -> None:
        self.local = local
        self.transactional_id = transactional_id
        self.kind = kind
        self.producer_id = self.epoch = -1
        self.sequences: dict[tuple[str, int], int] = {}

    def init(self, *, timeout_ms: int = 60_000, known: bool = False) -> int:
        """InitProducerId, by `known` with the present identity (KIP-360)."""
        identity = (self.producer_id, self.epoch) if known else (-1, -1)
        answer = self.local.call(InitProducerIdRequest(self.transactional_id, timeout_ms, *identity), 5)
        if answer.error_code == 0:
            self._go_on(answer)
        return int(answer.error_code)

    def _go_on(self, answer: Any) -> None:
        if (answer.producer_id, answer.producer_epoch) != (self.producer_id, self.epoch):
            self.sequences.clear()
        self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch

    def add(self, topic: str, *partitions: int, version: int = 3) -> list[int]:
        request = AddPartitionsToTxnRequest(
            (), self.transactional_id, self.producer_id, self.epoch, [AddPartitionsToTxnRequestTopic(topic, partitions)]
        )
        (rows,) = self.local.call(request, version).results_by_topic
        return [row.partition_error_code for row in rows.results_by_partition]

    def send(
        self, topic: str, partition: int, *values: bytes, version: int | None = None, transactional: bool = True
    ) -> int:
        """Produce one batch; an old client adds the partition first unless `version` is given."""
        if version is None:
            version = 12 if self.kind == NEW else 9
            if self.kind == OLD and (error := self.add(topic, partition)[0]):
                return error
        key = (topic, partition)
        sequence = self.sequences.get(key, 0)
        records = build_batch(
            [(None, value) for value in values],
            timestamp_ms=self.local.now_ms,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=sequence,
            attributes=TRANSACTIONAL_BIT if transactional else 0,
        )
        request = ProduceRequest(
            self.transactional_id,
            -1,
            1000,
            [ProduceRequestTopic(topic, partition_data=[ProduceRequestPartition(partition, bytes(records))])],
        )
        (rows,) = self.local.call(request, version).responses
        error = int(rows.partition_responses[0].error_code)
        if error == 0:
            self.sequences[key] = sequence + len(values)
        return error

    def send_offsets(
        self,
        group: str,
        topic: str,
        partition: int,
        offset: int,
        *,
        version: int | None = None,
        generation: int = -1,
        member_id: str = "",
    ) -> int:
        """TxnOffsetCommit of one offset; an old client adds the group first unless `version` is given."""
        if version is None:
            version = 5 if self.kind == NEW else 3
            if self.kind == OLD and (error := self.add_offsets(group)):
                return error
        row = TxnOffsetCommitRequestPartition(partition, offset, committed_metadata="m")
        request = TxnOffsetCommitRequest(
            self.transactional_id,
            group,
            self.producer_id,
            self.epoch,
            generation_id=generation,
            member_id=member_id,
            topics=[TxnOffsetCommitRequestTopic(topic, [row])],
        )
        (rows,) = self.local.call(request, version).topics
        return int(rows.partitions[0].error_code)

    def add_offsets(self, group: str, version: int = 3) -> int:
        request = AddOffsetsToTxnRequest(self.transactional_id, self.producer_id, self.epoch, group)
        return int(self.local.call(request, version).error_code)

    def end(self, *, commit: bool, version: int | None = None) -> int:
        if version is None:
            version = 5 if self.kind == NEW else 3
        request = EndTxnRequest(self.transactional_id, self.producer_id, self.epoch, commit)
        answer = self.local.call(request, version)
        if answer.error_code == 0 and version >= 5:
            self._go_on(answer)
        return int(answer.error_code)

    def commit(self) -> int:
        return self.end(commit=True)

    def abort(self) -> int:
        return self.end(commit=False)


def fetch_request(
    topic: str, offsets: dict[int, int], *, committed: bool = True, wait_ms: int = 0, min_bytes: int = 1
) -> FetchRequest:
    rows = [FetchRequestPartition(partition, -1, offset, -1, -1, NO_LIMIT) for partition, offset in offsets.items()]
    return FetchRequest(
        max_wait_ms=wait_ms,
        min_bytes=min_bytes,
        max_bytes=NO_LIMIT,
        isolation_level=int(committed),
        replica_state=FetchRequestReplicaState(),
        topics=[FetchRequestTopic(topic, partitions=rows)],
    )


def fetch(local: LocalBroker, topic: str, offsets: dict[int, int], *, committed: bool = True, version: int = 12) -> Any:
    """The rows of one fetch."""
    response = local.call(fetch_request(topic, offsets, committed=committed), version)
    return [row for asked in response.responses for row in asked.partitions]


def visible(row: Any) -> list[bytes]:
    """The values that a client hands to its user: it drops control batches and what the answer lists as aborted."""
    aborted = sorted((item.first_offset, item.producer_id) for item in row.aborted_transactions or ())
    dropped: set[int] = set()
    values: list[bytes] = []
    position, data = 0, row.records or b""
    while position < len(data):
        header = parse_header(data, position)
        while aborted and aborted[0][0] <= header.last_offset:
            dropped.add(aborted.pop(0)[1])
        batch = data[position : position + header.length]
        if header.attributes & CONTROL_BIT:
            if next(iterate_records(batch)).key == b"\0\0\0\0":
                dropped.discard(header.producer_id)
        elif header.attributes & TRANSACTIONAL_BIT == 0 or header.producer_id not in dropped:
            values += [record.value or b"" for record in iterate_records(batch)]
        position += header.length
    return values


def next_offset(row: Any) -> int:
    """Where a reader of this answer goes on."""
    position = following = 0
    while position < len(row.records):
        header = parse_header(row.records, position)
        position, following = position + header.length, header.next_offset
    return following


def read_committed(local: LocalBroker, topic: str, partition: int, offset: int = 0) -> list[bytes]:
    (row,) = fetch(local, topic, {partition: offset})
    assert row.error_code == 0
    return visible(row)


def read_uncommitted(local: LocalBroker, topic: str, partition: int) -> list[bytes]:
    (row,) = fetch(local, topic, {partition: 0}, committed=False)
    return visible(row)


def committed_offset(
    local: LocalBroker, group: str, topic: str, partitions: Sequence[int] = (0,), *, stable: bool = True
) -> tuple[int, int]:
    """(error, offset) of one committed offset."""
    asked = OffsetFetchRequestGroup(
        group_id=group, topics=[OffsetFetchRequestGroupTopic(name=topic, partition_indexes=list(partitions))]
    )
    (answer,) = local.call(OffsetFetchRequest(groups=[asked], require_stable=stable), 8).groups
    row = answer.topics[0].partitions[0]
    return int(row.error_code), int(row.committed_offset)
