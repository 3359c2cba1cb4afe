"""An ordinary topic in which the broker itself keeps what must outlive a crash: committed offsets, states of transactions.

It is made at the first use. Its segments are small, so that compaction can let go of old ones soon and a start after
a crash reads little. How durable a record is follows from the broker's defaults for topics, like any other record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.storage.batch import (
    CONTROL_BIT,
    NO_PRODUCER_ID,
    TRANSACTIONAL_BIT,
    build_batch,
    iterate_records,
    parse_header,
)
from harness.pylog_broker.storage.catalog import Catalog, Topic
from harness.pylog_broker.storage.control import Marker, read_marker
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import PartitionLog

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 256 << 10
BATCH_RECORDS_MAX = 500
REPLAY_BYTES = 1 << 20

OnAppend = Callable[[PartitionLog, int], None]
"""Hears of every append and its size in bytes, for readers that wait for it."""


class StoredRow(NamedTuple):
    """A record as replayed. `producer_id` is that of the transaction it belongs to, or -1."""

    partition: int
    producer_id: int
    key: bytes | None
    value: bytes | None


def ignore_append(_log: PartitionLog, _size_bytes: int) -> None:
    """For a topic that nobody waits for."""


class InternalTopic:
    """One internal topic of one catalog, as a journal of records in partitions."""

    def __init__(
        self, catalog: Catalog, name: str, *, partitions: int, max_message_bytes: int, on_append: OnAppend
    ) -> None:
        self.name = name
        self._catalog = catalog
        self._partitions = partitions
        self._config = {
            "cleanup.policy": "compact",
            "segment.bytes": str(SEGMENT_BYTES),
            "max.message.bytes": str(max_message_bytes),
        }
        self._on_append = on_append

    @property
    def partition_count(self) -> int:
        """Partitions of the topic, or those that it will get."""
        topic = self._catalog.topics.get(self.name)
        return len(topic.partitions) if topic is not None else self._partitions

    def append(
        self,
        partition: int,
        records: Sequence[tuple[bytes, bytes | None]],
        now_ms: int,
        producer: tuple[int, int] | None = None,
    ) -> None:
        """Append records in batches; those of a `producer` (id and epoch) belong to its transaction.

        Raises JournalFailed; batches before the failed one stay, which does no harm: the client repeats its request.
        """
        producer_id, epoch = producer or (NO_PRODUCER_ID, -1)
        attributes = TRANSACTIONAL_BIT if producer is not None else 0
        try:
            log = self.ensure().partitions[partition]
            remaining = iter(records)
            while chunk := list(islice(remaining, BATCH_RECORDS_MAX)):
                batch = build_batch(
                    chunk, timestamp_ms=now_ms, producer_id=producer_id, producer_epoch=epoch, attributes=attributes
                )
                log.append(batch, parse_header(batch), now_ms=now_ms)
                self._on_append(log, len(batch))
        except StorageError as error:
            raise JournalFailed(str(error)) from error

    def log(self, partition: int) -> PartitionLog | None:
        """Return a partition's log, or None before the first use."""
        topic = self._catalog.topics.get(self.name)
        return topic.partitions[partition] if topic is not None else None

    def end_offset(self, partition: int) -> int:
        """Return the offset that the next record will get."""
        log = self.log(partition)
        return log.log_end_offset if log is not None else 0

    def size_bytes(self, partition: int) -> int:
        """Return the bytes of all segments of a partition."""
        log = self.log(partition)
        return log.size_bytes if log is not None else 0

    def is_held(self, partition: int) -> bool:
        """Return whether an open transaction has records there, which must not be cut off."""
        log = self.log(partition)
        return log is not None and bool(log.producers.ongoing)

    def cut_before(self, partition: int, offset: int) -> None:
        """Move the log start up; whole segments below it are deleted. Raises JournalFailed."""
        try:
            self.ensure().partitions[partition].delete_records_before(offset)
        except StorageError as error:
            raise JournalFailed(str(error)) from error

    def replay(self) -> Iterator[StoredRow | tuple[int, Marker]]:
        """Read everything that is stored, oldest first within each partition: records, and the ends of transactions.

        A damaged stretch ends the reading of its partition: what lies behind it is missing, and the log says so.
        """
        topic = self._catalog.topics.get(self.name)
        for log in topic.partitions if topic is not None else ():
            try:
                yield from _replay_partition(log)
            except (StorageError, MalformedMessage) as error:
                logger.error(
                    "%s-%d is damaged; what lies behind the damage is lost: %s", self.name, log.partition, error
                )

    def ensure(self) -> Topic:
        """Return the topic, made if need be. Raises StorageError."""
        topic = self._catalog.topics.get(self.name)
        if topic is None:
            topic = self._catalog.create_topic(self.name, self._partitions, self._config, internal=True)
        return topic


def _replay_partition(log: PartitionLog) -> Iterator[StoredRow | tuple[int, Marker]]:
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        piece = log.read(offset, REPLAY_BYTES, limit_offset=log.log_end_offset, at_least_one=True)
        data = memoryview(piece.read())
        if not data:
            return
        position = 0
        while position < len(data):
            header = parse_header(data, position)
            batch = data[position : position + header.length]
            if header.attributes & CONTROL_BIT:
                marker = read_marker(header, batch)
                if marker is not None:
                    yield log.partition, marker
            else:
                producer_id = header.producer_id if header.attributes & TRANSACTIONAL_BIT else NO_PRODUCER_ID
                for row in iterate_records(batch):
                    yield StoredRow(log.partition, producer_id, row.key, row.value)
            position += header.length
            offset = header.next_offset
