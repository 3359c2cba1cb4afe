"""How a classic group gets from one generation to the next; the requests that cause it are in `classic`."""

from __future__ import annotations

from collections.abc import Hashable

from harness.pylog_broker.groups.member import Member
from harness.pylog_broker.groups.membership import Membership
from harness.pylog_broker.groups.messages import (
    NO_MEMBER,
    Answer,
    Instant,
    JoinedMember,
    JoinReply,
    JoinRequest,
    SyncReply,
)
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.states import ALLOWED, GroupState
from harness.pylog_broker.protocol.errors import ErrorCode

NEVER_S = float("inf")
GENERATION_MAX = 2**31 - 1


POSTPONEMENT_S_MIN = 1.0
"""However short the rebalance timeout: how long absent static members are waited for before looking again."""


class Rebalancing:
    """State of a group, its rebalances and deadlines. `wake_at_s` is when a deadline next passes."""

    def __init__(self, group_id: str, settings: GroupSettings, now: Instant) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.state_since_ms = now.wall_ms
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol_name: str | None = None
        self.leader_id: str | None = None
        self.members = Membership()
        self.pending: dict[str, float] = {}
        """Ids that were handed out and have not come back yet, with the second at which they lapse (KIP-394)."""
        self.wake_at_s = NEVER_S
        self.must_store = False
        """Set when something that should outlive a crash has changed; the owner stores it and clears this."""
        self._settings = settings
        self._answers: list[Answer] = []
        self._join_deadline_s = NEVER_S
        self._sync_deadline_s = NEVER_S
        self._gathering_s: float | None = None
        """In the initial delay of a group that was empty: how much longer it may be stretched."""
        self._newcomer = False
        """Somebody joined during the present stretch of the initial delay."""

    # From one generation to the next

    def _rebalance(self, now: Instant) -> None:
        """Go on after somebody has come or gone: begin a rebalance, or see whether this one can end now."""
        if self.state is GroupState.PREPARING_REBALANCE:
            self._complete_join_if_all_came(now)
        else:
            self._start_rebalance(now)

    def _start_rebalance(self, now: Instant) -> None:
        was_empty = self.state is GroupState.EMPTY
        if self.state is GroupState.COMPLETING_REBALANCE:
            self._refuse_held_syncs(now)
        self._sync_deadline_s = NEVER_S
        for member in self.members:
            member.owes_sync = False
        self._move(GroupState.PREPARING_REBALANCE, now)
        timeout_s = self._rebalance_timeout_s()
        delay_s = min(self._settings.initial_rebalance_delay_ms / 1000, timeout_s) if was_empty else 0
        self._newcomer = False
        self._gathering_s = timeout_s - delay_s if delay_s > 0 else None
        self._join_deadline_s = now.monotonic_s + (delay_s or timeout_s)
        self._wake_by(self._join_deadline_s)
        self._complete_join_if_all_came(now)

    def _complete_join_if_all_came(self, now: Instant) -> None:
        if self.state is not GroupState.PREPARING_REBALANCE:
            return
        if self.members and (self._gathering_s is not None or self.pending):
            return
        if all(member.join_token is not None for member in self.members):
            self._complete_join(now)

    def _end_waiting_for_joins(self, now: Instant) -> None:
        if self._gathering_s and self._newcomer:
            delay_s = min(self._settings.initial_rebalance_delay_ms / 1000, self._gathering_s)
            self._gathering_s -= delay_s
            self._newcomer = False
            self._join_deadline_s = now.monotonic_s + delay_s
            return
        self._complete_join(now)

    def _complete_join(self, now: Instant) -> None:
        self._gathering_s = None
        absent = [member for member in self.members if member.join_token is None]
        for member in absent:
            if member.instance_id is None:
                self._drop(member)
        if self.members and not self._a_joined_member_leads():
            # Only static members, and none of them is here: they keep their places until their sessions end.
            self._join_deadline_s = now.monotonic_s + max(self._rebalance_timeout_s(), POSTPONEMENT_S_MIN)
            self._wake_by(self._join_deadline_s)
            return
        self._join_deadline_s = NEVER_S
        self.generation = self.generation % GENERATION_MAX + 1
        if not self.members:
            self.protocol_name = self.leader_id = None
            self.must_store = True
            self._move(GroupState.EMPTY, now)
            return
        self._begin_generation(now)

    def _begin_generation(self, now: Instant) -> None:
        self.protocol_name = self.members.choose_protocol()
        self._move(GroupState.COMPLETING_REBALANCE, now)
        self._sync_deadline_s = now.monotonic_s + self._rebalance_timeout_s()
        self._wake_by(self._sync_deadline_s)
        for member in self.members:
            if member.join_token is None:
                continue
            token, member.join_token = member.join_token, None
            member.join_deadline_s = NEVER_S
            member.owes_sync = True
            member.touch(now.monotonic_s)
            self._wake_by(member.session_deadline_s)
            self._answer_join(member, token)

    def _spread_assignment(self, assignments: dict[str, bytes], now: Instant) -> None:
        self._move(GroupState.STABLE, now)
        self.must_store = True
        for member in self.members:
            self.members.assign(member, assignments.get(member.member_id, b""))
            if member.sync_token is not None:
                token, member.sync_token = member.sync_token, None
                member.touch(now.monotonic_s)
                self._wake_by(member.session_deadline_s)
                self._answer_sync(member, token)

    def _refuse_held_syncs(self, now: Instant) -> None:
        """A generation ends before its assignment came; what the members had in the one before is gone too."""
        for member in self.members:
            self.members.assign(member, b"")
            if member.sync_token is not None:
                token, member.sync_token = member.sync_token, None
                member.touch(now.monotonic_s)
                self._wake_by(member.session_deadline_s)
                self._answers.append(Answer(token, SyncReply(ErrorCode.REBALANCE_IN_PROGRESS)))

    def _a_joined_member_leads(self) -> bool:
        leader = self.members.get(self.leader_id or NO_MEMBER)
        if leader is None or leader.join_token is None:
            joined = next((member for member in self.members if member.join_token is not None), None)
            if joined is None:
                return False
            self.leader_id = joined.member_id
        return True

    def _drop(self, member: Member) -> None:
        """Remove a member, answering what it waits for; the caller sees to the rebalance."""
        self.members.remove(member)
        if member.join_token is not None:
            reply = JoinReply(ErrorCode.UNKNOWN_MEMBER_ID, NO_MEMBER)
            self._answers.append(Answer(member.join_token, reply))
        if member.sync_token is not None:
            self._answers.append(Answer(member.sync_token, SyncReply(ErrorCode.UNKNOWN_MEMBER_ID)))

    def _move(self, target: GroupState, now: Instant) -> None:
        assert (self.state, target) in ALLOWED, f"{self.state} -> {target} is not a move of a group"
        self.state = target
        self.state_since_ms = now.wall_ms

    # Answers

    def _answer_join(
        self, member: Member, token: Hashable, *, leader_id: str | None = None, skip_assignment: bool = False
    ) -> None:
        leader_id = leader_id or self.leader_id or ""
        rows: tuple[JoinedMember, ...] = ()
        if leader_id == member.member_id:
            rows = tuple(
                JoinedMember(each.member_id, each.instance_id, each.metadata_for(self.protocol_name))
                for each in self.members
            )
        reply = JoinReply(
            error=ErrorCode.NONE,
            member_id=member.member_id,
            generation=self.generation,
            protocol_type=self.protocol_type,
            protocol_name=self.protocol_name,
            leader_id=leader_id,
            members=rows,
            skip_assignment=skip_assignment,
        )
        self._answers.append(Answer(token, reply))

    def _answer_sync(self, member: Member, token: Hashable) -> None:
        reply = SyncReply(ErrorCode.NONE, member.assignment, self.protocol_type, self.protocol_name)
        self._answers.append(Answer(token, reply))

    def _refuse_join(self, error: ErrorCode, request: JoinRequest, token: Hashable) -> None:
        self._answers.append(Answer(token, JoinReply(error, request.member_id)))

    def _take_answers(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        return answers

    # Deadlines

    def _rebalance_timeout_s(self) -> float:
        return max((member.rebalance_timeout_s for member in self.members), default=0.0)

    def _wake_by(self, deadline_s: float) -> None:
        self.wake_at_s = min(self.wake_at_s, deadline_s)

    def _earliest_deadline_s(self) -> float:
        deadlines_s = [self._join_deadline_s, self._sync_deadline_s, *self.pending.values()]
        deadlines_s += [member.deadline_s for member in self.members]
        return min(deadlines_s)
