"""Consumer-protocol groups at a test's desk: topics in a dictionary, members that heartbeat as honest clients do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.pylog_broker.groups.assignors import NOTHING, Partitions
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat, ConsumerReply
from harness.pylog_broker.groups.coordinator import CommitRequest, GroupCoordinator, PartitionCommit
from harness.pylog_broker.groups.messages import Answer, Instant
from harness.pylog_broker.groups.mixed_group import MixedGroup
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.topic_image import TopicFacts
from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.desk import WALL_START_MS, ListJournal


class Topics:
    """Topics that tests make, extend and delete."""

    def __init__(self, **partitions: int) -> None:
        self.version = 0
        self.group_configs: dict[str, dict[str, str]] = {}
        self._facts: dict[str, TopicFacts] = {}
        self._ids = 0
        for name, count in partitions.items():
            self.put(name, count)

    def put(self, name: str, partitions: int) -> None:
        known = self._facts.get(name)
        self._ids += known is None
        topic_id = known.topic_id if known else UUID(int=self._ids)
        self._facts[name] = TopicFacts(topic_id, partitions)
        self.version += 1

    def remove(self, name: str) -> None:
        del self._facts[name]
        self.version += 1

    def names(self) -> list[str]:
        return list(self._facts)

    def find(self, name: str) -> TopicFacts | None:
        return self._facts.get(name)

    def name_of(self, topic_id: UUID) -> str | None:
        return next((name for name, facts in self._facts.items() if facts.topic_id == topic_id), None)

    def group_config(self, group_id: str) -> dict[str, str]:
        return self.group_configs.get(group_id, {})

    def all_of(self, *names: str) -> Partitions:
        found = [self._facts[name] for name in names]
        return frozenset((facts.topic_id, partition) for facts in found for partition in range(facts.partitions))


class ConsumerDesk:
    """One coordinator and its clock."""

    def __init__(self, topics: Topics | None = None, **settings: Any) -> None:
        self.topics = topics or Topics(t=6)
        self.settings = GroupSettings(**{"offsets_partitions": 3, "initial_rebalance_delay_ms": 0, **settings})
        self.journal = ListJournal(3)
        self.now = Instant(1_000.0, WALL_START_MS)
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now, self.topics)
        self.due: list[Answer] = []
        """Answers to classic requests."""
        self._numbers = 0

    def number(self) -> int:
        """A number that nobody has."""
        self._numbers += 1
        return self._numbers

    def restart(self) -> None:
        """Kill the broker and replay its journal; requests that were held are lost."""
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now, self.topics)
        self.coordinator.restore(self.journal.replay(), self.topics.names(), self.now)

    def pass_time(self, seconds: float) -> None:
        end_s = self.now.monotonic_s + seconds
        while self.coordinator.next_deadline_s <= end_s:
            self._set(max(self.coordinator.next_deadline_s, self.now.monotonic_s))
            self.due += self.coordinator.tick(self.now)
        self._set(end_s)

    def _set(self, monotonic_s: float) -> None:
        self.now = Instant(monotonic_s, WALL_START_MS + round((monotonic_s - 1_000) * 1000))

    def beat(
        self,
        member_id: str,
        epoch: int,
        *,
        group: str = "g",
        instance: str | None = None,
        topics: tuple[str, ...] | None = None,
        pattern: str | None = None,
        owned: Partitions | None = None,
        rebalance_ms: int = -1,
        assignor: str | None = None,
    ) -> ConsumerReply:
        request = ConsumerHeartbeat(
            member_id, epoch, instance, None, rebalance_ms, topics, pattern, assignor, owned, "client", "/127.0.0.1"
        )
        reply, due = self.coordinator.consumer_heartbeat(group, request, self.now)
        self.due += due
        return reply

    def join(self, member_id: str, *, topics: tuple[str, ...] | None = ("t",), **how: Any) -> ConsumerReply:
        return self.beat(member_id, 0, topics=topics, owned=NOTHING, rebalance_ms=30_000, **how)

    def commit(self, member_id: str, epoch: int, *, partition: int = 0, topic: str = "t", v9: bool = True) -> ErrorCode:
        row = PartitionCommit(topic, partition, 5, -1, "")
        (error,) = self.coordinator.commit("g", CommitRequest(member_id, None, epoch, -1, [row], v9), self.now)
        return error

    @property
    def group(self) -> MixedGroup:
        group = self.coordinator.find("g")
        assert isinstance(group, MixedGroup)
        return group

    @property
    def protocol(self) -> str:
        group = self.coordinator.find("g")
        assert group is not None
        return group.group_type


class Client:
    """A member that does as it is told: it reports what it owns, and lets go of what it no longer gets."""

    def __init__(self, desk: ConsumerDesk, member_id: str, **how: Any) -> None:
        self.desk, self.member_id, self._how = desk, member_id, how
        self.epoch = 0
        self.owned: Partitions = NOTHING
        self.told: Partitions = NOTHING
        """The last assignment that it heard of; what is not in it any more is let go of by `let_go`."""

    def beat(self) -> ConsumerReply:
        if self.epoch == 0:
            reply = self.desk.join(self.member_id, **self._how)
        else:
            reply = self.desk.beat(self.member_id, self.epoch, owned=self.owned)
        if reply.error is ErrorCode.NONE:
            self.epoch = reply.epoch
            if reply.assignment is not None:
                self.told = reply.assignment
                self.owned |= self.told
        elif reply.error in (ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID):
            self.epoch, self.owned, self.told = 0, NOTHING, NOTHING
        return reply

    def let_go(self) -> None:
        """Stop reading what was taken away: from the next heartbeat on it is not reported any more."""
        self.owned &= self.told

    def settle(self) -> None:
        self.beat()
        self.let_go()
