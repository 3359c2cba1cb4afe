"""One consumer group of the classic protocol, as a pure state machine.

Every method takes what was asked and the time, changes the group, and returns the answers that became due, its own
or those of requests that were held earlier. Rebalances, in order:

1. JoinGroup requests are held until every known member has joined, or the longest rebalance timeout among them has
   passed; dynamic members that did not come are dropped then. A group that was empty waits a little for more members
   to arrive (KIP-134).
2. The generation goes up by one, the members vote for a protocol, one member leads and gets the list of all.
3. SyncGroup requests are held until the leader's brings the assignment, which is opaque here: eager and cooperative
   strategies look alike.

A dynamic member is told an id first and must come back with it (KIP-394), so that retried joins leave no ghosts.
A static member that comes back takes over its predecessor's assignment without a rebalance (KIP-345, KIP-814).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from harness.pylog_broker.groups.member import Member
from harness.pylog_broker.groups.messages import (
    NO_MEMBER,
    Answer,
    DescribedGroup,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    StoredGroup,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.rebalance import Rebalancing
from harness.pylog_broker.groups.records import JournalRecord, group_key, group_value
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.states import GroupState
from harness.pylog_broker.groups.subscription import CONSUMER_PROTOCOL_TYPE, topics_in_use
from harness.pylog_broker.protocol.errors import ErrorCode

NEVER_S = float("inf")
GENERATION_MAX = 2**31 - 1


class ClassicGroup(Rebalancing):
    """One group; see the module's text."""

    group_type = "classic"

    # Requests

    def join(self, request: JoinRequest, token: Hashable, now: Instant) -> list[Answer]:
        """JoinGroup. Answered at once, or held: then `token` comes back from a later call."""
        if request.member_id == NO_MEMBER:
            self._join_newcomer(request, token, now)
        elif request.member_id in self.pending:
            self._join_pending(request, token, now)
        else:
            self._join_known(request, token, now)
        return self._take_answers()

    def sync(self, request: SyncRequest, token: Hashable, now: Instant) -> list[Answer]:
        """SyncGroup. A follower's is held until the leader's arrives."""
        error = self._refuse_sync(request)
        if error is not ErrorCode.NONE:
            self._answers.append(Answer(token, SyncReply(error)))
            return self._take_answers()
        member = self._member(request.member_id)
        member.owes_sync = False
        if self.state is GroupState.STABLE:
            member.touch(now.monotonic_s)
            self._answer_sync(member, token)
            return self._take_answers()
        if member.sync_token is not None:
            self._answers.append(Answer(member.sync_token, SyncReply(ErrorCode.REBALANCE_IN_PROGRESS)))
        member.sync_token = token
        if member.member_id == self.leader_id:
            self._spread_assignment(request.assignments, now)
        return self._take_answers()

    def heartbeat(self, member_id: str, instance_id: str | None, generation: int, now: Instant) -> ErrorCode:
        """Heartbeat: proves the member alive, and tells it of a rebalance."""
        if self.state is GroupState.EMPTY:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = self._refuse_member(member_id, instance_id, generation)
        if error is not ErrorCode.NONE:
            return error
        self._member(member_id).touch(now.monotonic_s)
        if self.state is GroupState.PREPARING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def leave(self, identity: MemberIdentity, now: Instant) -> tuple[ErrorCode, list[Answer]]:
        """LeaveGroup of one member; a static member may be named by its instance id alone (KIP-345)."""
        member_id, instance_id = identity
        if member_id in self.pending:
            del self.pending[member_id]
            self._complete_join_if_all_came(now)
            return ErrorCode.NONE, self._take_answers()
        if member_id == NO_MEMBER and instance_id is not None:
            member_id = self.members.instances.get(instance_id, NO_MEMBER)
        error = self._refuse_identity(member_id, instance_id)
        if error is not ErrorCode.NONE:
            return error, []
        self._drop(self._member(member_id))
        self._rebalance(now)
        return ErrorCode.NONE, self._take_answers()

    def admit_commit(
        self, member_id: str, instance_id: str | None, generation: int, now: Instant, *, knows_epochs: bool = True
    ) -> ErrorCode:
        """Say whether offsets may be committed; a commit of a member also proves it alive.

        Standalone consumers and administrators commit with generation -1, which is right only while nobody is
        in the group. `knows_epochs` makes no difference here.
        """
        if generation < 0 and self.state is GroupState.EMPTY:
            return ErrorCode.NONE
        if generation < 0 and member_id == NO_MEMBER and instance_id is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = self._refuse_member(member_id, instance_id, generation)
        if error is not ErrorCode.NONE:
            return error
        if self.state is GroupState.COMPLETING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        self._member(member_id).touch(now.monotonic_s)
        return ErrorCode.NONE

    def tick(self, now: Instant) -> list[Answer]:
        """Let every deadline that has passed take effect, and find the next one."""
        now_s = now.monotonic_s
        if now_s < self.wake_at_s:
            return []
        lapsed = [member_id for member_id, deadline_s in self.pending.items() if deadline_s <= now_s]
        for member_id in lapsed:
            del self.pending[member_id]
        failed = [member for member in self.members if member.deadline_s <= now_s]
        if self._sync_deadline_s <= now_s:
            self._sync_deadline_s = NEVER_S
            failed += [member for member in self.members if member.owes_sync and member not in failed]
        for member in failed:
            self._drop(member)
        if failed:
            self._rebalance(now)
        elif lapsed:
            self._complete_join_if_all_came(now)
        if self._join_deadline_s <= now_s:
            self._end_waiting_for_joins(now)
        self.wake_at_s = self._earliest_deadline_s()
        return self._take_answers()

    # The journal

    def unsaved_records(self) -> list[JournalRecord]:
        """Encode the group if something that should outlive a crash has changed since `saved`."""
        return list(self.records()) if self.must_store else []

    def saved(self) -> None:
        """What `unsaved_records` returned is written."""
        self.must_store = False

    def records(self) -> Iterator[JournalRecord]:
        """Encode the group, if there is anything to remember."""
        if self.generation > 0:
            yield group_key(self.group_id), group_value(self.stored())

    def tombstones(self) -> list[JournalRecord]:
        """Encode the end of the group."""
        return [(group_key(self.group_id), None)]

    # What others may ask

    def topics_in_use(self) -> frozenset[str] | None:
        """Return the topics that the members of a consumer group subscribe to; None when that cannot be told."""
        return topics_in_use(offer.metadata for member in self.members for offer in member.protocols)

    def described(self) -> DescribedGroup:
        """Return the group for DescribeGroups; metadata and assignments are shown while it is stable."""
        protocol_name = self.protocol_name if self.state is GroupState.STABLE else None
        return DescribedGroup(
            group_id=self.group_id,
            state=self.state.value,
            protocol_type=self.protocol_type or "",
            protocol_name=protocol_name or "",
            members=tuple(member.described(protocol_name) for member in self.members),
        )

    def stored(self) -> StoredGroup:
        """Return the group for the journal: as it is when stable, else with nobody in it."""
        stable = self.state is GroupState.STABLE
        return StoredGroup(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol_name=self.protocol_name if stable else None,
            leader_id=self.leader_id if stable else None,
            state_since_ms=self.state_since_ms,
            members=tuple(member.stored(self.protocol_name) for member in self.members) if stable else (),
        )

    @classmethod
    def restored(cls, group_id: str, stored: StoredGroup, settings: GroupSettings, now: Instant) -> ClassicGroup:
        """Rebuild a group from the journal. Its members go on where they were, with their sessions begun anew.

        Members without a leader are those of a group that has just become a classic one: they have to join anew.
        """
        group = cls(group_id, settings, now)
        group.state_since_ms = stored.state_since_ms if stored.state_since_ms >= 0 else now.wall_ms
        group.generation = stored.generation
        group.protocol_type = stored.protocol_type or None
        if not stored.members:
            return group
        group.state = GroupState.STABLE
        group.protocol_name = stored.protocol_name
        for row in stored.members:
            group.members.add(Member.from_stored(row, stored.protocol_name, now.monotonic_s))
        group.leader_id = stored.leader_id
        if stored.leader_id is None:
            group._rebalance(now)
        elif stored.leader_id not in group.members:
            group.leader_id = next(iter(group.members)).member_id
        group.wake_at_s = group._earliest_deadline_s()
        return group

    @classmethod
    def formed(
        cls, group_id: str, generation: int, members: Sequence[Member], settings: GroupSettings, now: Instant
    ) -> ClassicGroup:
        """Make a stable group of consumers that have their assignments already; the first of them leads."""
        group = cls(group_id, settings, now)
        group.generation = generation
        group.protocol_type = CONSUMER_PROTOCOL_TYPE
        for member in members:
            group.members.add(member)
        group.protocol_name = group.members.choose_protocol()
        group.leader_id = members[0].member_id
        group.state = GroupState.STABLE
        group.wake_at_s = group._earliest_deadline_s()
        return group

    def begin_rebalance(self, now: Instant) -> None:
        """Have all members of a group that is stable join anew."""
        self._rebalance(now)

    def dissolve(self) -> list[Answer]:
        """Send everybody who waits for this group away to join once more."""
        for member in self.members:
            if member.join_token is not None:
                reply = JoinReply(ErrorCode.REBALANCE_IN_PROGRESS, member.member_id)
                self._answers.append(Answer(member.join_token, reply))
            if member.sync_token is not None:
                self._answers.append(Answer(member.sync_token, SyncReply(ErrorCode.REBALANCE_IN_PROGRESS)))
            member.join_token = member.sync_token = None
        return self._take_answers()

    @property
    def bytes_held(self) -> int:
        """Bytes that the group's members occupy, roughly."""
        return self.members.bytes_held

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in the group."""
        return self.state is GroupState.EMPTY

    @property
    def is_vacant(self) -> bool:
        """Whether nobody is in the group or about to come in."""
        return self.state is GroupState.EMPTY and not self.pending

    @property
    def never_lived(self) -> bool:
        """True when nobody ever got into the group and nobody is about to."""
        return self.state is GroupState.EMPTY and not self.pending and self.generation == 0

    # Joining

    def _join_newcomer(self, request: JoinRequest, token: Hashable, now: Instant) -> None:
        predecessor = None
        if request.instance_id is not None:
            predecessor = self.members.get(self.members.instances.get(request.instance_id, NO_MEMBER))
        if predecessor is None and self._is_full():
            return self._refuse_join(ErrorCode.GROUP_MAX_SIZE_REACHED, request, token)
        if not self._fits(request, predecessor):
            return self._refuse_join(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request, token)
        if predecessor is not None:
            return self._replace_static(predecessor, request, token, now)
        if request.requires_known_member_id and request.instance_id is None:
            self.pending[request.fresh_member_id] = now.monotonic_s + request.session_timeout_ms / 1000
            self._wake_by(self.pending[request.fresh_member_id])
            reply = JoinReply(ErrorCode.MEMBER_ID_REQUIRED, request.fresh_member_id)
            self._answers.append(Answer(token, reply))
            return None
        return self._add(request.fresh_member_id, request, token, now)

    def _join_pending(self, request: JoinRequest, token: Hashable, now: Instant) -> None:
        if len(self.members) >= self._settings.members_max:
            return self._refuse_join(ErrorCode.GROUP_MAX_SIZE_REACHED, request, token)
        if not self._fits(request, None):
            return self._refuse_join(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request, token)
        if request.instance_id is not None:
            return self._refuse_join(ErrorCode.UNKNOWN_MEMBER_ID, request, token)
        del self.pending[request.member_id]
        return self._add(request.member_id, request, token, now)

    def _join_known(self, request: JoinRequest, token: Hashable, now: Instant) -> None:
        error = self._refuse_identity(request.member_id, request.instance_id)
        if error is not ErrorCode.NONE:
            return self._refuse_join(error, request, token)
        member = self._member(request.member_id)
        if not self._fits(request, member):
            return self._refuse_join(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request, token)
        unchanged = member.protocols == request.protocols
        if self.state is GroupState.COMPLETING_REBALANCE and unchanged:
            # The answer of this generation's join was lost on its way: give it once more.
            return self._repeat_join_answer(member, request, token, now)
        if self.state is GroupState.STABLE and unchanged and member.member_id != self.leader_id:
            return self._repeat_join_answer(member, request, token, now)
        self._hold_join(member, request, token, now)
        return self._rebalance(now)

    def _add(self, member_id: str, request: JoinRequest, token: Hashable, now: Instant) -> None:
        if not self.members:
            self.protocol_type = request.protocol_type
        member = Member.from_request(member_id, request, now.monotonic_s)
        member.join_token = token
        member.join_deadline_s = now.monotonic_s + self._settings.new_member_join_timeout_ms / 1000
        self.members.add(member)
        self._newcomer = True
        self._wake_by(member.join_deadline_s)
        self._rebalance(now)

    def _hold_join(self, member: Member, request: JoinRequest, token: Hashable, now: Instant) -> None:
        if member.join_token is not None:
            reply = JoinReply(ErrorCode.REBALANCE_IN_PROGRESS, member.member_id)
            self._answers.append(Answer(member.join_token, reply))
        self.members.update(member, request, now.monotonic_s)
        member.join_token = token

    def _repeat_join_answer(self, member: Member, request: JoinRequest, token: Hashable, now: Instant) -> None:
        self.members.update(member, request, now.monotonic_s)
        self._wake_by(member.session_deadline_s)
        self._answer_join(member, token)

    def _replace_static(self, member: Member, request: JoinRequest, token: Hashable, now: Instant) -> None:
        fenced_id, leader_before = member.member_id, self.leader_id
        if member.join_token is not None:
            reply = JoinReply(ErrorCode.FENCED_INSTANCE_ID, fenced_id)
            self._answers.append(Answer(member.join_token, reply))
            member.join_token = None
        if member.sync_token is not None:
            self._answers.append(Answer(member.sync_token, SyncReply(ErrorCode.FENCED_INSTANCE_ID)))
            member.sync_token = None
        self.members.rename(member, request.fresh_member_id)
        # Stored at once, also in the middle of a rebalance: a crash must not bring the fenced id back, for then the
        # living member would be the one that is fenced, which clients take as fatal.
        self.must_store = True
        if self.leader_id == fenced_id:
            self.leader_id = member.member_id
        if self.state is GroupState.STABLE:
            self.members.update(member, request, now.monotonic_s)
            self._wake_by(member.session_deadline_s)
            if self.members.choose_protocol() == self.protocol_name:
                self._answer_returning_static(member, request, leader_before, token)
                return
        self._hold_join(member, request, token, now)
        member.join_deadline_s = now.monotonic_s + self._settings.new_member_join_timeout_ms / 1000
        self._wake_by(member.join_deadline_s)
        self._rebalance(now)

    def _answer_returning_static(
        self, member: Member, request: JoinRequest, leader_before: str | None, token: Hashable
    ) -> None:
        if request.supports_skip_assignment:
            self._answer_join(member, token, skip_assignment=member.member_id == self.leader_id)
            return
        # An older client that saw itself lead would compute an assignment that nobody waits for: name the fenced
        # id as the leader, so that it follows.
        self._answer_join(member, token, leader_id=leader_before)

    # Guards

    def _fits(self, request: JoinRequest, member: Member | None) -> bool:
        if not request.protocol_type or not request.protocols:
            return False
        if not self.members:
            return True
        if request.protocol_type != self.protocol_type:
            return False
        return self.members.share_a_protocol(request.protocols, without=member)

    def _is_full(self) -> bool:
        most = self._settings.members_max
        return len(self.members) >= most or len(self.pending) >= most

    def _refuse_identity(self, member_id: str, instance_id: str | None) -> ErrorCode:
        if instance_id is not None:
            owner = self.members.instances.get(instance_id)
            if owner is None:
                return ErrorCode.UNKNOWN_MEMBER_ID
            if owner != member_id:
                return ErrorCode.FENCED_INSTANCE_ID
        return ErrorCode.NONE if member_id in self.members else ErrorCode.UNKNOWN_MEMBER_ID

    def _refuse_member(self, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        error = self._refuse_identity(member_id, instance_id)
        if error is ErrorCode.NONE and generation != self.generation:
            return ErrorCode.ILLEGAL_GENERATION
        return error

    def _refuse_sync(self, request: SyncRequest) -> ErrorCode:
        error = self._refuse_member(request.member_id, request.instance_id, request.generation)
        if error is not ErrorCode.NONE:
            return error
        if request.protocol_type is not None and request.protocol_type != self.protocol_type:
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        if self.state is GroupState.PREPARING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        if request.protocol_name is not None and request.protocol_name != self.protocol_name:
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        return ErrorCode.NONE

    def _member(self, member_id: str) -> Member:
        member = self.members.get(member_id)
        assert member is not None
        return member
