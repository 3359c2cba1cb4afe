"""The owner of all groups and committed offsets of one broker.

Requests come with the time, answers go back with the tokens of the requests they belong to; `next_deadline_s` is the
one instant at which `tick` wants to be called, and the caller arms one timer for it. Whatever must survive a crash is
in the journal before the answer that promises it is returned.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.pylog_broker.groups.classic import ClassicGroup
from harness.pylog_broker.groups.consumer_group import ConsumerGroup, Refused
from harness.pylog_broker.groups.consumer_member import JOIN_EPOCH
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat, ConsumerReply
from harness.pylog_broker.groups.journal import Compaction, Journal, JournalFailed, partition_of
from harness.pylog_broker.groups.messages import (
    Answer,
    DescribedGroup,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.offsets import OffsetTable, is_expired
from harness.pylog_broker.groups.pending import PendingOffsets
from harness.pylog_broker.groups.records import (
    NO_EXPIRY,
    CommittedOffset,
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
from harness.pylog_broker.protocol.errors import ErrorCode

logger = logging.getLogger(__name__)

Group = ClassicGroup | ConsumerGroup

COMPACTION_PAUSE_S = 0.01
"""Between two steps of compaction, so that requests come through."""

STALE_ALARMS_MAX = 1_000
"""Alarms of groups that have gone or moved on are kept until they ring, up to this many more than live ones."""

RECLAIM_PAUSE_S = 1.0
"""How often a broker that is full of groups looks for some that can go."""


NAME_BYTES_MAX = 32_767
"""What the classic encoding of a string can carry: longer names could not be stored or described again."""


PROTOCOLS_MAX = 100
"""Protocols that one member may offer; clients offer a handful."""


class PartitionCommit(NamedTuple):
    """One position to commit."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int
    metadata: str


class CommitRequest(NamedTuple):
    """OffsetCommit; generation -1 and an empty member id for a standalone consumer. `retention_ms` -1: the default."""

    member_id: str
    instance_id: str | None
    generation: int
    retention_ms: int
    offsets: Sequence[PartitionCommit]
    knows_epochs: bool = False
    """Version 9 and later: the generation may be the epoch of a consumer-protocol member."""
    producer: tuple[int, int] | None = None
    """Producer id and epoch of the transaction that the commit belongs to (TxnOffsetCommit)."""


class GroupCoordinator:
    """All groups of one broker; see the module's text."""

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

    # Membership

    def join(self, group_id: str, request: JoinRequest, token: Hashable, now: Instant) -> list[Answer]:
        """JoinGroup: the answer to `token` is among those returned, or comes from a later call."""
        error = self._refuse_join(group_id, request, now)
        if error is not ErrorCode.NONE:
            return [Answer(token, JoinReply(error, request.member_id))]
        group = self._classic_group_to_join(group_id, now)
        if group is None:
            return [Answer(token, JoinReply(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.member_id))]
        bytes_before = group.bytes_held
        return self._settle(group, group.join(request, token, now), bytes_before, now)

    def sync(self, group_id: str, request: SyncRequest, token: Hashable, now: Instant) -> list[Answer]:
        """SyncGroup: the answer to `token` is among those returned, or comes from a later call."""
        group = self._classic(group_id)
        error = ErrorCode.UNKNOWN_MEMBER_ID if group_id else ErrorCode.INVALID_GROUP_ID
        if group is None:
            return [Answer(token, SyncReply(error))]
        size = sum(len(assignment) for assignment in request.assignments.values())
        if self._member_bytes + size > self.settings.member_bytes_total_max:
            return [Answer(token, SyncReply(ErrorCode.GROUP_MAX_SIZE_REACHED))]
        bytes_before = group.bytes_held
        return self._settle(group, group.sync(request, token, now), bytes_before, now)

    def heartbeat(
        self, group_id: str, member_id: str, instance_id: str | None, generation: int, now: Instant
    ) -> ErrorCode:
        """Heartbeat."""
        group = self._classic(group_id)
        if group is None:
            return ErrorCode.UNKNOWN_MEMBER_ID if group_id else ErrorCode.INVALID_GROUP_ID
        return group.heartbeat(member_id, instance_id, generation, now)

    def leave(
        self, group_id: str, identities: Sequence[MemberIdentity], now: Instant
    ) -> tuple[list[ErrorCode], list[Answer]]:
        """LeaveGroup: one error code for each identity, and the answers that the departures made due."""
        group = self._classic(group_id)
        if group is None:
            error = ErrorCode.UNKNOWN_MEMBER_ID if group_id else ErrorCode.INVALID_GROUP_ID
            return [error] * len(identities), []
        bytes_before = group.bytes_held
        errors: list[ErrorCode] = []
        answers: list[Answer] = []
        for identity in identities:
            error, due = group.leave(identity, now)
            errors.append(error)
            answers += due
        return errors, self._settle(group, answers, bytes_before, now)

    def consumer_heartbeat(self, group_id: str, request: ConsumerHeartbeat, now: Instant) -> ConsumerReply:
        """ConsumerGroupHeartbeat (KIP-848)."""
        if not _fits_bytes(group_id, NAME_BYTES_MAX):
            return ConsumerReply(ErrorCode.INVALID_GROUP_ID, "The group id is too long.")
        group = self._groups.get(group_id)
        if isinstance(group, ClassicGroup) and group.is_vacant and request.epoch == JOIN_EPOCH:
            group = self._change_protocol(group, now)
        elif group is None and request.epoch == JOIN_EPOCH:
            if not self._has_room_for_a_group(now):
                return ConsumerReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker is full of groups.")
            group = self._groups[group_id] = ConsumerGroup(group_id, self.settings, self._topics, now)
        if not isinstance(group, ConsumerGroup):
            what = "not found" if group is None else "is not a consumer group"
            return ConsumerReply(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {what}.")
        if self._member_bytes + _bytes_of(request) > self.settings.member_bytes_total_max:
            return ConsumerReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker has no room for more members.")
        bytes_before = group.bytes_held
        try:
            reply = group.heartbeat(request, now)
        except Refused as refusal:
            reply = ConsumerReply(refusal.error, str(refusal))
        self._member_bytes += group.bytes_held - bytes_before
        stored = self._save(group, now)
        self._arm(group)
        self._forget_if_idle(group_id)
        if not stored and reply.error is ErrorCode.NONE:
            # The epoch was not written down, so it is not promised: the member asks again, and so does the write.
            return ConsumerReply(ErrorCode.COORDINATOR_NOT_AVAILABLE, "The group could not be stored.")
        return reply

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

    # Offsets

    def commit(self, group_id: str, request: CommitRequest, now: Instant) -> list[ErrorCode]:
        """OffsetCommit and TxnOffsetCommit: one error code for each offset, in order."""
        error = self._refuse_commit(group_id, request, now)
        if error is not ErrorCode.NONE:
            return [error] * len(request.offsets)
        group = self._groups[group_id]
        expire_ms = now.wall_ms + request.retention_ms if request.retention_ms >= 0 else NO_EXPIRY
        errors: list[ErrorCode] = []
        admitted: list[tuple[PartitionCommit, CommittedOffset]] = []
        for row in request.offsets:
            error = self._refuse_offset(group_id, row)
            if error is ErrorCode.NONE and isinstance(group, ConsumerGroup):
                error = group.refuse_partition(request.member_id, request.generation, row.topic, row.partition)
            errors.append(error)
            if error is ErrorCode.NONE:
                position = CommittedOffset(row.offset, row.leader_epoch, row.metadata, now.wall_ms, expire_ms)
                admitted.append((row, position))
        records = [
            (offset_key(group_id, row.topic, row.partition), offset_value(position)) for row, position in admitted
        ]
        if self._write(group_id, records, now, request.producer):
            for row, position in admitted:
                self._keep(group_id, row, position, request.producer)
        else:
            failed = ErrorCode.COORDINATOR_NOT_AVAILABLE
            errors = [failed if error is ErrorCode.NONE else error for error in errors]
        self._forget_if_idle(group_id)
        return errors

    def _keep(
        self, group_id: str, row: PartitionCommit, position: CommittedOffset, producer: tuple[int, int] | None
    ) -> None:
        if producer is None:
            self._offsets.put(group_id, row.topic, row.partition, position)
        else:
            key = (group_id, row.topic, row.partition)
            self._pending.add(self.journal_partition(group_id), producer[0], key, position)

    def journal_partition(self, group_id: str) -> int:
        """Return the partition of `__consumer_offsets` that a group's offsets are in."""
        return partition_of(group_id, self._journal.partition_count)

    def end_transaction(self, journal_partition: int, producer_id: int, now: Instant, *, committed: bool) -> None:
        """A producer's transaction has its marker in a journal partition: its offsets count now, or never."""
        for key, position in self._pending.end(journal_partition, producer_id).items():
            if committed:
                self._offsets.put(*key, position)
            elif key[0] in self._groups:
                self._forget_if_idle(key[0])
        self._compaction.consider(journal_partition)
        self._schedule_compaction(now)

    def unstable(self, group_id: str) -> Collection[tuple[str, int]]:
        """Return the (topic, partition) pairs of a group whose offset an open transaction may change."""
        return self._pending.of_group(group_id).keys()

    def committed(self, group_id: str) -> Mapping[str, Mapping[int, CommittedOffset]]:
        """Return topic -> partition -> committed offset of a group; empty for an unknown one."""
        return self._offsets.of_group(group_id)

    def delete_offsets(
        self, group_id: str, keys: Sequence[tuple[str, int]], now: Instant
    ) -> ErrorCode | list[ErrorCode]:
        """OffsetDelete: an error for all, or one for each (topic, partition)."""
        group = self._groups.get(group_id)
        if group is None:
            return ErrorCode.GROUP_ID_NOT_FOUND
        in_use: frozenset[str] | None = frozenset()
        if not group.is_empty:
            if group.protocol_type != CONSUMER_PROTOCOL_TYPE:
                return ErrorCode.NON_EMPTY_GROUP
            in_use = group.topics_in_use()
        deletable = [key for key in keys if in_use is not None and key[0] not in in_use]
        if not self._remove_offsets(group_id, deletable, now):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        free = set(deletable)
        return [ErrorCode.NONE if key in free else ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC for key in keys]

    def forget_topic(self, topic: str, now: Instant) -> None:
        """Drop the offsets of a topic that has been deleted: a new one of that name begins at 0."""
        by_group: dict[str, list[tuple[str, int]]] = {}
        for group_id, partition in self._offsets.keys_of_topic(topic):
            by_group.setdefault(group_id, []).append((topic, partition))
        for group_id, partition in self._pending.keys_of_topic(topic):
            by_group.setdefault(group_id, []).append((topic, partition))
        for group_id, keys in by_group.items():
            self._remove_offsets(group_id, keys, now)

    # Administration

    def describe(self, group_id: str) -> DescribedGroup | None:
        """Return a group for DescribeGroups, or None when there is no classic one of that name."""
        group = self._classic(group_id)
        return group.described() if group is not None else None

    def find(self, group_id: str) -> Group | None:
        """Return a group of whatever kind, or None."""
        return self._groups.get(group_id)

    def groups(self) -> Iterator[Group]:
        """Return every group, for ListGroups."""
        return iter(self._groups.values())

    def delete(self, group_id: str, now: Instant) -> ErrorCode:
        """DeleteGroups, for one group: only without members."""
        group = self._groups.get(group_id)
        if group is None:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if not group.is_empty:
            return ErrorCode.NON_EMPTY_GROUP
        keys = list({*self._offsets.keys_of_group(group_id), *self._pending.of_group(group_id)})
        tombstones: list[JournalRecord] = [(offset_key(group_id, *key), None) for key in keys]
        if not self._write(group_id, [*tombstones, *group.tombstones()], now):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        for key in keys:
            self._offsets.remove(group_id, *key)
            self._pending.forget(group_id, *key)
        self._forget(group)
        return ErrorCode.NONE

    def restore(self, records: Iterable[StoredRecord], topics: Collection[str], now: Instant) -> None:
        """Replay the journal, oldest first. Offsets of topics that are not in `topics` are dropped for good."""
        replay = Replay(self._offsets, self._pending)
        for record in records:
            replay.take(record)
        consumer_groups = replay.consumer_groups
        for group_id in replay.group_ids():
            group: Group
            if group_id in consumer_groups:
                stored = consumer_groups[group_id]
                group = ConsumerGroup.restored(group_id, stored, self.settings, self._topics, now)
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

    # Guards

    def _refuse_join(self, group_id: str, request: JoinRequest, now: Instant) -> ErrorCode:
        if not group_id or not _fits_bytes(group_id, NAME_BYTES_MAX):
            return ErrorCode.INVALID_GROUP_ID
        if len(request.protocols) > PROTOCOLS_MAX:
            return ErrorCode.INVALID_REQUEST
        names = [request.instance_id or "", request.protocol_type, *(offer.name for offer in request.protocols)]
        if not all(_fits_bytes(name, NAME_BYTES_MAX) for name in names):
            return ErrorCode.INVALID_REQUEST
        settings = self.settings
        if not settings.session_timeout_ms_min <= request.session_timeout_ms <= settings.session_timeout_ms_max:
            return ErrorCode.INVALID_SESSION_TIMEOUT
        size = sum(len(offer.metadata) for offer in request.protocols)
        if self._member_bytes + size > settings.member_bytes_total_max:
            return ErrorCode.GROUP_MAX_SIZE_REACHED
        if group_id in self._groups:
            return ErrorCode.NONE
        if request.member_id:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return ErrorCode.NONE if self._has_room_for_a_group(now) else ErrorCode.GROUP_MAX_SIZE_REACHED

    def _refuse_commit(self, group_id: str, request: CommitRequest, now: Instant) -> ErrorCode:
        group = self._groups.get(group_id)
        if group is not None and request.producer is not None and _names_no_member(request):
            return ErrorCode.NONE  # the transaction is what is checked; older clients do not say who they are
        if group is not None:
            return group.admit_commit(
                request.member_id, request.instance_id, request.generation, now, knows_epochs=request.knows_epochs
            )
        if not _fits_bytes(group_id, NAME_BYTES_MAX):
            return ErrorCode.INVALID_GROUP_ID  # an empty one is fine here, as ever: standalone consumers use it
        if request.generation >= 0:
            return ErrorCode.GROUP_ID_NOT_FOUND if request.knows_epochs else ErrorCode.ILLEGAL_GENERATION
        if not self._has_room_for_a_group(now):
            return ErrorCode.GROUP_MAX_SIZE_REACHED
        self._create(group_id, now)
        return ErrorCode.NONE

    def _refuse_offset(self, group_id: str, row: PartitionCommit) -> ErrorCode:
        if not _fits_bytes(row.metadata, self.settings.offset_metadata_bytes_max):
            return ErrorCode.OFFSET_METADATA_TOO_LARGE
        offsets, pending = self._offsets, self._pending
        if not offsets.has_room(
            group_id, row.topic, row.partition, row.metadata, pending.count, pending.metadata_bytes
        ):
            return ErrorCode.POLICY_VIOLATION
        return ErrorCode.NONE

    def _has_room_for_a_group(self, now: Instant) -> bool:
        if len(self._groups) < self.settings.groups_max:
            return True
        if now.monotonic_s - self._reclaimed_at_s >= RECLAIM_PAUSE_S:
            self._reclaimed_at_s = now.monotonic_s
            self._sweep(now)
        return len(self._groups) < self.settings.groups_max

    # Keeping the table

    def _classic(self, group_id: str) -> ClassicGroup | None:
        group = self._groups.get(group_id)
        return group if isinstance(group, ClassicGroup) else None

    def _classic_group_to_join(self, group_id: str, now: Instant) -> ClassicGroup | None:
        """Return the group, made if need be; None while members of the other protocol are in it."""
        group = self._groups.get(group_id)
        if group is None:
            return self._create(group_id, now)
        if isinstance(group, ConsumerGroup):
            return self._change_back(group, now) if group.is_empty else None
        return group

    def _change_protocol(self, group: ClassicGroup, now: Instant) -> ConsumerGroup | None:
        """Make an empty classic group a consumer-protocol one; its offsets stay. None when that cannot be stored."""
        if not self._write(group.group_id, group.tombstones() if group.generation else [], now):
            return None
        self._forget(group)
        changed = self._groups[group.group_id] = ConsumerGroup(group.group_id, self.settings, self._topics, now)
        return changed

    def _change_back(self, group: ConsumerGroup, now: Instant) -> ClassicGroup | None:
        if not self._write(group.group_id, group.tombstones(), now):
            return None
        self._forget(group)
        return self._create(group.group_id, now)

    def _create(self, group_id: str, now: Instant) -> ClassicGroup:
        group = self._groups[group_id] = ClassicGroup(group_id, self.settings, now)
        return group

    def _settle(self, group: Group, answers: list[Answer], bytes_before: int, now: Instant) -> list[Answer]:
        """Do what every change of a group asks for: store it, watch its deadline, count it, drop it if it is void."""
        self._member_bytes += group.bytes_held - bytes_before
        # A failure is logged and otherwise borne: after a crash the members would be told to join anew.
        self._save(group, now)
        self._arm(group)
        self._forget_if_idle(group.group_id)
        return answers

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
        elif isinstance(group, ConsumerGroup) or (
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


def _bytes_of(request: ConsumerHeartbeat) -> int:
    names = request.topic_names or ()
    return sum(len(name) for name in names) + len(request.topic_pattern or "")


def _names_no_member(request: CommitRequest) -> bool:
    return request.generation < 0 and not request.member_id and request.instance_id is None


def _fits_bytes(text: str, bytes_max: int) -> bool:
    # At most four bytes a character: most texts need no encoding to be sure.
    return len(text) * 4 <= bytes_max or len(text.encode()) <= bytes_max
