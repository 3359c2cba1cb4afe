"""The table of all groups of one broker: which there are, when they want to be called, and how they are written down.

`coordinator` answers requests on top of it. Whatever must survive a crash is in the journal before the answer that
promises it is returned.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from harness.pylog_broker.groups.classic import ClassicGroup
from harness.pylog_broker.groups.journal import Compaction, Journal, JournalFailed, partition_of
from harness.pylog_broker.groups.messages import Answer, Instant
from harness.pylog_broker.groups.migration import downgraded, may_upgrade, upgraded
from harness.pylog_broker.groups.mixed_group import MixedGroup
from harness.pylog_broker.groups.offsets import OffsetTable, is_expired
from harness.pylog_broker.groups.pending import PendingOffsets
from harness.pylog_broker.groups.records import (
    JournalRecord,
    StoredRecord,
    offset_key,
    offset_value,
)
from harness.pylog_broker.groups.replay import Replay
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.states import GroupState
from harness.pylog_broker.groups.subscription import CONSUMER_PROTOCOL_TYPE
from harness.pylog_broker.groups.topic_image import NoTopics, TopicImage
from harness.pylog_broker.protocol.primitives import MalformedMessage

if TYPE_CHECKING:
    from harness.pylog_broker.groups.share_group import ShareGroup

logger = logging.getLogger(__name__)

Group: TypeAlias = "ClassicGroup | MixedGroup | ShareGroup"

COMPACTION_PAUSE_S = 0.01
"""Between two steps of compaction, so that requests come through."""

STALE_ALARMS_MAX = 1_000
"""Alarms of groups that have gone or moved on are kept until they ring, up to this many more than live ones."""

RECLAIM_PAUSE_S = 1.0
"""How often a broker that is full of groups looks for some that can go."""


class GroupTable:
    """Groups and committed offsets; `next_deadline_s` is the one instant at which `tick` wants to be called."""

    def __init__(
        self, settings: GroupSettings, journal: Journal, now: Instant, topics: TopicImage | None = None
    ) -> None:
        self.settings = settings
        self._journal = journal
        self._topics = topics if topics is not None else NoTopics()
        self._groups: dict[str, Group] = {}
        self._offsets = OffsetTable(settings)
        self._pending = PendingOffsets()
        self._member_bytes = 0
        self._alarms: list[tuple[float, str]] = []
        self._armed: dict[str, float] = {}
        """Group -> the alarm that counts; other entries of the heap are stale."""
        self._sweep_at_s = now.monotonic_s + settings.offsets_retention_check_interval_ms / 1000
        self._reclaimed_at_s = float("-inf")
        self._compact_at_s = float("inf")
        self._compaction = Compaction(
            journal,
            bytes_min=settings.compaction_bytes_min,
            groups_in=self._groups_in,
            records_of=self._records_of,
        )

    # Time

    @property
    def next_deadline_s(self) -> float:
        """Monotonic second at which `tick` next has something to do."""
        alarm_s = self._alarms[0][0] if self._alarms else float("inf")
        return min(alarm_s, self._sweep_at_s, self._compact_at_s)

    def tick(self, now: Instant) -> list[Answer]:
        """Let deadlines that have passed take effect; return the answers that became due."""
        answers: list[Answer] = []
        while self._alarms and self._alarms[0][0] <= now.monotonic_s:
            deadline_s, group_id = heapq.heappop(self._alarms)
            if self._armed.get(group_id) != deadline_s:
                continue
            del self._armed[group_id]
            group = self._groups[group_id]
            bytes_before = group.bytes_held
            answers += self._settle(group, group.tick(now), bytes_before, now)
        if self._sweep_at_s <= now.monotonic_s:
            self._sweep_at_s = now.monotonic_s + self.settings.offsets_retention_check_interval_ms / 1000
            self._sweep(now)
        if self._compact_at_s <= now.monotonic_s:
            self._compact(now)
        return answers

    def restore(self, records: Iterable[StoredRecord], topics: Collection[str], now: Instant) -> None:
        """Replay the journal, oldest first. Offsets of topics that are not in `topics` are dropped for good."""
        replay = Replay(self._offsets, self._pending)
        for record in records:
            replay.take(record)
        consumer_groups, share_groups = replay.consumer_groups, replay.share_groups
        for group_id in replay.group_ids():
            group: Group
            if group_id in consumer_groups:
                stored = consumer_groups[group_id]
                group = MixedGroup.restored(group_id, stored, self.settings, self._topics, now)
            elif group_id in share_groups:
                from harness.pylog_broker.groups.share_group import ShareGroup  # only where there are share groups

                group = ShareGroup.restored(group_id, share_groups[group_id], self.settings, self._topics, now)
            elif group_id in replay.classic_groups:
                group = ClassicGroup.restored(group_id, replay.classic_groups[group_id], self.settings, now)
            else:
                group = self._create(group_id, now)
            self._groups[group_id] = group
            self._member_bytes += group.bytes_held
            self._arm(group)
        for topic in self._offsets.topics().difference(topics):
            self.forget_topic(topic, now)
        for partition in range(self._journal.partition_count):
            self._compaction.consider(partition)
        self._schedule_compaction(now)

    def forget_topic(self, topic: str, now: Instant) -> None:
        """Drop the offsets of a topic that has been deleted: a new one of that name begins at 0."""
        by_group: dict[str, list[tuple[str, int]]] = {}
        for group_id, partition in self._offsets.keys_of_topic(topic):
            by_group.setdefault(group_id, []).append((topic, partition))
        for group_id, partition in self._pending.keys_of_topic(topic):
            by_group.setdefault(group_id, []).append((topic, partition))
        for group_id, keys in by_group.items():
            self._remove_offsets(group_id, keys, now)

    # Keeping the table

    def _has_room_for_a_group(self, now: Instant) -> bool:
        if len(self._groups) < self.settings.groups_max:
            return True
        if now.monotonic_s - self._reclaimed_at_s >= RECLAIM_PAUSE_S:
            self._reclaimed_at_s = now.monotonic_s
            self._sweep(now)
        return len(self._groups) < self.settings.groups_max

    def _group_to_join(self, group_id: str, now: Instant) -> Group:
        """Return the group that a classic member joins, made if need be."""
        group = self._groups.get(group_id)
        if group is None:
            return self._create(group_id, now)
        if isinstance(group, MixedGroup) and group.is_empty and self._write(group_id, group.tombstones(), now):
            self._forget(group)
            return self._create(group_id, now)
        return group

    def _successor(self, group: ClassicGroup, now: Instant) -> MixedGroup | None:
        """Return what a classic group is to become, not yet in its place; None where it has to stay what it is."""
        if group.is_empty:
            return MixedGroup(group.group_id, self.settings, self._topics, now)
        if not may_upgrade(group, self.settings):
            return None
        try:
            return upgraded(group, self.settings, self._topics, now)
        except MalformedMessage as error:
            logger.warning("group %s cannot change its protocol: %s", group.group_id, error)
            return None

    def _upgrade(self, group: ClassicGroup, successor: MixedGroup, now: Instant) -> list[Answer] | None:
        """Put a successor in place; answers to those who waited for the classic group, None when it cannot be stored."""
        tombstones = group.tombstones() if group.generation else []
        if not self._write(group.group_id, [*tombstones, *successor.unsaved_records()], now):
            return None
        successor.saved()
        self._replace(group, successor)
        logger.info("group %s is one of the consumer protocol now", group.group_id)
        return group.dissolve()

    def _downgrade(self, group: MixedGroup, now: Instant, *, rebalance: bool) -> bool:
        """Make a group that has only classic members left a classic one; False when that cannot be stored."""
        successor = downgraded(group, self.settings, self._topics, now)
        if rebalance:
            successor.leader_id = (
                None  # as stored: after a crash too all have to join anew, lest something stays unread
            )
        if not self._write(group.group_id, [*group.tombstones(), *successor.records()], now):
            return False
        if rebalance:
            successor.begin_rebalance(now)
        self._replace(group, successor)
        logger.info("group %s is one of the classic protocol now", group.group_id)
        return True

    def _replace(self, group: Group, successor: Group) -> None:
        self._forget(group)
        self._groups[successor.group_id] = successor
        self._member_bytes += successor.bytes_held
        self._arm(successor)

    def _create(self, group_id: str, now: Instant) -> ClassicGroup:
        group = self._groups[group_id] = ClassicGroup(group_id, self.settings, now)
        return group

    def _settle(self, group: Group, answers: list[Answer], bytes_before: int, now: Instant) -> list[Answer]:
        """Do what every change of a group asks for: store it, watch its deadline, count it, drop it if it is void."""
        # A failure is logged and otherwise borne: after a crash the members would be told to join anew.
        self._store(group, bytes_before, now)
        return answers

    def _store(self, group: Group, bytes_before: int, now: Instant, *, rebalance: bool = True) -> bool:
        """The same; return whether it is stored. `rebalance`: whether a downgrade makes the members join anew."""
        self._member_bytes += group.bytes_held - bytes_before
        if isinstance(group, MixedGroup) and group.downgrade_due:
            stored = self._downgrade(group, now, rebalance=rebalance)
        else:
            stored = self._save(group, now)
        self._arm(self._groups[group.group_id])
        self._forget_if_idle(group.group_id)
        return stored

    def _save(self, group: Group, now: Instant) -> bool:
        stored = self._write(group.group_id, group.unsaved_records(), now)
        if stored:
            group.saved()
        return stored

    def _arm(self, group: Group) -> None:
        if group.wake_at_s >= self._armed.get(group.group_id, float("inf")):
            return
        self._armed[group.group_id] = group.wake_at_s
        heapq.heappush(self._alarms, (group.wake_at_s, group.group_id))
        if len(self._alarms) > 2 * len(self._armed) + STALE_ALARMS_MAX:
            self._alarms = [(deadline_s, group_id) for group_id, deadline_s in self._armed.items()]
            heapq.heapify(self._alarms)

    def _forget_if_idle(self, group_id: str) -> None:
        group = self._groups[group_id]
        if group.never_lived and group.is_vacant and not self._has_offsets(group_id):
            self._forget(group)

    def _has_offsets(self, group_id: str) -> bool:
        return group_id in self._offsets or group_id in self._pending

    def _forget(self, group: Group) -> None:
        if isinstance(group, ClassicGroup):
            group.state = GroupState.DEAD
        self._member_bytes -= group.bytes_held
        del self._groups[group.group_id]
        self._armed.pop(group.group_id, None)

    def _sweep(self, now: Instant) -> None:
        """Drop offsets that have expired, and groups that have neither members nor offsets."""
        for group_id, group in list(self._groups.items()):
            expired = self._expired_offsets(group, now)
            if expired and not self._remove_offsets(group_id, expired, now):
                return
            void = group.is_vacant and not self._has_offsets(group_id)
            if void and self._write(group_id, group.tombstones(), now):
                self._forget(group)

    def _expired_offsets(self, group: Group, now: Instant) -> list[tuple[str, int]]:
        in_use: frozenset[str] | None = frozenset()
        counted_from_ms: int | None = None
        if group.is_empty:
            counted_from_ms = group.state_since_ms if group.protocol_type else None
        elif isinstance(group, MixedGroup) or (
            group.state is GroupState.STABLE and group.protocol_type == CONSUMER_PROTOCOL_TYPE
        ):
            in_use = group.topics_in_use()
        else:
            return []
        retention_ms = self.settings.offsets_retention_minutes * 60_000
        return [
            (topic, partition)
            for topic, partitions in self._offsets.of_group(group.group_id).items()
            if in_use is not None and topic not in in_use
            for partition, committed in partitions.items()
            if is_expired(committed, counted_from_ms, retention_ms, now.wall_ms)
        ]

    # The journal

    def _write(
        self,
        group_id: str,
        records: Sequence[JournalRecord],
        now: Instant,
        producer: tuple[int, int] | None = None,
    ) -> bool:
        if not records:
            return True
        partition = partition_of(group_id, self._journal.partition_count)
        try:
            self._journal.append(partition, records, now.wall_ms, producer)
        except JournalFailed as error:
            logger.error("group %s: %d records could not be stored: %s", group_id, len(records), error)
            return False
        self._compaction.consider(partition)
        self._schedule_compaction(now)
        return True

    def _remove_offsets(self, group_id: str, keys: Sequence[tuple[str, int]], now: Instant) -> bool:
        pending = self._pending.of_group(group_id)
        present = [key for key in keys if key in pending or self._offsets.get(group_id, *key) is not None]
        if not self._write(group_id, [(offset_key(group_id, *key), None) for key in present], now):
            return False
        for key in present:
            self._offsets.remove(group_id, *key)
            self._pending.forget(group_id, *key)
        return True

    def _schedule_compaction(self, now: Instant) -> None:
        due_s = now.monotonic_s + COMPACTION_PAUSE_S
        self._compact_at_s = min(self._compact_at_s, due_s) if self._compaction.running else float("inf")

    def _compact(self, now: Instant) -> None:
        try:
            self._compaction.step(now.wall_ms)
        except JournalFailed as error:
            logger.error("compaction of the committed offsets stopped: %s", error)
        self._compact_at_s = float("inf")
        self._schedule_compaction(now)

    def _groups_in(self, partition: int) -> list[str]:
        count = self._journal.partition_count
        return [group_id for group_id in self._groups if partition_of(group_id, count) == partition]

    def _records_of(self, group_id: str) -> Iterator[JournalRecord]:
        group = self._groups.get(group_id)
        if group is None:
            return
        yield from group.records()
        for topic, partitions in self._offsets.of_group(group_id).items():
            for partition, committed in partitions.items():
                yield offset_key(group_id, topic, partition), offset_value(committed)
