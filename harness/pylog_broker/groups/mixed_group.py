"""A consumer-protocol group as its classic members see it (KIP-848, migration of a group that is at work).

A classic member joins, syncs and heartbeats as ever, but nobody waits for anybody: its JoinGroup is answered at once,
its generation is its own epoch, no member leads, and what SyncGroup brings comes from the target assignment of the
group. What it owns is read from the subscription that it joins with: nothing where it lets go of everything first (the
eager strategies), else what it goes on reading. A heartbeat tells it to join again when the group has gone on, when it
has something to let go of, and when something that it waits for has become free.
"""

from __future__ import annotations

from harness.pylog_broker.groups.assignors import Partitions
from harness.pylog_broker.groups.consumer_group import ConsumerGroup, Refused
from harness.pylog_broker.groups.consumer_member import (
    NEVER_S,
    ClassicSide,
    ConsumerMember,
    MemberState,
    Subscription,
)
from harness.pylog_broker.groups.consumer_messages import always
from harness.pylog_broker.groups.embedded_protocol import EmbeddedSubscription, read_subscription, write_assignment
from harness.pylog_broker.groups.messages import (
    NO_MEMBER,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.subscription import CONSUMER_PROTOCOL_TYPE
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import MalformedMessage


class MixedGroup(ConsumerGroup):
    """One group; see the module's text."""

    def join(self, request: JoinRequest, now: Instant) -> JoinReply:
        """JoinGroup, answered at once. Raises Refused."""
        member_id = request.member_id or request.fresh_member_id
        if member_id not in self.members:
            self._check_room()
        if not self._shares_a_protocol(request):
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "No protocol that the other members have.")
        if not request.member_id and request.instance_id is None and request.requires_known_member_id:
            return JoinReply(ErrorCode.MEMBER_ID_REQUIRED, member_id)
        try:
            embedded = read_subscription(request.protocols[0].metadata)
        except MalformedMessage as error:
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, str(error)) from None
        member = self._member_that_joins(request, member_id)
        if not self._patterns():  # those are resolved with the eyes of a member that has one
            self.refresh(always)
        self._subscribe(member, _said(member.subscription, request, embedded), None)
        self._advance(member, self._named(embedded))
        self._time(member, member.standing, now)
        member.sync_deadline_s = now.monotonic_s + request.rebalance_timeout_ms / 1000
        self.wake_at_s = min(self.wake_at_s, member.deadline_s)
        return JoinReply(
            ErrorCode.NONE,
            member.member_id,
            member.standing.epoch,
            CONSUMER_PROTOCOL_TYPE,
            request.protocols[0].name,
        )

    def sync(self, request: SyncRequest, now: Instant) -> SyncReply:
        """SyncGroup, answered at once, whatever assignments it brings. Raises Refused."""
        member, classic = self._classic_member(request.member_id, request.instance_id, request.generation)
        matches = request.protocol_type in (None, CONSUMER_PROTOCOL_TYPE)
        if not matches or request.protocol_name not in (None, classic.protocols[0].name):
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "Not the protocol that the member joined with.")
        standing = member.standing
        if self.epoch > standing.epoch and standing.state is not MemberState.UNREVOKED:
            raise self._call_back(member, now)
        member.sync_deadline_s = NEVER_S
        self._touch(member, now)
        named = ((self._topics.name_of(topic_id), partition) for topic_id, partition in standing.assigned)
        assignment = write_assignment(
            read_subscription(classic.protocols[0].metadata).version,
            [(name, partition) for name, partition in named if name is not None],
        )
        return SyncReply(ErrorCode.NONE, assignment, request.protocol_type, request.protocol_name)

    def classic_heartbeat(self, member_id: str, instance_id: str | None, generation: int, now: Instant) -> None:
        """Heartbeat of a classic member. Raises Refused, with REBALANCE_IN_PROGRESS where it has to join again."""
        member, _ = self._classic_member(member_id, instance_id, generation)
        self._touch(member, now)
        standing = member.standing
        if standing.epoch < self.epoch or standing.state is MemberState.UNREVOKED or self._may_get_more(member):
            raise self._call_back(member, now)

    def leave(self, identity: MemberIdentity, now: Instant) -> ErrorCode:
        """LeaveGroup of one member, of either protocol; a static one may be named by its instance id alone."""
        member_id, instance_id = identity
        if member_id == NO_MEMBER and instance_id is not None:
            member_id = self.instances.get(instance_id, NO_MEMBER)
        try:
            member = self._identified(member_id, instance_id)
        except Refused as refusal:
            return refusal.error
        self._dismiss(member, now)
        return ErrorCode.NONE

    # Members

    def _member_that_joins(self, request: JoinRequest, member_id: str) -> ConsumerMember:
        if request.instance_id is None:
            return self.members.get(member_id) or self._newcomer(member_id)
        owner = self.members.get(self.instances.get(request.instance_id, NO_MEMBER))
        if request.member_id:
            return self._identified(request.member_id, request.instance_id)
        if owner is None:
            return self._newcomer(member_id)
        was_classic = owner.is_classic
        member = self._replace(owner, member_id)
        others = [each for each in self.members.values() if each is not member]
        settings = self._settings
        self.downgrade_due = (
            not was_classic
            and settings.may_downgrade
            and len(self.members) <= settings.members_max
            and all(each.is_classic for each in others)
        )
        return member

    def _identified(self, member_id: str, instance_id: str | None) -> ConsumerMember:
        if instance_id is not None:
            owner = self.instances.get(instance_id)
            if owner is None:
                raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
            if owner != member_id:
                raise Refused(ErrorCode.FENCED_INSTANCE_ID, f"Instance id {instance_id} is another member's by now.")
        member = self.members.get(member_id)
        if member is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} is not in group {self.group_id}.")
        return member

    def _classic_member(
        self, member_id: str, instance_id: str | None, generation: int
    ) -> tuple[ConsumerMember, ClassicSide]:
        member = self._identified(member_id, instance_id)
        classic = member.subscription.classic
        if classic is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} does not use the classic protocol.")
        if generation != member.standing.epoch:
            raise Refused(ErrorCode.ILLEGAL_GENERATION, f"The generation of {member_id} is {member.standing.epoch}.")
        return member, classic

    def _shares_a_protocol(self, request: JoinRequest) -> bool:
        """Whether all classic members, the one that joins as it was before too, have one of its protocols."""
        if request.protocol_type != CONSUMER_PROTOCOL_TYPE or not request.protocols:
            return False
        sides = (member.subscription.classic for member in self.members.values())
        known = [{offer.name for offer in side.protocols} for side in sides if side is not None]
        return any(all(offer.name in names for names in known) for offer in request.protocols)

    def _named(self, embedded: EmbeddedSubscription) -> Partitions:
        found = ((self._topics.find(topic), partition) for topic, partition in embedded.owned)
        return frozenset((facts.topic_id, partition) for facts, partition in found if facts is not None)

    def _may_get_more(self, member: ConsumerMember) -> bool:
        """Whether nothing that the member waits for is still held by another."""
        if member.standing.state is not MemberState.UNRELEASED:
            return False
        missing = self._targets[member.member_id].difference(member.standing.assigned)
        return not any(row in self._holders for row in missing)

    def _call_back(self, member: ConsumerMember, now: Instant) -> Refused:
        """Give a member until its rebalance timeout to join again."""
        if member.join_deadline_s == NEVER_S:
            member.join_deadline_s = now.monotonic_s + member.subscription.rebalance_timeout_ms / 1000
            self.wake_at_s = min(self.wake_at_s, member.join_deadline_s)
        return Refused(ErrorCode.REBALANCE_IN_PROGRESS, f"Member {member.member_id} has to join again.")


def _said(before: Subscription, request: JoinRequest, embedded: EmbeddedSubscription) -> Subscription:
    """What a member says of itself after a JoinGroup, which also makes it one of the classic protocol."""
    return Subscription(
        instance_id=before.instance_id if request.instance_id is None else request.instance_id,
        rack_id=before.rack_id if embedded.rack_id is None else embedded.rack_id,
        client_id=request.client_id,
        client_host=request.client_host,
        topic_names=tuple(sorted(set(embedded.topics))),
        topic_pattern=None,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        assignor=None,
        classic=ClassicSide(request.session_timeout_ms, request.protocols),
    )
