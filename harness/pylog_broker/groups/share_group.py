"""One share group (KIP-932) as its members see it, as a pure state machine: who is in it, and who fetches what.

Everything happens in heartbeats. A change of who is in the group, what they subscribe to or what topics there are bumps
the group's epoch, and the heartbeat that finds it bumped computes a target assignment for it. A partition may have
several readers, so a member takes its part over with its next heartbeat, whatever the others do. What is delivered to
whom is not known here; see the package `share`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Self
from uuid import UUID

from harness.pylog_broker.groups import share_records as records
from harness.pylog_broker.groups.assignors import NOTHING, Partitions, Subscriber
from harness.pylog_broker.groups.consumer_group import CREATION_EPOCH, Refused
from harness.pylog_broker.groups.consumer_member import (
    JOIN_EPOCH,
    LEAVE_EPOCH,
    MEMBER_OVERHEAD_BYTES,
    NEVER_S,
    PARTITION_BYTES,
)
from harness.pylog_broker.groups.consumer_roster import topics_hash
from harness.pylog_broker.groups.messages import Answer, Instant
from harness.pylog_broker.groups.records import JournalRecord
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.share_assignor import NAME, assign_shared
from harness.pylog_broker.groups.share_messages import (
    DescribedShareGroup,
    DescribedShareMember,
    ShareHeartbeat,
    ShareReply,
    ShareStanding,
    ShareSubscription,
    StoredShareGroup,
)
from harness.pylog_broker.groups.topic_image import TopicFacts, TopicImage
from harness.pylog_broker.protocol.errors import ErrorCode


class ShareGroupState(Enum):
    """State of a group; the value is the name that clients see."""

    EMPTY = "Empty"
    STABLE = "Stable"


class ShareMember:
    """A member; its session ends at `deadline_s`, in monotonic seconds."""

    __slots__ = ("deadline_s", "member_id", "standing", "subscription", "target")

    def __init__(self, member_id: str, subscription: ShareSubscription) -> None:
        self.member_id = member_id
        self.subscription = subscription
        self.standing = ShareStanding()
        self.target: Partitions = NOTHING
        self.deadline_s = NEVER_S

    @property
    def bytes_held(self) -> int:
        """Bytes that this member occupies, roughly."""
        said = self.subscription
        names = sum(len(name) + 60 for name in said.topic_names)
        names += len(self.member_id) + len(said.client_id) + len(said.rack_id or "")
        return MEMBER_OVERHEAD_BYTES + names + PARTITION_BYTES * len(self.target | self.standing.assigned)


class ShareGroup:
    """One group; see the module's text. `wake_at_s` is when a session next ends."""

    group_type = "share"
    protocol_type = "share"

    def __init__(self, group_id: str, settings: GroupSettings, topics: TopicImage, now: Instant) -> None:
        self.group_id = group_id
        self.epoch = 0
        self.assignment_epoch = 0
        self.members: dict[str, ShareMember] = {}
        self.wake_at_s = NEVER_S
        self.state_since_ms = now.wall_ms
        self._settings = settings
        self._topics = topics
        self._facts: dict[str, TopicFacts] = {}
        self._metadata_hash = 0
        self._image_version = -1
        self._dirty: set[tuple[int, str]] = set()
        """(kind of record, member id) that has changed since it was last written."""

    # Requests

    def heartbeat(self, request: ShareHeartbeat, now: Instant) -> ShareReply:
        """ShareGroupHeartbeat: join, leave, or go on. Raises Refused."""
        if request.epoch == LEAVE_EPOCH:
            self._remove(self._known(request.member_id))
            return ShareReply(ErrorCode.NONE, member_id=request.member_id, epoch=LEAVE_EPOCH)
        member = self._admit(request)
        self._refresh()
        self._subscribe(member, request)
        before = member.standing
        self._advance(member)
        self._touch(member, now)
        moved = before.assigned != member.standing.assigned
        told = request.epoch == JOIN_EPOCH or request.topic_names is not None or moved
        return ShareReply(
            ErrorCode.NONE,
            member_id=member.member_id,
            epoch=member.standing.epoch,
            heartbeat_interval_ms=self._of_group("share.heartbeat.interval.ms"),
            assignment=member.standing.assigned if told else None,
        )

    def admit_commit(
        self, _member_id: str, _instance_id: str | None, _epoch: int, _now: Instant, *, knows_epochs: bool = True
    ) -> ErrorCode:
        """A share group has no committed offsets."""
        return ErrorCode.GROUP_ID_NOT_FOUND

    def establish(self) -> None:
        """Let the group be there before anybody is in it."""
        self.epoch = self.assignment_epoch = CREATION_EPOCH
        self._dirty |= {(records.GROUP, ""), (records.TARGET, "")}

    def tick(self, now: Instant) -> list[Answer]:
        """Remove members whose time is up, and find the next deadline."""
        for member in [member for member in self.members.values() if member.deadline_s <= now.monotonic_s]:
            self._remove(member)
        self.wake_at_s = min((member.deadline_s for member in self.members.values()), default=NEVER_S)
        return []

    # Members

    def _known(self, member_id: str) -> ShareMember:
        member = self.members.get(member_id)
        if member is None:
            message = f"Member {member_id} is not a member of group {self.group_id}."
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, message)
        return member

    def _admit(self, request: ShareHeartbeat) -> ShareMember:
        member = self.members.get(request.member_id)
        if member is None and request.epoch == JOIN_EPOCH:
            return self._create(request)
        member = self._known(request.member_id)
        standing = member.standing
        if request.epoch in (JOIN_EPOCH, standing.epoch, standing.previous_epoch):
            return member
        relation = "greater" if request.epoch > standing.epoch else "smaller"
        message = (
            f"The share group member has a {relation} member epoch ({request.epoch}) than the one known by the "
            f"group coordinator ({standing.epoch}). The member must abandon all its partitions and rejoin."
        )
        raise Refused(ErrorCode.FENCED_MEMBER_EPOCH, message)

    def _create(self, request: ShareHeartbeat) -> ShareMember:
        most = self._settings.share_members_max
        if len(self.members) >= most:
            message = f"The share group has reached its maximum capacity of {most} members."
            raise Refused(ErrorCode.GROUP_MAX_SIZE_REACHED, message)
        return ShareMember(request.member_id, ShareSubscription(None, "", "", ()))

    def _subscribe(self, member: ShareMember, request: ShareHeartbeat) -> None:
        """Take over what a member says; the epoch goes up if that changes what it wants to read."""
        before = member.subscription
        names = request.topic_names
        after = ShareSubscription(
            before.rack_id if request.rack_id is None else request.rack_id,
            request.client_id,
            request.client_host,
            before.topic_names if names is None else tuple(sorted(set(names))),
        )
        is_new = member.member_id not in self.members
        if after == before and not is_new:
            return
        member.subscription = after
        self.members[member.member_id] = member
        self._dirty.add((records.MEMBER, member.member_id))
        if is_new or before.topic_names != after.topic_names:
            self._note_topics()
            self.epoch = self.epoch or CREATION_EPOCH
            self._bump()

    def _advance(self, member: ShareMember) -> None:
        if self.epoch > self.assignment_epoch:
            self._retarget()
        standing = member.standing
        if standing.epoch != self.assignment_epoch or standing.assigned != member.target:
            member.standing = ShareStanding(self.assignment_epoch, standing.epoch, member.target)
            self._dirty.add((records.MEMBER_STANDING, member.member_id))

    def _remove(self, member: ShareMember) -> None:
        name = member.member_id
        del self.members[name]
        self._dirty |= {(kind, name) for kind in (records.MEMBER_STANDING, records.MEMBER_TARGET, records.MEMBER)}
        self._note_topics()
        self._bump()

    def _touch(self, member: ShareMember, now: Instant) -> None:
        timeout_ms = self._of_group("share.session.timeout.ms")
        member.deadline_s = now.monotonic_s + timeout_ms / 1000
        self.wake_at_s = min(self.wake_at_s, member.deadline_s)

    def _of_group(self, name: str) -> int:
        return self._settings.of_group(name, self._topics.group_config(self.group_id))

    # Epochs and the target

    def _bump(self) -> None:
        self.epoch += 1
        self._dirty.add((records.GROUP, ""))

    def _refresh(self) -> None:
        """Look at the topics anew if any has changed; a change of what the group reads bumps its epoch."""
        if self._image_version == self._topics.version:
            return
        self._image_version = self._topics.version
        if self._note_topics():
            self._bump()

    def _note_topics(self) -> bool:
        found = {name: self._topics.find(name) for name in self.topics_in_use()}
        self._facts = {name: facts for name, facts in found.items() if facts is not None}
        metadata_hash = topics_hash(self._facts)
        if metadata_hash == self._metadata_hash:
            return False
        self._metadata_hash = metadata_hash
        self._dirty.add((records.GROUP, ""))
        return True

    def _retarget(self) -> None:
        ids = {name: facts.topic_id for name, facts in self._facts.items()}
        counts: dict[UUID, int] = {facts.topic_id: facts.partitions for facts in self._facts.values()}
        subscribers = [
            Subscriber(
                member.member_id,
                None,
                frozenset(ids[name] for name in member.subscription.topic_names if name in ids),
                member.target,
            )
            for member in self.members.values()
        ]
        for name, target in assign_shared(subscribers, counts).items():
            if self.members[name].target != target or (records.MEMBER, name) in self._dirty:
                self.members[name].target = target
                self._dirty.add((records.MEMBER_TARGET, name))
        self.assignment_epoch = self.epoch
        self._dirty.add((records.TARGET, ""))

    # What others may ask

    @property
    def bytes_held(self) -> int:
        """Bytes that the members occupy, roughly."""
        return sum(member.bytes_held for member in self.members.values())

    @property
    def state(self) -> ShareGroupState:
        """State as clients see it."""
        return ShareGroupState.STABLE if self.members else ShareGroupState.EMPTY

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in the group."""
        return not self.members

    @property
    def is_vacant(self) -> bool:
        """Whether the group may go by itself: one that lived keeps its place in the topics until it is deleted."""
        return not self.members and self.never_lived

    @property
    def never_lived(self) -> bool:
        """True when nobody ever got into the group."""
        return self.epoch == 0

    def topics_in_use(self) -> frozenset[str]:
        """Return the names of all topics that somebody in the group subscribes to."""
        return frozenset().union(*(member.subscription.topic_names for member in self.members.values()))

    def topics_read(self) -> dict[str, TopicFacts]:
        """Return the topics that exist among them, by name."""
        return dict(self._facts)

    def described(self) -> DescribedShareGroup:
        """Return the group for ShareGroupDescribe."""
        rows = tuple(
            DescribedShareMember(member.member_id, member.subscription, member.standing.epoch, member.standing.assigned)
            for member in self.members.values()
        )
        return DescribedShareGroup(self.group_id, self.state.value, self.epoch, self.assignment_epoch, NAME, rows)

    # The journal

    def unsaved_records(self) -> list[JournalRecord]:
        """Encode everything that has changed since `saved`."""
        return [self._record(*row) for row in sorted(self._dirty)]

    def saved(self) -> None:
        """All that `unsaved_records` returned is written."""
        self._dirty.clear()

    def records(self) -> Iterator[JournalRecord]:
        """Encode the whole group."""
        yield from (self._record(*row) for row in self._everything())

    def tombstones(self) -> list[JournalRecord]:
        """Encode the end of the group and of its members."""
        rows = {*self._dirty, *self._everything()}
        return [(records.key(kind, self.group_id, name), None) for kind, name in sorted(rows, reverse=True)]

    def _everything(self) -> Iterator[tuple[int, str]]:
        yield records.GROUP, ""
        yield records.TARGET, ""
        for name in self.members:
            for kind in (records.MEMBER, records.MEMBER_TARGET, records.MEMBER_STANDING):
                yield kind, name

    def _record(self, kind: int, name: str) -> JournalRecord:
        return records.key(kind, self.group_id, name), self._value(kind, name)

    def _value(self, kind: int, name: str) -> bytes | None:
        if kind == records.GROUP:
            return records.group_value(self.epoch, self._metadata_hash)
        if kind == records.TARGET:
            return records.target_value(self.assignment_epoch)
        member = self.members.get(name)
        if member is None:
            return None
        if kind == records.MEMBER:
            return records.member_value(member.subscription)
        if kind == records.MEMBER_STANDING:
            return records.standing_value(member.standing)
        return records.member_target_value(member.target)

    @classmethod
    def restored(
        cls, group_id: str, stored: StoredShareGroup, settings: GroupSettings, topics: TopicImage, now: Instant
    ) -> Self:
        """Rebuild a group from the journal: its members keep their epochs, and their sessions begin anew."""
        group = cls(group_id, settings, topics, now)
        group.epoch = stored.epoch or 0
        group.assignment_epoch = stored.assignment_epoch
        for name, subscription in stored.subscriptions.items():
            member = group.members[name] = ShareMember(name, subscription)
            member.target = stored.targets.get(name, NOTHING)
            member.standing = stored.standings.get(name, ShareStanding())
            group._touch(member, now)
        group._metadata_hash = stored.metadata_hash
        return group
