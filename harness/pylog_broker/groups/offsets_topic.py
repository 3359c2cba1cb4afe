"""The journal of the coordinator as an ordinary topic, `__consumer_offsets`, in the storage room."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from harness.pylog_broker.groups.records import MarkerRecord, OffsetRecord, StoredRecord, read_record
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.internal_topic import InternalTopic, OnAppend, StoredRow, ignore_append
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.topic import CONSUMER_OFFSETS

logger = logging.getLogger(__name__)

TOPIC_NAME = CONSUMER_OFFSETS
MESSAGE_BYTES_MAX = 512 << 20
"""A group's metadata is one record, however many members it has; the bound on members' bytes is the real one."""


class OffsetsTopic(InternalTopic):
    """`__consumer_offsets` of one catalog. `on_append` hears of every append, for readers that wait for it."""

    def __init__(self, catalog: Catalog, settings: GroupSettings, on_append: OnAppend = ignore_append) -> None:
        super().__init__(
            catalog,
            TOPIC_NAME,
            partitions=settings.offsets_partitions,
            max_message_bytes=MESSAGE_BYTES_MAX,
            on_append=on_append,
        )

    def records(self) -> Iterator[StoredRecord]:
        """Read everything that is stored, oldest first within each partition; a record that is damaged is left out."""
        for row in self.replay():
            if not isinstance(row, StoredRow):
                partition, marker = row
                yield MarkerRecord(partition, marker.producer_id, marker.committed)
                continue
            try:
                record = read_record(row.key, row.value)
            except MalformedMessage as error:
                logger.error("%s-%d: %s", self.name, row.partition, error)
                continue
            if isinstance(record, OffsetRecord) and row.producer_id >= 0:
                yield record._replace(producer_id=row.producer_id, journal_partition=row.partition)
            elif record is not None:
                yield record
