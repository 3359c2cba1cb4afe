"""What a consumer-protocol group knows: its members, what they read and hold, epochs, the target assignment.

The requests that change it are in `consumer_group`. What must outlive a crash is kept in a set of names of what has
changed; `unsaved_records` encodes it, and the owner says `saved` once it is written, so that a failed write is made
good by the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from uuid import UUID

from harness.pylog_broker.groups import consumer_records as records
from harness.pylog_broker.groups.assignors import ASSIGNORS, NOTHING, Partitions, Subscriber, TopicPartition
from harness.pylog_broker.groups.consumer_member import (
    NEVER_S,
    PARTITION_BYTES,
    ConsumerMember,
    MemberState,
    Standing,
)
from harness.pylog_broker.groups.consumer_messages import DescribedConsumer, DescribedConsumerGroup
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.groups.records import JournalRecord
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.topic_image import TopicFacts, TopicImage
from harness.pylog_broker.groups.topic_pattern import matching_names


class ConsumerGroupState(Enum):
    """State of a group; the value is the name that clients see."""

    EMPTY = "Empty"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


class ConsumerRoster:
    """State of a group; see the module's text. `wake_at_s` is when a deadline next passes."""

    group_type = "consumer"
    protocol_type = "consumer"

    def __init__(self, group_id: str, settings: GroupSettings, topics: TopicImage, now: Instant) -> None:
        self.group_id = group_id
        self.epoch = 0
        self.assignment_epoch = 0
        self.members: dict[str, ConsumerMember] = {}
        self.instances: dict[str, str] = {}
        """Static instance id -> member id of today."""
        self.wake_at_s = NEVER_S
        self.state_since_ms = now.wall_ms
        """Since when nobody is in the group, if so: expiry of its offsets counts from here."""
        self.bytes_held = 0
        self.downgrade_due = False
        """The last member of the consumer protocol has gone: the owner is to make it a classic group again."""
        self._settings = settings
        self._topics = topics
        self._targets: dict[str, Partitions] = {}
        self._holders: dict[TopicPartition, str] = {}
        self._facts: dict[str, TopicFacts] = {}
        """The topics that somebody reads, as the assignment knows them."""
        self._metadata_hash = 0
        self._image_version = -1
        self._matches: dict[str, frozenset[str]] = {}
        """Pattern -> names that it matches at `_image_version`."""
        self._dirty: set[tuple[int, str]] = set()
        """(kind of record, member id) that has changed since it was last written."""

    # Members

    def _add(self, member: ConsumerMember) -> None:
        self.members[member.member_id] = member
        self.bytes_held += member.bytes_held
        if member.subscription.instance_id is not None:
            self.instances[member.subscription.instance_id] = member.member_id

    def _forget(self, member: ConsumerMember) -> None:
        name = member.member_id
        del self.members[name]
        self.bytes_held -= member.bytes_held + PARTITION_BYTES * len(member.standing.held)
        if self.instances.get(member.subscription.instance_id or "") == name:
            del self.instances[member.subscription.instance_id or ""]
        for row in member.standing.held:
            if self._holders.get(row) == name:
                del self._holders[row]
        self._dirty |= {(kind, name) for kind in (records.MEMBER_STANDING, records.MEMBER_TARGET, records.MEMBER)}

    def _stand(self, member: ConsumerMember, standing: Standing) -> None:
        if standing == member.standing:
            return
        for row in member.standing.held:
            if self._holders.get(row) == member.member_id:
                del self._holders[row]
        for row in standing.held:
            self._holders[row] = member.member_id
        self.bytes_held += PARTITION_BYTES * (len(standing.held) - len(member.standing.held))
        member.standing = standing
        self._dirty.add((records.MEMBER_STANDING, member.member_id))

    # Epochs and the target

    def _bump(self) -> None:
        self.epoch += 1
        self._dirty.add((records.GROUP, ""))

    def _patterns(self) -> set[str]:
        said = (member.subscription.topic_pattern for member in self.members.values())
        return {pattern for pattern in said if pattern is not None}

    def _names_read_by(self, member: ConsumerMember) -> set[str]:
        names = set(member.subscription.topic_names)
        if member.subscription.topic_pattern is not None:
            names |= self._matches.get(member.subscription.topic_pattern, frozenset())
        return names

    def topics_in_use(self) -> frozenset[str]:
        """Return the names of all topics that somebody in the group subscribes to."""
        return frozenset().union(*(self._names_read_by(member) for member in self.members.values()))

    def _note_topics(self, *, bump: bool = True) -> None:
        """Look up the topics that are read, and bump the epoch if they are not what they were."""
        patterns = self._patterns()
        self._matches = {pattern: names for pattern, names in self._matches.items() if pattern in patterns}
        found = {name: self._topics.find(name) for name in self.topics_in_use()}
        self._facts = {name: facts for name, facts in found.items() if facts is not None}
        metadata_hash = topics_hash(self._facts)
        if metadata_hash == self._metadata_hash:
            return
        self._metadata_hash = metadata_hash
        self._dirty.add((records.GROUP, ""))
        if bump:
            self._bump()

    def _retarget(self) -> None:
        ids = {name: facts.topic_id for name, facts in self._facts.items()}
        counts: dict[UUID, int] = {facts.topic_id: facts.partitions for facts in self._facts.values()}
        subscribers = [
            Subscriber(
                member.member_id,
                member.subscription.instance_id,
                frozenset(ids[name] for name in self._names_read_by(member) if name in ids),
                self._targets.get(member.member_id, NOTHING),
            )
            for member in self.members.values()
        ]
        targets = ASSIGNORS[self.assignor](subscribers, counts)
        for name, target in targets.items():
            if self._targets.get(name) != target:
                self._targets[name] = target
                self._dirty.add((records.MEMBER_TARGET, name))
        self.assignment_epoch = self.epoch
        self._dirty.add((records.TARGET, ""))

    @property
    def assignor(self) -> str:
        """The assignor that most members ask for; those that ask for none leave it to the others."""
        names = self._settings.consumer_assignor_names
        votes = Counter(member.subscription.assignor for member in self.members.values())
        del votes[None]
        return max(names, key=lambda name: (votes[name], -names.index(name)))

    def refresh(self, may_see: Callable[[str], bool]) -> None:
        """Look at the topics anew if any has changed; a change of what the group reads bumps its epoch.

        Patterns are resolved with the eyes of the member that happens to call first, as in Apache Kafka.
        """
        if self._image_version == self._topics.version:
            return
        self._image_version = self._topics.version
        names = list(filter(may_see, self._topics.names()))
        self._matches = {pattern: matching_names(pattern, names) for pattern in self._patterns()}
        self._note_topics()

    # What others may ask

    @property
    def state(self) -> ConsumerGroupState:
        """State as clients see it."""
        if not self.members:
            return ConsumerGroupState.EMPTY
        if self.epoch > self.assignment_epoch:
            return ConsumerGroupState.ASSIGNING
        standings = (member.standing for member in self.members.values())
        if all(each.state is MemberState.STABLE and each.epoch == self.assignment_epoch for each in standings):
            return ConsumerGroupState.STABLE
        return ConsumerGroupState.RECONCILING

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in the group."""
        return not self.members

    @property
    def is_vacant(self) -> bool:
        """Whether nobody is in the group or about to come in."""
        return not self.members

    @property
    def never_lived(self) -> bool:
        """True when nobody ever got into the group."""
        return self.epoch == 0

    def described(self) -> DescribedConsumerGroup:
        """Return the group for ConsumerGroupDescribe."""
        rows = (
            DescribedConsumer(
                member.member_id,
                member.subscription,
                member.standing.epoch,
                member.standing.held,
                self._targets.get(member.member_id, NOTHING),
            )
            for member in self.members.values()
        )
        return DescribedConsumerGroup(
            self.group_id, self.state.value, self.epoch, self.assignment_epoch, self.assignor, tuple(rows)
        )

    # The journal

    def unsaved_records(self) -> list[JournalRecord]:
        """Encode everything that has changed since `saved`."""
        return [self._record(*row) for row in sorted(self._dirty)]

    def begin(self) -> None:
        """Go on from another protocol: topics are what they are, and nothing is written yet."""
        self._image_version = self._topics.version
        self._note_topics(bump=False)
        self._store_everything()

    def _store_everything(self) -> None:
        """Count all that there is of the group as changed."""
        kinds = (records.MEMBER, records.MEMBER_TARGET, records.MEMBER_STANDING)
        self._dirty |= {(kind, name) for name in self.members for kind in kinds}
        self._dirty |= {(records.GROUP, ""), (records.TARGET, "")}

    def saved(self) -> None:
        """All that `unsaved_records` returned is written."""
        self._dirty.clear()

    def records(self) -> Iterator[JournalRecord]:
        """Encode the whole group."""
        yield self._record(records.GROUP, "")
        yield self._record(records.TARGET, "")
        for name in self.members:
            for kind in (records.MEMBER, records.MEMBER_TARGET, records.MEMBER_STANDING):
                yield self._record(kind, name)

    def tombstones(self) -> list[JournalRecord]:
        """Encode the end of the group and of its members."""
        self._store_everything()
        return [(records.key(kind, self.group_id, name), None) for kind, name in sorted(self._dirty, reverse=True)]

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
        return records.member_target_value(self._targets.get(name, NOTHING))


def topics_hash(facts: dict[str, TopicFacts]) -> int:
    """A number of 64 bits that differs when topics, their ids or their partition counts do; 0 for no topics."""
    if not facts:
        return 0
    from hashlib import blake2b  # loads OpenSSL: a cold start does without it

    rows = sorted((name, each.topic_id.hex, each.partitions) for name, each in facts.items())
    return int.from_bytes(blake2b(repr(rows).encode(), digest_size=8).digest(), "big", signed=True)
