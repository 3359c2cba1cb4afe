"""The owner of all groups and committed offsets of one broker.

Requests come with the time, answers go back with the tokens of the requests they belong to; `next_deadline_s` is the
one instant at which `tick` wants to be called, and the caller arms one timer for it. Whatever must survive a crash is
in the journal before the answer that promises it is returned.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from harness.pylog_broker.groups.classic import ClassicGroup
from harness.pylog_broker.groups.consumer_group import Refused
from harness.pylog_broker.groups.consumer_member import JOIN_EPOCH
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat, ConsumerReply
from harness.pylog_broker.groups.consumer_roster import ConsumerGroupState
from harness.pylog_broker.groups.journal import partition_of
from harness.pylog_broker.groups.messages import (
    NO_MEMBER,
    Answer,
    DescribedGroup,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.mixed_group import MixedGroup
from harness.pylog_broker.groups.records import (
    NO_EXPIRY,
    CommittedOffset,
    JournalRecord,
    offset_key,
    offset_value,
)
from harness.pylog_broker.groups.subscription import CONSUMER_PROTOCOL_TYPE
from harness.pylog_broker.groups.table import Group, GroupTable
from harness.pylog_broker.protocol.errors import ErrorCode

if TYPE_CHECKING:
    from harness.pylog_broker.groups.share_group import ShareGroup
    from harness.pylog_broker.groups.share_messages import ShareHeartbeat, ShareReply

NAME_BYTES_MAX = 32_767
"""What the classic encoding of a string can carry: longer names could not be stored or described again."""


NOT_STORED = ConsumerReply(ErrorCode.COORDINATOR_NOT_AVAILABLE, "The group could not be stored.")


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


class GroupCoordinator(GroupTable):
    """All groups of one broker; see the module's text."""

    # Membership

    def join(self, group_id: str, request: JoinRequest, token: Hashable, now: Instant) -> list[Answer]:
        """JoinGroup: the answer to `token` is among those returned, or comes from a later call."""
        error = self._refuse_join(group_id, request, now)
        if error is not ErrorCode.NONE:
            return [Answer(token, JoinReply(error, request.member_id))]
        group = self._group_to_join(group_id, now)
        bytes_before = group.bytes_held
        if isinstance(group, MixedGroup):
            return [Answer(token, self._join_mixed(group, request, bytes_before, now))]
        if not isinstance(group, ClassicGroup):
            return [Answer(token, JoinReply(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.member_id))]
        return self._settle(group, group.join(request, token, now), bytes_before, now)

    def sync(self, group_id: str, request: SyncRequest, token: Hashable, now: Instant) -> list[Answer]:
        """SyncGroup: the answer to `token` is among those returned, or comes from a later call."""
        group = self._groups.get(group_id)
        if group is None:
            return [Answer(token, SyncReply(_unknown(group_id)))]
        if isinstance(group, MixedGroup):
            try:
                reply = group.sync(request, now)
            except Refused as refusal:
                reply = SyncReply(refusal.error)
            return self._settle(group, [Answer(token, reply)], group.bytes_held, now)
        if not isinstance(group, ClassicGroup):
            return [Answer(token, SyncReply(ErrorCode.UNKNOWN_MEMBER_ID))]
        size = sum(len(assignment) for assignment in request.assignments.values())
        if self._member_bytes + size > self.settings.member_bytes_total_max:
            return [Answer(token, SyncReply(ErrorCode.GROUP_MAX_SIZE_REACHED))]
        bytes_before = group.bytes_held
        return self._settle(group, group.sync(request, token, now), bytes_before, now)

    def heartbeat(
        self, group_id: str, member_id: str, instance_id: str | None, generation: int, now: Instant
    ) -> ErrorCode:
        """Heartbeat."""
        group = self._groups.get(group_id)
        if group is None:
            return _unknown(group_id)
        if isinstance(group, MixedGroup):
            error = ErrorCode.NONE
            try:
                group.classic_heartbeat(member_id, instance_id, generation, now)
            except Refused as refusal:
                error = refusal.error
            self._settle(group, [], group.bytes_held, now)
            return error
        if not isinstance(group, ClassicGroup):
            return ErrorCode.UNKNOWN_MEMBER_ID
        return group.heartbeat(member_id, instance_id, generation, now)

    def leave(
        self, group_id: str, identities: Sequence[MemberIdentity], now: Instant
    ) -> tuple[list[ErrorCode], list[Answer]]:
        """LeaveGroup: one error code for each identity, and the answers that the departures made due."""
        group = self._groups.get(group_id)
        if group is None:
            return [_unknown(group_id)] * len(identities), []
        bytes_before = group.bytes_held
        if isinstance(group, MixedGroup):
            left = [group.leave(identity, now) for identity in identities]
            return left, self._settle(group, [], bytes_before, now)
        if not isinstance(group, ClassicGroup):
            return [ErrorCode.UNKNOWN_MEMBER_ID] * len(identities), []
        errors: list[ErrorCode] = []
        answers: list[Answer] = []
        for identity in identities:
            error, due = group.leave(identity, now)
            errors.append(error)
            answers += due
        return errors, self._settle(group, answers, bytes_before, now)

    def consumer_heartbeat(
        self, group_id: str, request: ConsumerHeartbeat, now: Instant
    ) -> tuple[ConsumerReply, list[Answer]]:
        """ConsumerGroupHeartbeat (KIP-848), and the answers that became due because the group changed its protocol."""
        refusal = self._refuse_consumer(group_id, request)
        if refusal is not None:
            return refusal, []
        group = self._groups.get(group_id)
        if isinstance(group, ClassicGroup):
            return self._join_upgraded(group, request, now)
        if group is None and request.epoch == JOIN_EPOCH:
            if not self._has_room_for_a_group(now):
                return ConsumerReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker is full of groups."), []
            group = self._groups[group_id] = MixedGroup(group_id, self.settings, self._topics, now)
        if group is None:
            return ConsumerReply(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} not found."), []
        if not isinstance(group, MixedGroup):
            return ConsumerReply(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group."), []
        bytes_before = group.bytes_held
        reply = _reply(group, request, now)
        if not self._store(group, bytes_before, now) and reply.error is ErrorCode.NONE:
            # The epoch was not written down, so it is not promised: the member asks again, and so does the write.
            return NOT_STORED, []
        return reply, []

    def share_heartbeat(self, group_id: str, request: ShareHeartbeat, now: Instant) -> ShareReply:
        """ShareGroupHeartbeat (KIP-932)."""
        from harness.pylog_broker.groups.share_group import ShareGroup  # only where there are share groups
        from harness.pylog_broker.groups.share_messages import ShareReply

        names = (group_id, request.member_id, request.rack_id or "")
        if not all(_fits_bytes(name, NAME_BYTES_MAX) for name in names):
            return ShareReply(ErrorCode.INVALID_REQUEST, f"A name is longer than {NAME_BYTES_MAX} bytes.")
        if self._member_bytes + request.bytes_held > self.settings.member_bytes_total_max:
            return ShareReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker has no room for more members.")
        group = self._groups.get(group_id)
        if group is None and request.epoch == JOIN_EPOCH:
            if not self._has_room_for_a_group(now):
                return ShareReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker is full of groups.")
            group = self._groups[group_id] = ShareGroup(group_id, self.settings, self._topics, now)
        if not isinstance(group, ShareGroup):
            what = "not found" if group is None else "is not a share group"
            return ShareReply(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {what}.")
        bytes_before = group.bytes_held
        try:
            reply = group.heartbeat(request, now)
        except Refused as refusal:
            reply = ShareReply(refusal.error, str(refusal))
        if not self._store(group, bytes_before, now) and reply.error is ErrorCode.NONE:
            return ShareReply(ErrorCode.COORDINATOR_NOT_AVAILABLE, NOT_STORED.message)
        return reply

    def establish_share_group(self, group_id: str, now: Instant) -> ErrorCode:
        """Make a share group that nobody is in yet, for an administrator who says where it is to begin."""
        from harness.pylog_broker.groups.share_group import ShareGroup  # only where there are share groups

        if not group_id or not _fits_bytes(group_id, NAME_BYTES_MAX):
            return ErrorCode.INVALID_GROUP_ID
        if not self._has_room_for_a_group(now):
            return ErrorCode.GROUP_MAX_SIZE_REACHED
        group = ShareGroup(group_id, self.settings, self._topics, now)
        group.establish()
        if not self._save(group, now):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        self._groups[group_id] = group
        return ErrorCode.NONE

    def share_group(self, group_id: str) -> ShareGroup | None:
        """Return a share group, or None when there is none of that name."""
        group = self._groups.get(group_id)
        if group is None or group.group_type != "share":
            return None
        return cast("ShareGroup", group)

    def _join_upgraded(
        self, group: ClassicGroup, request: ConsumerHeartbeat, now: Instant
    ) -> tuple[ConsumerReply, list[Answer]]:
        """A consumer-protocol member comes to a classic group, which changes with it or stays just as it was."""
        successor = self._successor(group, now) if request.epoch == JOIN_EPOCH else None
        if successor is None:
            message = f"Group {group.group_id} is not a consumer group."
            return ConsumerReply(ErrorCode.GROUP_ID_NOT_FOUND, message), []
        reply = _reply(successor, request, now)
        if reply.error is not ErrorCode.NONE:
            return reply, []
        answers = self._upgrade(group, successor, now)
        return (NOT_STORED, []) if answers is None else (reply, answers)

    def _join_mixed(self, group: MixedGroup, request: JoinRequest, bytes_before: int, now: Instant) -> JoinReply:
        try:
            reply = group.join(request, now)
        except Refused as refusal:
            reply = JoinReply(refusal.error, NO_MEMBER)
        # A static member that comes back as a classic one takes a place that is otherwise as it was: nobody has to move.
        settled = group.state is ConsumerGroupState.STABLE
        if not self._store(group, bytes_before, now, rebalance=not settled) and reply.error is ErrorCode.NONE:
            return JoinReply(ErrorCode.COORDINATOR_NOT_AVAILABLE, request.member_id)
        return reply

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
            if error is ErrorCode.NONE and isinstance(group, MixedGroup):
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
        if group is None or group.group_type == "share":
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

    # Administration

    def describe(self, group_id: str) -> DescribedGroup | None:
        """Return a group for DescribeGroups, or None when there is no classic one of that name."""
        group = self._groups.get(group_id)
        return group.described() if isinstance(group, ClassicGroup) else None

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

    # Guards

    def _refuse_consumer(self, group_id: str, request: ConsumerHeartbeat) -> ConsumerReply | None:
        if not _fits_bytes(group_id, NAME_BYTES_MAX):
            return ConsumerReply(ErrorCode.INVALID_GROUP_ID, "The group id is too long.")
        names = (request.member_id, request.instance_id or "", request.rack_id or "")
        if not all(_fits_bytes(name, NAME_BYTES_MAX) for name in names):
            return ConsumerReply(ErrorCode.INVALID_REQUEST, f"A name is longer than {NAME_BYTES_MAX} bytes.")
        if self._member_bytes + _bytes_of(request) > self.settings.member_bytes_total_max:
            return ConsumerReply(ErrorCode.GROUP_MAX_SIZE_REACHED, "The broker has no room for more members.")
        return None

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
        if group is not None and group.group_type == "share":
            return ErrorCode.GROUP_ID_NOT_FOUND
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


def _reply(group: MixedGroup, request: ConsumerHeartbeat, now: Instant) -> ConsumerReply:
    try:
        return group.heartbeat(request, now)
    except Refused as refusal:
        return ConsumerReply(refusal.error, str(refusal))


def _unknown(group_id: str) -> ErrorCode:
    """What a member of a group that does not exist is told."""
    return ErrorCode.UNKNOWN_MEMBER_ID if group_id else ErrorCode.INVALID_GROUP_ID


def _bytes_of(request: ConsumerHeartbeat) -> int:
    names = request.topic_names or ()
    others = (request.topic_pattern, request.instance_id, request.rack_id, request.member_id)
    return sum(len(name) for name in names) + sum(len(text or "") for text in others)


def _names_no_member(request: CommitRequest) -> bool:
    return request.generation < 0 and not request.member_id and request.instance_id is None


def _fits_bytes(text: str, bytes_max: int) -> bool:
    # At most four bytes a character: most texts need no encoding to be sure.
    return len(text) * 4 <= bytes_max or len(text.encode()) <= bytes_max
