"""What a partition remembers of producers (KIP-98): enough to drop duplicates, to find gaps, and to know open transactions.

Per producer id: its epoch, its last five batches, and where its open transaction began. Producers keep at most five requests
in flight, so a batch that is sent again is among those five. A sequence counts records, wraps from 2^31 - 1 to 0, and starts
anew with each epoch. A marker ends the transaction and may raise the epoch (KIP-890, or to fence the producer).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.pylog_broker.storage.batch import TRANSACTIONAL_BIT, BatchHeader
from harness.pylog_broker.storage.control import Marker
from harness.pylog_broker.storage.errors import (
    CoordinatorFenced,
    InvalidProducerEpoch,
    InvalidTransactionState,
    OutOfOrderSequence,
)

SNAPSHOT_KIND = "producer-snapshot"
BATCHES_REMEMBERED = 5
SEQUENCE_MAX = 2**31 - 1
PRODUCERS_MAX = 50_000  # per partition; beyond it the producer that wrote longest ago is forgotten
EXPIRATION_MS = 86_400_000  # producer.id.expiration.ms of Apache Kafka
NO_TRANSACTION = -1
NO_COORDINATOR_EPOCH = -1
NO_SEQUENCE = -1


class SequencedBatch(NamedTuple):
    """One appended batch of a producer."""

    first_sequence: int
    last_sequence: int
    base_offset: int
    append_time_ms: int  # -1 unless the broker stamped it


_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


class Producer:
    """The state of one producer id."""

    __slots__ = ("batches", "coordinator_epoch", "epoch", "last_ms")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches: deque[SequencedBatch] = deque(maxlen=BATCHES_REMEMBERED)
        self.last_ms = 0
        self.coordinator_epoch = NO_COORDINATOR_EPOCH
        """Of the coordinator that wrote the last marker."""

    @property
    def last_sequence(self) -> int:
        """Of the record that it wrote last in this epoch, or -1."""
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE


class ActiveProducer(NamedTuple):
    """A producer as DescribeProducers shows it; `transaction_start` is -1 without an open transaction."""

    producer_id: int
    epoch: int
    last_sequence: int
    last_ms: int
    coordinator_epoch: int
    transaction_start: int


def last_sequence(first_sequence: int, record_count: int) -> int:
    """Sequence of the last of `record_count` records, wrapping at 2^31 - 1."""
    return (first_sequence + record_count - 1) & SEQUENCE_MAX


class ProducerState:
    """All producers of one partition, those that wrote last at the end."""

    __slots__ = ("_producers", "ongoing")

    def __init__(self) -> None:
        self._producers: dict[int, Producer] = {}
        self.ongoing: dict[int, int] = {}
        """Producer id -> first offset of its open transaction; in the order of these offsets."""

    def __len__(self) -> int:
        return len(self._producers)

    def __iter__(self) -> Iterator[ActiveProducer]:
        for key, producer in self._producers.items():
            start = self.ongoing.get(key, NO_TRANSACTION)
            yield ActiveProducer(
                key, producer.epoch, producer.last_sequence, producer.last_ms, producer.coordinator_epoch, start
            )

    def is_in_transaction(self, producer_id: int, epoch: int) -> bool:
        """Whether this producer has a transaction open here, begun with this epoch."""
        return producer_id in self.ongoing and self._producers[producer_id].epoch == epoch

    def epoch_of(self, producer_id: int) -> int:
        """The epoch last seen of a producer, or -1."""
        producer = self._producers.get(producer_id)
        return producer.epoch if producer is not None else -1

    def check(self, header: BatchHeader) -> SequencedBatch | None:
        """Judge a batch before it is appended: None to append it, or the earlier batch that it repeats.

        Raises InvalidProducerEpoch for an epoch older than the last one, OutOfOrderSequence for a gap,
        InvalidTransactionState for a plain batch in the middle of a transaction. A producer that is not known (expired, or
        its records were deleted) may start at any sequence.
        """
        producer = self._producers.get(header.producer_id)
        if producer is None:
            return None
        sequence = header.base_sequence
        if header.producer_epoch != producer.epoch:
            if header.producer_epoch < producer.epoch:
                raise InvalidProducerEpoch(
                    f"producer {header.producer_id} wrote with epoch {header.producer_epoch}, "
                    f"epoch {producer.epoch} is known"
                )
            expected = 0
        else:
            batches = producer.batches
            expected = (batches[-1].last_sequence + 1) & SEQUENCE_MAX if batches else 0
        if sequence != expected:
            return self._earlier(producer, header, expected)
        if self.ongoing and header.producer_id in self.ongoing and not header.attributes & TRANSACTIONAL_BIT:
            raise InvalidTransactionState(f"producer {header.producer_id} has a transaction open in this partition")
        return None

    def _earlier(self, producer: Producer, header: BatchHeader, expected: int) -> SequencedBatch | None:
        """The batch that is sent again, or OutOfOrderSequence."""
        if header.base_sequence < 0:
            return None  # the broker's own: it counts nothing, and repeats nothing
        if header.producer_epoch == producer.epoch:
            last = last_sequence(header.base_sequence, header.record_count)
            for batch in producer.batches:
                if batch.first_sequence == header.base_sequence and batch.last_sequence == last:
                    return batch
        raise OutOfOrderSequence(
            f"producer {header.producer_id} sent sequence {header.base_sequence} in epoch {header.producer_epoch}, "
            f"{expected} was expected"
        )

    def update(self, header: BatchHeader, base_offset: int, append_time_ms: int, now_ms: int) -> None:
        """Remember a batch that was appended at `base_offset`."""
        producer_id = header.producer_id
        producer = self._producers.pop(producer_id, None)
        if producer is None or producer.epoch != header.producer_epoch:
            producer = self._renewed(producer, header.producer_epoch)
        sequence = header.base_sequence
        last = (sequence + header.last_offset_delta) & SEQUENCE_MAX  # the record count is less after compaction
        producer.batches.append(_new_tuple(SequencedBatch, (sequence, last, base_offset, append_time_ms)))
        producer.last_ms = now_ms
        self._producers[producer_id] = producer
        if header.attributes & TRANSACTIONAL_BIT and producer_id not in self.ongoing:
            self.ongoing[producer_id] = base_offset
        if len(self._producers) > PRODUCERS_MAX:
            self._forget_oldest()

    def begin(self, header: BatchHeader, base_offset: int, *, now_ms: int) -> None:
        """Remember a transactional batch without a sequence: the coordinators write such ones."""
        producer = self._producers.pop(header.producer_id, None)
        if producer is None or producer.epoch != header.producer_epoch:
            producer = self._renewed(producer, header.producer_epoch)
        producer.last_ms = now_ms
        self._producers[header.producer_id] = producer
        self.ongoing.setdefault(header.producer_id, base_offset)
        if len(self._producers) > PRODUCERS_MAX:
            self._forget_oldest()

    def _renewed(self, producer: Producer | None, epoch: int) -> Producer:
        """The producer in a new epoch, in which its sequence starts anew."""
        renewed = Producer(epoch)
        if producer is not None:
            renewed.coordinator_epoch = producer.coordinator_epoch
        return renewed

    def _forget_oldest(self) -> None:
        for key in self._producers:
            if key not in self.ongoing:
                del self._producers[key]
                return

    def last_batches(self) -> dict[int, tuple[int, int]]:
        """Producer id -> epoch, and base offset of its last batch in that epoch, or -1: what compaction has to leave."""
        return {
            key: (producer.epoch, producer.batches[-1].base_offset if producer.batches else -1)
            for key, producer in self._producers.items()
        }

    def check_marker(self, marker: Marker) -> None:
        """Raise InvalidProducerEpoch or CoordinatorFenced for a marker of a producer epoch or coordinator that is past."""
        producer = self._producers.get(marker.producer_id)
        if producer is None:
            return
        if marker.producer_epoch < producer.epoch:
            raise InvalidProducerEpoch(
                f"a marker with epoch {marker.producer_epoch} for producer {marker.producer_id}, "
                f"epoch {producer.epoch} is known"
            )
        if marker.coordinator_epoch < producer.coordinator_epoch:
            raise CoordinatorFenced(
                f"a marker of coordinator epoch {marker.coordinator_epoch}, {producer.coordinator_epoch} is known"
            )

    def end_transaction(self, marker: Marker, now_ms: int) -> int | None:
        """Apply a marker; the first offset of the transaction that it ended, or None where none was open."""
        producer = self._producers.pop(marker.producer_id, None)
        if producer is None or producer.epoch != marker.producer_epoch:
            producer = self._renewed(producer, marker.producer_epoch)
        producer.coordinator_epoch = marker.coordinator_epoch
        producer.last_ms = now_ms
        self._producers[marker.producer_id] = producer
        if len(self._producers) > PRODUCERS_MAX:
            self._forget_oldest()
        return self.ongoing.pop(marker.producer_id, None)

    def replay(self, header: BatchHeader) -> None:
        """Remember a batch with records that was found in the log."""
        if header.producer_id >= 0 and header.base_sequence >= 0:
            stamped = header.attributes & 0x08
            append_time_ms = header.max_timestamp if stamped else -1
            self.update(header, header.base_offset, append_time_ms, header.max_timestamp)
        elif header.producer_id >= 0 and header.attributes & TRANSACTIONAL_BIT:
            self.begin(header, header.base_offset, now_ms=header.max_timestamp)

    def expire(self, now_ms: int, *, expiration_ms: int = EXPIRATION_MS) -> int:
        """Forget producers that were silent for `expiration_ms` and have no transaction open; how many."""
        silent = [
            key
            for key, producer in self._producers.items()
            if now_ms - producer.last_ms > expiration_ms and key not in self.ongoing
        ]
        for key in silent:
            del self._producers[key]
        return len(silent)

    def clear(self) -> None:
        """Forget all producers; each may then start at any sequence."""
        self._producers.clear()
        self.ongoing.clear()

    def to_body(self) -> list[list[Any]]:
        """The state as JSON-ready rows.

        [producer id, epoch, last write in ms, [[batch], ...], coordinator epoch, first offset of the open transaction or -1]
        """
        return [
            [
                key,
                producer.epoch,
                producer.last_ms,
                [list(batch) for batch in producer.batches],
                producer.coordinator_epoch,
                self.ongoing.get(key, NO_TRANSACTION),
            ]
            for key, producer in self._producers.items()
        ]

    @classmethod
    def from_body(cls, body: list[list[Any]]) -> ProducerState:
        """The inverse of `to_body`; rows of before transactions end after the batches."""
        state = cls()
        starts: list[tuple[int, int]] = []
        for key, epoch, last_ms, batches, *transaction in body:
            producer = state._producers[key] = Producer(epoch)
            producer.last_ms = last_ms
            producer.batches.extend(SequencedBatch(*batch) for batch in batches)
            if transaction:
                producer.coordinator_epoch, start = transaction
                if start != NO_TRANSACTION:
                    starts.append((start, key))
        state.ongoing = {key: start for start, key in sorted(starts)}
        return state
