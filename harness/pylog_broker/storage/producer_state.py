"""What a partition remembers of idempotent producers (KIP-98): enough to drop duplicates and to find gaps.

Per producer id: its epoch and its last five batches. Producers keep at most five requests in flight, so a batch that is sent
again is among those five. A sequence counts records, wraps from 2^31 - 1 to 0, and starts anew with each epoch.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from harness.pylog_broker.storage.batch import BatchHeader
from harness.pylog_broker.storage.errors import InvalidProducerEpoch, OutOfOrderSequence

SNAPSHOT_KIND = "producer-snapshot"
BATCHES_REMEMBERED = 5
SEQUENCE_MAX = 2**31 - 1
PRODUCERS_MAX = 50_000  # per partition; beyond it the producer that wrote longest ago is forgotten
EXPIRATION_MS = 86_400_000  # producer.id.expiration.ms of Apache Kafka


class SequencedBatch(NamedTuple):
    """One appended batch of a producer."""

    first_sequence: int
    last_sequence: int
    base_offset: int
    append_time_ms: int  # -1 unless the broker stamped it


class Producer:
    """The state of one producer id."""

    __slots__ = ("batches", "epoch", "last_ms")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches: deque[SequencedBatch] = deque(maxlen=BATCHES_REMEMBERED)
        self.last_ms = 0


def last_sequence(first_sequence: int, record_count: int) -> int:
    """Sequence of the last of `record_count` records, wrapping at 2^31 - 1."""
    return (first_sequence + record_count - 1) & SEQUENCE_MAX


class ProducerState:
    """All producers of one partition, those that wrote last at the end."""

    __slots__ = ("_producers",)

    def __init__(self) -> None:
        self._producers: dict[int, Producer] = {}

    def __len__(self) -> int:
        return len(self._producers)

    def check(self, header: BatchHeader) -> SequencedBatch | None:
        """Judge a batch before it is appended: None to append it, or the earlier batch that it repeats.

        Raises InvalidProducerEpoch for an epoch older than the last one, OutOfOrderSequence for a gap. A producer that is
        not known (expired, or its records were deleted) may start at any sequence.
        """
        producer = self._producers.get(header.producer_id)
        if producer is None:
            return None
        if header.producer_epoch != producer.epoch:
            if header.producer_epoch < producer.epoch:
                raise InvalidProducerEpoch(
                    f"producer {header.producer_id} wrote with epoch {header.producer_epoch}, "
                    f"epoch {producer.epoch} is known"
                )
            if header.base_sequence != 0:
                raise OutOfOrderSequence(
                    f"producer {header.producer_id} starts epoch {header.producer_epoch} "
                    f"with sequence {header.base_sequence}, not 0"
                )
            return None
        if not producer.batches:
            return None
        expected = (producer.batches[-1].last_sequence + 1) & SEQUENCE_MAX
        if header.base_sequence == expected:
            return None
        last = last_sequence(header.base_sequence, header.record_count)
        for batch in producer.batches:
            if batch.first_sequence == header.base_sequence and batch.last_sequence == last:
                return batch
        raise OutOfOrderSequence(
            f"producer {header.producer_id} sent sequence {header.base_sequence}, {expected} was expected"
        )

    def update(self, header: BatchHeader, base_offset: int, *, append_time_ms: int, now_ms: int) -> None:
        """Remember a batch that was appended at `base_offset`."""
        producer = self._producers.pop(header.producer_id, None)
        if producer is None or producer.epoch != header.producer_epoch:
            producer = Producer(header.producer_epoch)
        last = (header.base_sequence + header.record_count - 1) & SEQUENCE_MAX
        producer.batches.append(SequencedBatch(header.base_sequence, last, base_offset, append_time_ms))
        producer.last_ms = now_ms
        self._producers[header.producer_id] = producer
        if len(self._producers) > PRODUCERS_MAX:
            del self._producers[next(iter(self._producers))]

    def replay(self, header: BatchHeader) -> None:
        """Remember a batch that was found in the log."""
        if header.producer_id >= 0 and header.base_sequence >= 0:
            stamped = header.attributes & 0x08
            append_time_ms = header.max_timestamp if stamped else -1
            self.update(header, header.base_offset, append_time_ms=append_time_ms, now_ms=header.max_timestamp)

    def expire(self, now_ms: int, *, expiration_ms: int = EXPIRATION_MS) -> int:
        """Forget producers that were silent for `expiration_ms`; how many."""
        silent = [key for key, producer in self._producers.items() if now_ms - producer.last_ms > expiration_ms]
        for key in silent:
            del self._producers[key]
        return len(silent)

    def clear(self) -> None:
        """Forget all producers; each may then start at any sequence."""
        self._producers.clear()

    def to_body(self) -> list[list[Any]]:
        """The state as JSON-ready rows: [producer id, epoch, last write in ms, [[batch], ...]]."""
        return [
            [key, producer.epoch, producer.last_ms, [list(batch) for batch in producer.batches]]
            for key, producer in self._producers.items()
        ]

    @classmethod
    def from_body(cls, body: list[list[Any]]) -> ProducerState:
        """The inverse of `to_body`."""
        state = cls()
        for key, epoch, last_ms, batches in body:
            producer = state._producers[key] = Producer(epoch)
            producer.last_ms = last_ms
            producer.batches.extend(SequencedBatch(*batch) for batch in batches)
        return state
