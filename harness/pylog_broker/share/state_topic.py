"""The journal of share groups' deliveries as an ordinary topic, `__share_group_state`, in the storage room."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from harness.pylog_broker.internal_topic import InternalTopic, OnAppend, StoredRow
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.share.state_records import StoredState, read_record
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.topic import SHARE_STATE

logger = logging.getLogger(__name__)

MESSAGE_BYTES_MAX = 1 << 20
"""A partition's state is one record: some 22 bytes for each run, of which there are as many as records in flight at most."""


class ShareStateTopic(InternalTopic):
    """`__share_group_state` of one catalog."""

    def __init__(self, catalog: Catalog, partitions: int, on_append: OnAppend) -> None:
        super().__init__(
            catalog, SHARE_STATE, partitions=partitions, max_message_bytes=MESSAGE_BYTES_MAX, on_append=on_append
        )

    def records(self) -> Iterator[StoredState]:
        """Read everything that is stored, oldest first within each partition; a record that is damaged is left out."""
        for row in self.replay():
            if not isinstance(row, StoredRow):
                continue
            try:
                record = read_record(row.key, row.value)
            except MalformedMessage as error:
                logger.error("%s-%d: %s", self.name, row.partition, error)
                continue
            if record is not None:
                yield record
