"""The journal of the coordinator as an ordinary topic, `__consumer_offsets`, in the storage room.

It is made at the first use. Its segments are small, so that compaction can let go of old ones soon and a start after
a crash reads little. How durable a commit is follows from the broker's defaults for topics, like any other record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.groups.records import JournalRecord, StoredRecord, read_record
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.storage.batch import build_batch, iterate_records, parse_header
from harness.pylog_broker.storage.catalog import Catalog, Topic
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import PartitionLog

logger = logging.getLogger(__name__)

TOPIC_NAME = "__consumer_offsets"
SEGMENT_BYTES = 256 << 10
TOPIC_CONFIG = {
    "cleanup.policy": "compact",
    "segment.bytes": str(SEGMENT_BYTES),
    # A group's metadata is one record, however many members it has; the bound on members' bytes is the real one.
    "max.message.bytes": str(512 << 20),
}
BATCH_RECORDS_MAX = 500
REPLAY_BYTES = 1 << 20


def _ignore_append(_log: PartitionLog, _size_bytes: int) -> None:
    pass


class OffsetsTopic:
    """`__consumer_offsets` of one catalog. `on_append` hears of every append, for readers that wait for it."""

    def __init__(
        self,
        catalog: Catalog,
        settings: GroupSettings,
        on_append: Callable[[PartitionLog, int], None] = _ignore_append,
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._on_append = on_append

    @property
    def partition_count(self) -> int:
        """Partitions of the topic, or those that it will get."""
        topic = self._catalog.topics.get(TOPIC_NAME)
        return len(topic.partitions) if topic is not None else self._settings.offsets_partitions

    def append(self, partition: int, records: Sequence[JournalRecord], now_ms: int) -> None:
        """Append records in batches. Raises JournalFailed; batches before the failed one stay, which does no harm:
        the client repeats its commit.
        """
        try:
            log = self._ensure_topic().partitions[partition]
            remaining = iter(records)
            while chunk := list(islice(remaining, BATCH_RECORDS_MAX)):
                batch = build_batch(chunk, timestamp_ms=now_ms)
                log.append(batch, parse_header(batch), now_ms=now_ms)
                self._on_append(log, len(batch))
        except StorageError as error:
            raise JournalFailed(str(error)) from error

    def end_offset(self, partition: int) -> int:
        """Return the offset that the next record will get."""
        topic = self._catalog.topics.get(TOPIC_NAME)
        return topic.partitions[partition].log_end_offset if topic is not None else 0

    def size_bytes(self, partition: int) -> int:
        """Return the bytes of all segments of a partition."""
        topic = self._catalog.topics.get(TOPIC_NAME)
        return topic.partitions[partition].size_bytes if topic is not None else 0

    def cut_before(self, partition: int, offset: int) -> None:
        """Move the log start up; whole segments below it are deleted. Raises JournalFailed."""
        try:
            self._ensure_topic().partitions[partition].delete_records_before(offset)
        except StorageError as error:
            raise JournalFailed(str(error)) from error

    def replay(self) -> Iterator[StoredRecord]:
        """Read everything that is stored, oldest first within each partition.

        A damaged stretch ends the reading of its partition: what lies behind it is missing, and the log says so.
        """
        topic = self._catalog.topics.get(TOPIC_NAME)
        for log in topic.partitions if topic is not None else ():
            try:
                yield from _replay_partition(log)
            except (StorageError, MalformedMessage) as error:
                logger.error(
                    "%s-%d is damaged; committed offsets behind the damage are lost, and their groups start where "
                    "auto.offset.reset says: %s",
                    log.topic,
                    log.partition,
                    error,
                )

    def _ensure_topic(self) -> Topic:
        topic = self._catalog.topics.get(TOPIC_NAME)
        if topic is None:
            count = self._settings.offsets_partitions
            topic = self._catalog.create_topic(TOPIC_NAME, count, TOPIC_CONFIG, internal=True)
        return topic


def _replay_partition(log: PartitionLog) -> Iterator[StoredRecord]:
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        piece = log.read(offset, REPLAY_BYTES, limit_offset=log.log_end_offset, at_least_one=True)
        data = memoryview(piece.read())
        if not data:
            return
        position = 0
        while position < len(data):
            header = parse_header(data, position)
            for row in iterate_records(data[position : position + header.length]):
                record = read_record(row.key, row.value)
                if record is not None:
                    yield record
            position += header.length
            offset = header.next_offset
