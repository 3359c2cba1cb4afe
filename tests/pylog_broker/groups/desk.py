"""A coordinator at a test's desk: a clock that is set by hand, a journal in a list, members that are one call each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.pylog_broker.groups.coordinator import CommitRequest, GroupCoordinator, PartitionCommit
from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.groups.messages import (
    Answer,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    ProtocolOffer,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.records import JournalRecord, read_record
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.protocol.errors import ErrorCode

WALL_START_MS = 1_700_000_000_000


class ListJournal:
    """A journal in memory that can be told to fail, and replayed."""

    def __init__(self, partition_count: int = 3) -> None:
        self.partition_count = partition_count
        self.records: list[list[tuple[int, JournalRecord]]] = [[] for _ in range(partition_count)]
        self.ends = [0] * partition_count
        self.failing = False

    def is_held(self, partition: int) -> bool:
        return False

    def append(
        self,
        partition: int,
        records: Sequence[JournalRecord],
        now_ms: int,
        producer: tuple[int, int] | None = None,
    ) -> None:
        if self.failing:
            raise JournalFailed("no space left on device")
        for record in records:
            self.records[partition].append((self.ends[partition], record))
            self.ends[partition] += 1

    def end_offset(self, partition: int) -> int:
        return self.ends[partition]

    def size_bytes(self, partition: int) -> int:
        return sum(len(key) + len(value or b"") for _, (key, value) in self.records[partition])

    def cut_before(self, partition: int, offset: int) -> None:
        self.records[partition] = [row for row in self.records[partition] if row[0] >= offset]

    def replay(self) -> list[Any]:
        rows = [record for partition in self.records for _, record in partition]
        return [read for key, value in rows if (read := read_record(key, value)) is not None]


class Desk:
    """Drives one coordinator; `answers` keeps every answer by token, and refuses a second one."""

    def __init__(self, **settings: int) -> None:
        self.settings = GroupSettings(**{"initial_rebalance_delay_ms": 0, "offsets_partitions": 3, **settings})
        self.journal = ListJournal(self.settings.offsets_partitions)
        self.now = Instant(1_000.0, WALL_START_MS)
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now)
        self.answers: dict[int, JoinReply | SyncReply] = {}
        self._tokens = 0
        self._ids = 0

    def restart(self, topics: Sequence[str] = ("t",)) -> None:
        """Kill the broker and replay its journal."""
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now)
        self.coordinator.restore(self.journal.replay(), topics, self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, ringing every alarm at its own instant."""
        end_s = self.now.monotonic_s + seconds
        while self.coordinator.next_deadline_s <= end_s:
            self._set(max(self.coordinator.next_deadline_s, self.now.monotonic_s))
            self._file(self.coordinator.tick(self.now))
        self._set(end_s)

    def _set(self, monotonic_s: float) -> None:
        self.now = Instant(monotonic_s, WALL_START_MS + round((monotonic_s - 1_000) * 1000))

    def _file(self, answers: list[Answer]) -> None:
        for token, reply in answers:
            assert isinstance(token, int)
            assert token not in self.answers, "a request was answered twice"
            self.answers[token] = reply

    def _token(self) -> int:
        self._tokens += 1
        return self._tokens

    def ask_join(
        self,
        member_id: str = "",
        *,
        group: str = "g",
        instance: str | None = None,
        protocols: Sequence[tuple[str, bytes]] = (("range", b"m"),),
        protocol_type: str = "consumer",
        session_ms: int = 10_000,
        rebalance_ms: int = 30_000,
        version: int = 9,
    ) -> int:
        """Send a JoinGroup and return its token."""
        self._ids += 1
        request = JoinRequest(
            member_id=member_id,
            fresh_member_id=f"m{self._ids}",
            instance_id=instance,
            client_id="client",
            client_host="/127.0.0.1",
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            protocol_type=protocol_type,
            protocols=tuple(ProtocolOffer(*row) for row in protocols),
            requires_known_member_id=version >= 4,
            supports_skip_assignment=version >= 9,
        )
        token = self._token()
        self._file(self.coordinator.join(group, request, token, self.now))
        return token

    def enter(self, **how: Any) -> tuple[str, int]:
        """Get an id as a dynamic member must, then join with it: (member id, token of the held join)."""
        member_id = self.join_reply(self.ask_join(**how)).member_id
        return member_id, self.ask_join(member_id, **how)

    def ask_sync(
        self,
        member_id: str,
        generation: int,
        assignments: dict[str, bytes] | None = None,
        *,
        group: str = "g",
        instance: str | None = None,
        protocol: tuple[str | None, str | None] = (None, None),
    ) -> int:
        """Send a SyncGroup and return its token."""
        request = SyncRequest(member_id, instance, generation, *protocol, assignments or {})
        token = self._token()
        self._file(self.coordinator.sync(group, request, token, self.now))
        return token

    def heartbeat(self, member_id: str, generation: int, *, group: str = "g", instance: str | None = None) -> ErrorCode:
        return self.coordinator.heartbeat(group, member_id, instance, generation, self.now)

    def leave(self, member_id: str = "", *, group: str = "g", instance: str | None = None) -> ErrorCode:
        errors, answers = self.coordinator.leave(group, [MemberIdentity(member_id, instance)], self.now)
        self._file(answers)
        return errors[0]

    def commit(
        self,
        offset: int,
        *,
        member_id: str = "",
        generation: int = -1,
        group: str = "g",
        topic: str = "t",
        partition: int = 0,
        metadata: str = "",
        retention_ms: int = -1,
        instance: str | None = None,
    ) -> ErrorCode:
        row = PartitionCommit(topic, partition, offset, -1, metadata)
        request = CommitRequest(member_id, instance, generation, retention_ms, [row])
        return self.coordinator.commit(group, request, self.now)[0]

    def committed(self, *, group: str = "g", topic: str = "t", partition: int = 0) -> int | None:
        found = self.coordinator.committed(group).get(topic, {}).get(partition)
        return None if found is None else found.offset

    def join_reply(self, token: int) -> JoinReply:
        reply = self.answers[token]
        assert isinstance(reply, JoinReply)
        return reply

    def sync_reply(self, token: int) -> SyncReply:
        reply = self.answers[token]
        assert isinstance(reply, SyncReply)
        return reply

    def held(self, token: int) -> bool:
        return token not in self.answers

    def state(self, group: str = "g") -> str | None:
        described = self.coordinator.describe(group)
        return None if described is None else described.state

    def form(self, count: int, *, group: str = "g", **how: Any) -> tuple[list[str], int]:
        """Form a stable dynamic group of `count` members: (member ids, generation). The first one leads."""
        members: list[str] = []
        for _ in range(count):
            member_id, token = self.enter(group=group, **how)
            tokens = {member_id: token}
            tokens |= {other: self.ask_join(other, group=group, **how) for other in members}
            members.append(member_id)
        return members, self.assign(members, tokens, group=group)

    def assign(self, members: Sequence[str], tokens: dict[str, int], *, group: str = "g") -> int:
        """Bring a formed generation to stable: every member gets its own name and the generation."""
        generation = self.join_reply(tokens[members[0]]).generation
        for member_id in reversed(members):
            leads = self.join_reply(tokens[member_id]).leader_id == member_id
            shares = {each: f"{each}@{generation}".encode() for each in members} if leads else {}
            self.ask_sync(member_id, generation, shares, group=group)
        return generation
