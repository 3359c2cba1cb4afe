"""The state of all share groups' partitions, and how it is written down: the one owner of `SharePartition`.

Records are written before what they say counts, where a client is promised something; see the package's text for what is
written when. Compaction is that of the groups' journal: what is alive is appended once more, then what lies before is cut off.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from harness.pylog_broker.groups.journal import Compaction, JournalFailed, partition_of
from harness.pylog_broker.groups.records import JournalRecord
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.share.partition import Outcome, SharePartition
from harness.pylog_broker.share.sessions import TopicPartition
from harness.pylog_broker.share.state_records import (
    SNAPSHOT,
    UPDATE,
    Key,
    StoredState,
    key_bytes,
    snapshot_value,
    update_value,
)
from harness.pylog_broker.share.state_topic import ShareStateTopic
from harness.pylog_broker.timers import Timers

logger = logging.getLogger(__name__)

COMPACTION_PAUSE_S = 0.01
"""Between two steps of compaction, so that requests come through."""


class ShareStore:
    """Partitions by group; see the module's text."""

    def __init__(
        self,
        journal: ShareStateTopic,
        settings: GroupSettings,
        *,
        timers: Timers,
        monotonic_s: Callable[[], float],
        wall_ms: Callable[[], int],
        leader_epoch: Callable[[UUID, int], int],
    ) -> None:
        self._journal = journal
        self._partitions_max = settings.share_partitions_max
        self._timers = timers
        self._monotonic_s = monotonic_s
        self._wall_ms = wall_ms
        self._leader_epoch = leader_epoch
        self._groups: dict[str, dict[TopicPartition, SharePartition]] = {}
        self._count = 0
        self._compaction_is_due = False
        self._compaction = Compaction[Key](
            journal,
            bytes_min=settings.share_compaction_bytes_min,
            groups_in=self._keys_in,
            records_of=self._records_of,
        )

    # Looking

    def __len__(self) -> int:
        return self._count

    def find(self, key: Key) -> SharePartition | None:
        """Return a partition's state for a group, or None."""
        partitions = self._groups.get(key.group_id)
        return partitions.get((key.topic_id, key.partition)) if partitions is not None else None

    def of_group(self, group_id: str) -> Mapping[TopicPartition, SharePartition]:
        """Return everything that there is state of for a group."""
        return self._groups.get(group_id, {})

    def all_keys(self) -> list[Key]:
        """Return everything that there is state of."""
        return [Key(group_id, *row) for group_id, rows in self._groups.items() for row in rows]

    # Changing

    def ensure(self, keys: Iterable[Key]) -> bool:
        """Make state for what has none yet; False where there is no room, or it cannot be stored."""
        fresh = [key for key in keys if self.find(key) is None]
        if not fresh:
            return True
        if self._count + len(fresh) > self._partitions_max:
            logger.error("group %s: there is state of %d partitions already", fresh[0].group_id, self._count)
            return False
        for key in fresh:
            partition = SharePartition()
            if not self._append(key, [self._snapshot(key, partition)]):
                return False
            self._put(key, partition)
        return True

    def write(self, key: Key, partition: SharePartition, outcome: Outcome | None = None) -> bool:
        """Write down what will change, or else only where a partition begins; False when that was not possible."""
        changed, start, completed = outcome or ((), partition.start_offset, partition.completed_count)
        value = update_value(
            start,
            [batch for batch in changed if batch.last >= start],
            leader_epoch=self._leader_epoch(key.topic_id, key.partition),
            completed_count=completed,
        )
        return self._append(key, [(key_bytes(key, UPDATE), value)])

    def move(self, key: Key, start_offset: int) -> bool:
        """Have a partition begin elsewhere, as an administrator wants it."""
        before = self.find(key)
        partition = SharePartition(start_offset, before.state_epoch + 1 if before is not None else 0)
        if before is None and self._count >= self._partitions_max:
            return False
        if not self._append(key, [self._snapshot(key, partition)]):
            return False
        self._put(key, partition)
        return True

    def forget(self, keys: Sequence[Key]) -> bool:
        """Drop state; False when that cannot be stored, and then it stays."""
        for key in keys:
            if self.find(key) is None:
                continue
            if not self._append(key, [(key_bytes(key, kind), None) for kind in (UPDATE, SNAPSHOT)]):
                return False
            self._drop(key)
        return True

    def _put(self, key: Key, partition: SharePartition) -> None:
        rows = self._groups.setdefault(key.group_id, {})
        self._count += (key.topic_id, key.partition) not in rows
        rows[key.topic_id, key.partition] = partition

    def _drop(self, key: Key) -> None:
        rows = self._groups.get(key.group_id, {})
        if rows.pop((key.topic_id, key.partition), None) is not None:
            self._count -= 1
        if not rows:
            self._groups.pop(key.group_id, None)

    # The journal

    def restore(self) -> None:
        """Replay the journal."""
        for record in self._journal.records():
            self._take(record)
        for partition in range(self._journal.partition_count):
            self._compaction.consider(partition)
        self._go_on_compacting()

    def _take(self, record: StoredState) -> None:
        if record.is_tombstone:
            self._drop(record.key)
            return
        partition = self.find(record.key)
        if record.kind == SNAPSHOT:
            partition = SharePartition(state_epoch=record.state_epoch)
            self._put(record.key, partition)
        if partition is not None:
            partition.restore(record.start_offset, record.batches)

    def _append(self, key: Key, records: Sequence[JournalRecord]) -> bool:
        number = self.journal_partition(key)
        try:
            self._journal.append(number, records, self._wall_ms())
        except JournalFailed as error:
            logger.error("state of %s could not be stored: %s", key.text, error)
            return False
        self._compaction.consider(number)
        self._go_on_compacting()
        return True

    def journal_partition(self, key: Key) -> int:
        """Return the partition of `__share_group_state` that a partition's state is in."""
        return partition_of(key.text, self._journal.partition_count)

    def _snapshot(self, key: Key, partition: SharePartition) -> JournalRecord:
        value = snapshot_value(
            partition.start_offset,
            partition.state_batches(),
            state_epoch=partition.state_epoch,
            leader_epoch=self._leader_epoch(key.topic_id, key.partition),
            completed_count=partition.completed_count,
            now_ms=self._wall_ms(),
        )
        return key_bytes(key, SNAPSHOT), value

    def _keys_in(self, number: int) -> list[Key]:
        return [key for key in self.all_keys() if self.journal_partition(key) == number]

    def _records_of(self, key: Key) -> Iterator[JournalRecord]:
        partition = self.find(key)
        if partition is not None:
            yield self._snapshot(key, partition)

    def _go_on_compacting(self) -> None:
        if self._compaction.running and not self._compaction_is_due:
            self._compaction_is_due = True
            self._timers.schedule(self._monotonic_s() + COMPACTION_PAUSE_S, self._compact)

    def _compact(self) -> None:
        self._compaction_is_due = False
        try:
            self._compaction.step(self._wall_ms())
        except JournalFailed as error:
            logger.error("compaction of the share groups' state stopped: %s", error)
        self._go_on_compacting()
