"""Which records of a batch stay, and what the batch looks like then. Pure.

A tombstone that is seen for the first time gets a delete horizon (KIP-534): attribute bit 6 says that the base timestamp is the
time in ms from which it may go. So does a transaction marker when a cleaning finds nothing left of its transaction. A batch that
lost all records stays, empty, where it is the last one of its producer, because its sequence is what the next batch is compared
with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from harness.pylog_broker.storage.batch import (
    CODEC_MASK,
    CONTROL_BIT,
    DELETE_HORIZON_BIT,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    TRANSACTIONAL_BIT,
    BatchHeader,
    rebuild_batch,
)
from harness.pylog_broker.storage.compression import compress, decompress
from harness.pylog_broker.storage.control import read_marker
from harness.pylog_broker.storage.raw_records import RawRecord, raw_records, shift_timestamp
from harness.pylog_broker.storage.transaction_index import AbortedTransaction

LastBatch = tuple[int, int]
"""Epoch of a producer, and base offset of its last batch in that epoch; -1 where it wrote only a marker."""


class Outcome(NamedTuple):
    """What becomes of a batch: its bytes, or None; and whether they are new."""

    batch: bytes | None
    changed: bool


class AbortedTransactions:
    """Which batches belong to aborted transactions."""

    def __init__(self, rows: Iterable[AbortedTransaction]) -> None:
        self._spans: dict[int, list[tuple[int, int]]] = {}
        for row in sorted(rows, key=lambda row: row.first_offset):
            self._spans.setdefault(row.producer_id, []).append((row.first_offset, row.last_offset))

    def is_aborted(self, producer_id: int, offset: int) -> bool:
        """Whether a transaction that this producer aborted spans `offset`."""
        spans = self._spans.get(producer_id, [])
        slot = bisect_right(spans, offset, key=lambda span: span[0]) - 1
        return slot >= 0 and offset <= spans[slot][1]

    def holds(self, header: BatchHeader) -> bool:
        """Whether a batch with records was aborted."""
        return bool(header.attributes & TRANSACTIONAL_BIT) and self.is_aborted(header.producer_id, header.base_offset)


class Filter:
    """Takes the batches of one log in offset order. `last_offset_of` says where the last record of a key is, or -1."""

    def __init__(
        self,
        *,
        last_offset_of: Callable[[bytes], int],
        aborted: AbortedTransactions,
        last_batches: Mapping[int, LastBatch],
        now_ms: int,
        delete_retention_ms: int,
    ) -> None:
        self._last_offset_of = last_offset_of
        self._aborted = aborted
        self._last_batches = last_batches
        self._now_ms = now_ms
        self._horizon_ms = now_ms + delete_retention_ms
        self._with_data: set[int] = set()

    def take(self, batch: bytes, header: BatchHeader) -> Outcome:
        """Judge one batch."""
        if header.attributes & CONTROL_BIT:
            return self._take_marker(batch, header)
        aborted = self._aborted.holds(header)
        data = decompress(header.attributes & CODEC_MASK, batch[HEADER_SIZE : header.length])
        records = list(raw_records(data, header.record_count))
        expired = bool(header.attributes & DELETE_HORIZON_BIT) and header.base_timestamp <= self._now_ms
        kept = [] if aborted else [row for row in records if self._stays(row, header, expired)]
        if header.attributes & TRANSACTIONAL_BIT:
            self._with_data.add(header.producer_id)
        if not kept and not self._is_last(header):
            return Outcome(None, True)
        tombstones = any(row.is_tombstone for row in kept) and not header.attributes & DELETE_HORIZON_BIT
        if len(kept) == len(records) and not tombstones:
            return Outcome(batch, False)
        return Outcome(self._rebuilt(header, kept, tombstones), True)

    def _stays(self, row: RawRecord, header: BatchHeader, expired: bool) -> bool:
        if row.key is None or self._last_offset_of(row.key) > header.base_offset + row.offset_delta:
            return False
        return not (row.is_tombstone and expired)

    def _is_last(self, header: BatchHeader) -> bool:
        last = self._last_batches.get(header.producer_id)
        if last is None or header.producer_id < 0:
            return False
        epoch, base_offset = last
        if base_offset < 0:
            return bool(header.attributes & CONTROL_BIT) and header.producer_epoch == epoch
        return base_offset == header.base_offset

    def _take_marker(self, batch: bytes, header: BatchHeader) -> Outcome:
        marker = read_marker(header, batch)
        needed = header.producer_id in self._with_data or marker is None
        self._with_data.discard(header.producer_id)
        if needed or self._is_last(header):
            return Outcome(batch, False)
        if not header.attributes & DELETE_HORIZON_BIT:
            records = list(raw_records(batch[HEADER_SIZE : header.length], header.record_count))
            return Outcome(self._rebuilt(header, records, True), True)
        return Outcome(None, True) if header.base_timestamp <= self._now_ms else Outcome(batch, False)

    def _rebuilt(self, header: BatchHeader, kept: list[RawRecord], set_horizon: bool) -> bytes:
        """The batch with these records; offsets, producer and sequence stay."""
        attributes, base_timestamp, newest = header.attributes, header.base_timestamp, header.max_timestamp
        if not kept:
            return rebuild_batch(header, b"", attributes & ~CODEC_MASK, base_timestamp, newest, 0)
        if not attributes & LOG_APPEND_TIME_BIT:
            newest = max(base_timestamp + row.timestamp_delta for row in kept)
        rows = [row.data for row in kept]
        if set_horizon:
            rows = [shift_timestamp(row, base_timestamp - self._horizon_ms) for row in kept]
            attributes, base_timestamp = attributes | DELETE_HORIZON_BIT, self._horizon_ms
        body = compress(attributes & CODEC_MASK, b"".join(rows))
        return rebuild_batch(header, body, attributes, base_timestamp, newest, len(kept))
