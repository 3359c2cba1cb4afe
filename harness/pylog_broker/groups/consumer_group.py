"""One consumer group of the next-generation protocol (KIP-848), as a pure state machine.

Everything happens in heartbeats. A change of who is in the group, what they subscribe to or what topics there are,
bumps the group's epoch; the next heartbeat computes a target assignment for that epoch; each member then walks towards
its part of it at its own pace (`consumer_member`). A member that speaks with an epoch that is not its own is fenced.
"""

from __future__ import annotations

from typing import Self

from harness.pylog_broker.groups import consumer_records as records
from harness.pylog_broker.groups.assignors import NOTHING, Partitions
from harness.pylog_broker.groups.consumer_member import (
    JOIN_EPOCH,
    LEAVE_EPOCH,
    LEAVE_STATIC_EPOCH,
    NEVER_S,
    ConsumerMember,
    MemberState,
    Standing,
    Subscription,
    next_standing,
)
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat, ConsumerReply, StoredConsumerGroup
from harness.pylog_broker.groups.consumer_roster import ConsumerRoster
from harness.pylog_broker.groups.messages import Answer, Instant
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.topic_image import TopicImage
from harness.pylog_broker.groups.topic_pattern import InvalidPattern, matching_names
from harness.pylog_broker.protocol.errors import ErrorCode

CREATION_EPOCH = 1
"""What a new group counts from, as in Apache Kafka: its first member is given epoch 2."""


class Refused(Exception):
    """A heartbeat that changes nothing: an error code and a text for the client."""

    def __init__(self, error: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error = error


class ConsumerGroup(ConsumerRoster):
    """One group; see the module's text."""

    # Requests

    def heartbeat(self, request: ConsumerHeartbeat, now: Instant) -> ConsumerReply:
        """ConsumerGroupHeartbeat: join, leave, or go on. Raises Refused."""
        if request.epoch in (LEAVE_EPOCH, LEAVE_STATIC_EPOCH):
            return self._leave(request, now)
        matched = self._match(request)
        member = self._admit(request)
        before = member.standing
        self.refresh(request.may_see)
        self._subscribe(member, _said(member.subscription, request), matched)
        standing = self._advance(member, NOTHING if request.epoch == JOIN_EPOCH else request.owned)
        self._time(member, before, now)
        told = request.epoch == JOIN_EPOCH or request.is_full or before.assigned.keys() != standing.assigned.keys()
        return ConsumerReply(
            ErrorCode.NONE,
            member_id=member.member_id,
            epoch=standing.epoch,
            heartbeat_interval_ms=self._settings.group_heartbeat_interval_ms(self._topics.group_config(self.group_id)),
            assignment=frozenset(standing.assigned) if told else None,
        )

    def admit_commit(
        self, member_id: str, instance_id: str | None, epoch: int, now: Instant, *, knows_epochs: bool = True
    ) -> ErrorCode:
        """Say whether a member's commit may go on to `refuse_partition`; epoch -1 is for those outside, while empty."""
        if epoch < 0 and not self.members:
            return ErrorCode.NONE
        member = self.members.get(member_id)
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if not knows_epochs and not member.is_classic:
            return ErrorCode.UNSUPPORTED_VERSION
        return _stale(member) if epoch > member.standing.epoch else ErrorCode.NONE

    def refuse_partition(self, member_id: str, epoch: int, topic: str, partition: int) -> ErrorCode:
        """Refuse a late commit of a partition that its sender had not got yet at that epoch (KIP-1251)."""
        member = self.members.get(member_id)
        if member is None or epoch == member.standing.epoch:
            return ErrorCode.NONE
        facts = self._topics.find(topic)
        since = member.standing.assigned.get((facts.topic_id, partition)) if facts is not None else None
        return ErrorCode.NONE if since is not None and since <= epoch else _stale(member)

    def admit_fetch(self, member_id: str | None, epoch: int) -> ErrorCode:
        """Say whether committed offsets may be read with this member id and epoch."""
        if member_id is None and epoch < 0:
            return ErrorCode.NONE
        member = self.members.get(member_id or "")
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return ErrorCode.NONE if epoch == member.standing.epoch else _stale(member)

    def tick(self, now: Instant) -> list[Answer]:
        """Remove members whose time is up, and find the next deadline."""
        for member in [member for member in self.members.values() if member.deadline_s <= now.monotonic_s]:
            self._dismiss(member, now)
        self.wake_at_s = min((member.deadline_s for member in self.members.values()), default=NEVER_S)
        return []

    # Members

    def _admit(self, request: ConsumerHeartbeat) -> ConsumerMember:
        if request.assignor is not None and request.assignor not in self._settings.consumer_assignor_names:
            names = ", ".join(self._settings.consumer_assignor_names)
            message = f"ServerAssignor {request.assignor} is not supported. Supported assignors: {names}."
            raise Refused(ErrorCode.UNSUPPORTED_ASSIGNOR, message)
        known = self.members.get(request.member_id)
        if request.instance_id is not None:
            return self._admit_static(request, request.instance_id)
        if known is None:
            return self._create(request)
        self._check_epoch(known, request)
        return known

    def _match(self, request: ConsumerHeartbeat) -> frozenset[str] | None:
        """Resolve a pattern that is new here; None when there is nothing to resolve."""
        pattern = request.topic_pattern
        if not pattern or pattern in self._matches:
            return None
        try:
            return matching_names(pattern, filter(request.may_see, self._topics.names()))
        except InvalidPattern as error:
            message = f"SubscribedTopicRegex {pattern!r} is not a valid RE2 expression: {error}"
            raise Refused(ErrorCode.INVALID_REGULAR_EXPRESSION, message) from None

    def _admit_static(self, request: ConsumerHeartbeat, instance_id: str) -> ConsumerMember:
        owner = self.members.get(self.instances.get(instance_id, ""))
        if request.epoch == JOIN_EPOCH:
            if owner is None:
                return self._create(request)
            if owner.member_id == request.member_id:
                return owner
            if owner.standing.epoch != LEAVE_STATIC_EPOCH and not owner.is_classic:
                message = f"Static member {owner.member_id} with instance id {instance_id} is still in the group."
                raise Refused(ErrorCode.UNRELEASED_INSTANCE_ID, message)
            return self._replace(owner, request.member_id)
        if owner is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
        if owner.member_id != request.member_id:
            message = f"Static member {request.member_id} with instance id {instance_id} was fenced by a new one."
            raise Refused(ErrorCode.FENCED_INSTANCE_ID, message)
        self._check_epoch(owner, request)
        return owner

    def _check_epoch(self, member: ConsumerMember, request: ConsumerHeartbeat) -> None:
        standing = member.standing
        if request.epoch in (JOIN_EPOCH, standing.epoch):
            return
        # The answer that brought the present epoch may have been lost: its last epoch still counts then.
        assigned = standing.assigned.keys()
        if request.epoch == standing.previous_epoch and request.owned is not None and request.owned <= assigned:
            return
        relation = "greater" if request.epoch > standing.epoch else "smaller"
        message = (
            f"The consumer group member has a {relation} member epoch ({request.epoch}) than the one known by the "
            f"group coordinator ({standing.epoch}). The member must abandon all its partitions and rejoin."
        )
        raise Refused(ErrorCode.FENCED_MEMBER_EPOCH, message)

    def _create(self, request: ConsumerHeartbeat) -> ConsumerMember:
        if request.epoch != JOIN_EPOCH:
            message = f"Member {request.member_id} is not a member of group {self.group_id}."
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, message)
        self._check_room()
        return self._newcomer(request.member_id)

    def _check_room(self) -> None:
        most = self._settings.consumer_members_max
        if len(self.members) >= most:
            raise Refused(ErrorCode.GROUP_MAX_SIZE_REACHED, f"The consumer group has reached its maximum of {most}.")

    def _newcomer(self, member_id: str) -> ConsumerMember:
        member = ConsumerMember(member_id, Subscription(None, None, "", "", (), None, -1, None))
        self._add(member)
        return member

    def _replace(self, owner: ConsumerMember, member_id: str) -> ConsumerMember:
        """A static member is back under a new id: it takes over everything, and nobody else notices."""
        target = self._targets.pop(owner.member_id, NOTHING)
        self._forget(owner)
        member = ConsumerMember(member_id, owner.subscription)
        self._add(member)
        self._targets[member_id] = target
        self._dirty |= {(records.MEMBER, member_id), (records.MEMBER_TARGET, member_id)}
        self._stand(member, owner.standing._replace(epoch=JOIN_EPOCH, previous_epoch=JOIN_EPOCH))
        return member

    def _subscribe(self, member: ConsumerMember, after: Subscription, matched: frozenset[str] | None) -> None:
        """Take over what a member says; the epoch goes up if that changes what it wants to read."""
        before = member.subscription
        is_new = member.member_id not in self._targets
        if after == before and not is_new:
            return
        self.bytes_held -= member.bytes_held
        member.subscription = after
        self.bytes_held += member.bytes_held
        if after.instance_id is not None:
            self.instances[after.instance_id] = member.member_id
        self._dirty.add((records.MEMBER, member.member_id))
        if after.topic_pattern is not None and matched is not None:
            self._matches[after.topic_pattern] = matched
        self._note_topics(bump=False)
        said = (before.topic_names, before.topic_pattern, before.assignor)
        if is_new or said != (after.topic_names, after.topic_pattern, after.assignor):
            self.epoch = self.epoch or CREATION_EPOCH
            self._bump()

    def _advance(self, member: ConsumerMember, owned: Partitions | None) -> Standing:
        """Let a member that reports `owned` go on towards its target, which is computed anew if the epoch went up."""
        if self.epoch > self.assignment_epoch:
            self._retarget()
        standing = next_standing(
            member.standing,
            self._targets.get(member.member_id, NOTHING),
            self.assignment_epoch,
            owned,
            lambda row: self._holders.get(row, member.member_id) != member.member_id,
        )
        self._stand(member, standing)
        return standing

    def _leave(self, request: ConsumerHeartbeat, now: Instant) -> ConsumerReply:
        if request.instance_id is None:
            member = self.members.get(request.member_id)
            unknown = f"Member {request.member_id} is not a member of group {self.group_id}."
        else:
            member = self.members.get(self.instances.get(request.instance_id, ""))
            unknown = f"Instance id {request.instance_id} is unknown."
        if member is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, unknown)
        if member.member_id != request.member_id:
            message = (
                f"Static member {request.member_id} with instance id {request.instance_id} was fenced by a new one."
            )
            raise Refused(ErrorCode.FENCED_INSTANCE_ID, message)
        if request.epoch == LEAVE_STATIC_EPOCH:
            standing = member.standing._replace(epoch=LEAVE_STATIC_EPOCH, state=MemberState.STABLE, revoking=NOTHING)
            self._stand(member, standing)
            member.revocation_deadline_s = NEVER_S
        else:
            self._dismiss(member, now)
        return ConsumerReply(ErrorCode.NONE, member_id=request.member_id, epoch=request.epoch)

    def _dismiss(self, member: ConsumerMember, now: Instant) -> None:
        """Take a member out; a group that only classic members are left in is to be one of theirs again."""
        self._targets.pop(member.member_id, None)
        self._forget(member)
        self._note_topics(bump=False)
        if not self.members:
            self.state_since_ms = now.wall_ms
        self.downgrade_due = self._may_downgrade() and (self.downgrade_due or not member.is_classic)
        if not self.downgrade_due:
            self._bump()

    def _may_downgrade(self) -> bool:
        all_classic = bool(self.members) and all(member.is_classic for member in self.members.values())
        settings = self._settings
        return all_classic and settings.may_downgrade and len(self.members) <= settings.members_max

    def _time(self, member: ConsumerMember, before: Standing, now: Instant) -> None:
        self._touch(member, now)
        member.join_deadline_s = member.sync_deadline_s = NEVER_S
        standing = member.standing
        if standing.state is not MemberState.UNREVOKED or member.is_classic:
            member.revocation_deadline_s = NEVER_S
        elif before.state is not MemberState.UNREVOKED or before.epoch != standing.epoch:
            member.revocation_deadline_s = now.monotonic_s + member.subscription.rebalance_timeout_ms / 1000
        self.wake_at_s = min(self.wake_at_s, member.deadline_s)

    def _touch(self, member: ConsumerMember, now: Instant) -> None:
        """Begin a member's session anew: a classic member brings its own timeout."""
        classic = member.subscription.classic
        if classic is not None:
            timeout_ms = classic.session_timeout_ms
        else:
            timeout_ms = self._settings.group_session_timeout_ms(self._topics.group_config(self.group_id))
        member.session_deadline_s = now.monotonic_s + timeout_ms / 1000
        self.wake_at_s = min(self.wake_at_s, member.session_deadline_s)

    @classmethod
    def restored(
        cls, group_id: str, stored: StoredConsumerGroup, settings: GroupSettings, topics: TopicImage, now: Instant
    ) -> Self:
        """Rebuild a group from the journal: its members keep their epochs, and their sessions begin anew."""
        group = cls(group_id, settings, topics, now)
        group.epoch = stored.epoch or 0
        group.assignment_epoch = stored.assignment_epoch
        for name, subscription in stored.subscriptions.items():
            member = ConsumerMember(name, subscription)
            group._add(member)
            group._targets[name] = stored.target_of(name)
            group._stand(member, stored.standings.get(name, Standing()))
            group._time(member, Standing(), now)
        group._dirty.clear()
        group._metadata_hash = stored.metadata_hash
        group._matches = {pattern: matching_names(pattern, topics.names()) for pattern in group._patterns()}
        return group


def _stale(member: ConsumerMember) -> ErrorCode:
    """How the member's protocol says that an epoch is not the present one."""
    return ErrorCode.ILLEGAL_GENERATION if member.is_classic else ErrorCode.STALE_MEMBER_EPOCH


def _said(before: Subscription, request: ConsumerHeartbeat) -> Subscription:
    """What a member says of itself after a heartbeat, which also makes it one of the consumer protocol."""
    return Subscription(
        instance_id=before.instance_id if request.instance_id is None else request.instance_id,
        rack_id=before.rack_id if request.rack_id is None else request.rack_id,
        client_id=request.client_id,
        client_host=request.client_host,
        topic_names=before.topic_names if request.topic_names is None else tuple(sorted(set(request.topic_names))),
        topic_pattern=before.topic_pattern if request.topic_pattern is None else request.topic_pattern or None,
        rebalance_timeout_ms=(
            before.rebalance_timeout_ms if request.rebalance_timeout_ms < 0 else request.rebalance_timeout_ms
        ),
        assignor=before.assignor if request.assignor is None else request.assignor,
    )
