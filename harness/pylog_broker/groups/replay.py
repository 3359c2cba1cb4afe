"""Reading the journal back: the last record of each key counts, tombstones undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.pylog_broker.groups.consumer_messages import StoredConsumerGroup
from harness.pylog_broker.groups.consumer_records import apply
from harness.pylog_broker.groups.messages import StoredGroup
from harness.pylog_broker.groups.offsets import OffsetTable
from harness.pylog_broker.groups.pending import PendingOffsets
from harness.pylog_broker.groups.records import (
    SHARE_KINDS,
    ConsumerRecord,
    GroupRecord,
    MarkerRecord,
    StoredRecord,
)

if TYPE_CHECKING:
    from harness.pylog_broker.groups.share_messages import StoredShareGroup


class Replay:
    """Groups as stored, while records come in; offsets go straight into their table."""

    def __init__(self, offsets: OffsetTable, pending: PendingOffsets) -> None:
        self.classic_groups: dict[str, StoredGroup] = {}
        self._consumer_groups: dict[str, StoredConsumerGroup] = {}
        self._share_groups: dict[str, StoredShareGroup] = {}
        self._offsets = offsets
        self._pending = pending

    def take(self, record: StoredRecord) -> None:
        """Take in one record, oldest first."""
        if isinstance(record, ConsumerRecord) and record.kind in SHARE_KINDS:
            self._take_share(record)
        elif isinstance(record, ConsumerRecord):
            apply(record, self._consumer_groups.setdefault(record.group_id, StoredConsumerGroup()))
        elif isinstance(record, GroupRecord):
            if record.stored is None:
                self.classic_groups.pop(record.group_id, None)
            else:
                self.classic_groups[record.group_id] = record.stored
        elif isinstance(record, MarkerRecord):
            ended = self._pending.end(record.journal_partition, record.producer_id)
            for key, committed in ended.items() if record.committed else ():
                self._offsets.put(*key, committed)
        elif record.committed is None:
            self._offsets.remove(record.group_id, record.topic, record.partition)
            self._pending.forget(record.group_id, record.topic, record.partition)
        elif record.producer_id >= 0:
            key = (record.group_id, record.topic, record.partition)
            self._pending.add(record.journal_partition, record.producer_id, key, record.committed)
        else:
            self._offsets.put(record.group_id, record.topic, record.partition, record.committed)

    def _take_share(self, record: ConsumerRecord) -> None:
        from harness.pylog_broker.groups.share_messages import StoredShareGroup  # only where there are share groups
        from harness.pylog_broker.groups.share_records import apply as apply_share

        apply_share(record, self._share_groups.setdefault(record.group_id, StoredShareGroup()))

    @property
    def share_groups(self) -> dict[str, StoredShareGroup]:
        """Share groups that have not ended."""
        return {name: stored for name, stored in self._share_groups.items() if stored.epoch is not None}

    @property
    def consumer_groups(self) -> dict[str, StoredConsumerGroup]:
        """Consumer-protocol groups that have not ended."""
        return {name: stored for name, stored in self._consumer_groups.items() if stored.epoch is not None}

    def group_ids(self) -> set[str]:
        """Return every group that has members, a history or offsets."""
        offsets = {*self._offsets.group_ids(), *self._pending.group_ids()}
        return {*self.classic_groups, *self.consumer_groups, *self.share_groups, *offsets}
