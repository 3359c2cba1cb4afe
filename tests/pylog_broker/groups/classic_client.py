"""A member of the classic protocol that does as it is told, one request at a time, in groups of either protocol."""

from __future__ import annotations

import struct

from harness.pylog_broker.groups.assignors import NOTHING, Partitions, TopicPartition
from harness.pylog_broker.groups.embedded_protocol import (
    NamedPartition,
    read_assignment,
    read_subscription,
    write_assignment,
)
from harness.pylog_broker.groups.messages import (
    JoinReply,
    JoinRequest,
    MemberIdentity,
    ProtocolOffer,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import write_string
from tests.pylog_broker.groups.consumer_desk import ConsumerDesk

SESSION_MS, REBALANCE_MS = 10_000, 30_000


def subscription(topics: tuple[str, ...], owned: list[NamedPartition] | None = None, version: int = 1) -> bytes:
    """Encode what a consumer puts into its JoinGroup."""
    out = bytearray(struct.pack(">hi", version, len(topics)))
    for name in topics:
        write_string(out, name)
    out += struct.pack(">i", -1)
    if version >= 1:
        out += write_assignment(0, owned or [])[2:-4]
    return bytes(out)


class ClassicClient:
    """One member; eager ones let go of everything before they join, the others keep what they have."""

    def __init__(self, desk: ConsumerDesk, name: str, topics: tuple[str, ...] = ("t",), *, eager: bool = True) -> None:
        self.desk, self.name, self.topics, self.eager = desk, name, topics, eager
        self.member_id = ""
        self.generation = -1
        self.owned: Partitions = NOTHING
        self.instance: str | None = None
        self._wants = "join"
        self._token = 0
        self._joined: JoinReply | None = None
        self._heard: list[JoinReply | SyncReply] = []

    # What it sends

    def join(self) -> JoinReply | None:
        """Send JoinGroup; the answer, or None while it is held."""
        if self.eager:
            self.owned = NOTHING
        request = JoinRequest(
            member_id=self.member_id,
            fresh_member_id=f"{self.name}-{self.desk.number()}",
            instance_id=self.instance,
            client_id="client",
            client_host="/127.0.0.1",
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            protocol_type="consumer",
            protocols=(ProtocolOffer("range" if self.eager else "kept", self._subscription()),),
            requires_known_member_id=True,
            supports_skip_assignment=False,
        )
        self._wants = "an answer"
        self._token = self.desk.number()
        self.desk.due += self.desk.coordinator.join("g", request, self._token, self.desk.now)
        reply = self._answer()
        assert reply is None or isinstance(reply, JoinReply)
        return reply

    def sync(self) -> SyncReply | None:
        """Send SyncGroup, with everybody's assignment if it leads; the answer, or None while it is held."""
        joined = self._joined
        given = self._lead(joined) if joined is not None and joined.members else {}
        request = SyncRequest(self.member_id, self.instance, self.generation, "consumer", None, given)
        self._wants = "an answer"
        self._token = self.desk.number()
        self.desk.due += self.desk.coordinator.sync("g", request, self._token, self.desk.now)
        reply = self._answer()
        assert reply is None or isinstance(reply, SyncReply)
        return reply

    def heartbeat(self) -> ErrorCode:
        """Send Heartbeat, and note what is to be done."""
        error = self.desk.coordinator.heartbeat("g", self.member_id, self.instance, self.generation, self.desk.now)
        self._take_error(error)
        return error

    def leave(self) -> ErrorCode:
        identity = MemberIdentity(self.member_id, self.instance)
        (error,), due = self.desk.coordinator.leave("g", [identity], self.desk.now)
        self.desk.due += due
        return error

    def act(self) -> None:
        """Do whatever is next."""
        if self._wants == "an answer":
            self._answer()
        elif self._wants == "join":
            self.join()
        elif self._wants == "sync":
            self.sync()
        else:
            self.heartbeat()

    @property
    def is_settled(self) -> bool:
        return self._wants == "nothing"

    def forget_request(self) -> None:
        """The broker was killed: what it held is lost, and is asked for again."""
        if self._wants == "an answer":
            self._wants = "join"

    # What it hears

    def _answer(self) -> JoinReply | SyncReply | None:
        for answer in self.desk.due:
            if answer.token == self._token:
                self.desk.due.remove(answer)
                self._take(answer.reply)
                return answer.reply
        return None

    def _take(self, reply: JoinReply | SyncReply) -> None:
        if isinstance(reply, JoinReply) and reply.error is ErrorCode.MEMBER_ID_REQUIRED:
            self.member_id, self._wants = reply.member_id, "join"
        elif reply.error is not ErrorCode.NONE:
            self._take_error(reply.error)
        elif isinstance(reply, JoinReply):
            self.member_id, self.generation = reply.member_id, reply.generation
            self._joined, self._wants = reply, "sync"
        else:
            assigned = self._ids(read_assignment(reply.assignment))
            let_go = self.owned - assigned
            self.owned = assigned
            self._wants = "join" if let_go else "nothing"

    def _take_error(self, error: ErrorCode) -> None:
        if error is ErrorCode.REBALANCE_IN_PROGRESS:
            self._wants = "join"
        elif error is not ErrorCode.NONE:
            self.owned, self._wants, self.generation = NOTHING, "join", -1
            if error is ErrorCode.UNKNOWN_MEMBER_ID:
                self.member_id = ""

    # Its strategy

    def _lead(self, joined: JoinReply) -> dict[str, bytes]:
        """Share all partitions out in turn; what another still has is given to nobody where members keep theirs."""
        said = {row.member_id: read_subscription(row.metadata) for row in joined.members}
        owners = {partition: name for name, each in said.items() for partition in each.owned}
        given: dict[str, list[NamedPartition]] = {name: [] for name in said}
        for topic in sorted({name for each in said.values() for name in each.topics}):
            facts = self.desk.topics.find(topic)
            readers = sorted(name for name, each in said.items() if topic in each.topics)
            for number in range(facts.partitions if facts is not None else 0):
                reader = readers[number % len(readers)]
                if owners.get((topic, number), reader) == reader:
                    given[reader].append((topic, number))
        return {name: write_assignment(1, rows) for name, rows in given.items()}

    def _subscription(self) -> bytes:
        named = [(self.desk.topics.name_of(topic_id), number) for topic_id, number in self.owned]
        return subscription(self.topics, [(name, number) for name, number in named if name is not None])

    def _ids(self, rows: list[NamedPartition]) -> Partitions:
        found: set[TopicPartition] = set()
        for name, number in rows:
            facts = self.desk.topics.find(name)
            assert facts is not None
            found.add((facts.topic_id, number))
        return frozenset(found)
