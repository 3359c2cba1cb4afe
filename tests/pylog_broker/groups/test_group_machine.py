"""Random lives of one group against an independent account of what its members were told."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.pylog_broker.groups.messages import JoinReply, SyncReply
from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.desk import Desk

SESSION_S = 10
REBALANCE_S = 15
STRATEGIES = ("range", "roundrobin", "sticky")
slots = st.integers(0, 4)


@dataclass
class Consumer:
    """One client program; slots 3 and 4 are static members."""

    slot: int
    member_id: str = ""
    generation: int = -1
    offers: tuple[str, ...] = STRATEGIES
    join_token: int | None = None
    sync_token: int | None = None
    synced: int = -1
    """The generation whose assignment it has."""
    last_contact_s: float = 0.0

    @property
    def instance(self) -> str | None:
        return f"static-{self.slot}" if self.slot >= 3 else None


@dataclass
class Generation:
    """What was said about one generation."""

    protocol: str
    leader: str
    told: dict[str, JoinReply] = field(default_factory=dict)
    listed: set[str] | None = None
    shares: dict[str, bytes] | None = None


class GroupMachine(RuleBasedStateMachine):
    """Consumers that join, sync, beat, leave, vanish and come back in any order."""

    initial_delay_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(initial_rebalance_delay_ms=self.initial_delay_ms, members_max=4)
        self.consumers = [Consumer(slot) for slot in range(5)]
        self.generations: dict[int, Generation] = {}
        self.heirs: dict[str, str] = {}
        """Fenced id -> the id that took its place."""
        self.owner: dict[int, Consumer] = {}
        self.offered: dict[int, tuple[str, ...]] = {}
        self.asked_for_leadership: dict[int, int] = {}
        self.collected: set[int] = set()
        self.held_syncs: set[int] = set()
        self.members_before: set[str] = set()
        self.preparing_since_s = self.desk.now.monotonic_s

    # What clients do

    @rule(slot=slots, offers=st.sampled_from([STRATEGIES, ("range", "sticky"), ("sticky",), ("cooperative",)]))
    def join(self, slot: int, offers: tuple[str, ...]) -> None:
        consumer = self.consumers[slot]
        if consumer.join_token is not None or consumer.sync_token is not None:
            return
        consumer.offers = offers
        token = self.desk.ask_join(
            consumer.member_id,
            instance=consumer.instance,
            protocols=[(name, f"{slot}/{name}".encode()) for name in offers],
            session_ms=SESSION_S * 1000,
            rebalance_ms=REBALANCE_S * 1000,
        )
        consumer.join_token = token
        self.owner[token] = consumer
        self.offered[token] = offers
        self.collect()

    @rule(slot=slots)
    def sync(self, slot: int) -> None:
        consumer = self.consumers[slot]
        if consumer.join_token is not None or consumer.sync_token is not None or consumer.generation < 0:
            return
        generation = self.generations[consumer.generation]
        shares: dict[str, bytes] = {}
        if generation.leader == consumer.member_id and generation.listed is not None:
            shares = {each: f"{each}@{consumer.generation}".encode() for each in generation.listed}
            generation.shares = generation.shares or shares
        token = self.desk.ask_sync(consumer.member_id, consumer.generation, shares, instance=consumer.instance)
        consumer.sync_token = token
        self.owner[token] = consumer
        if self.desk.held(token):
            self.held_syncs.add(token)
            consumer.last_contact_s = self.desk.now.monotonic_s
        self.collect()

    @rule(slot=slots)
    def heartbeat(self, slot: int) -> None:
        self.beat(slot)

    def beat(self, slot: int) -> ErrorCode | None:
        consumer = self.consumers[slot]
        if not consumer.member_id or consumer.generation < 0 or consumer.join_token is not None:
            return None
        error = self.desk.heartbeat(consumer.member_id, consumer.generation, instance=consumer.instance)
        if error in (ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS):
            consumer.last_contact_s = self.desk.now.monotonic_s
        state = self.desk.state()
        assert error is not ErrorCode.REBALANCE_IN_PROGRESS or state == "PreparingRebalance"
        assert error is not ErrorCode.NONE or state in ("CompletingRebalance", "Stable")
        if error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            consumer.member_id, consumer.generation = "", -1
        return error

    @rule(slot=slots)
    def behave(self, slot: int) -> None:
        """What a sound client does next."""
        consumer = self.consumers[slot]
        if consumer.join_token is not None or consumer.sync_token is not None:
            return
        if consumer.generation < 0:
            self.join(slot, consumer.offers)
        elif consumer.synced < consumer.generation:
            self.sync(slot)
        elif self.beat(slot) is ErrorCode.REBALANCE_IN_PROGRESS or consumer.generation < 0:
            self.join(slot, consumer.offers)

    @rule(order=st.permutations([0, 1, 2, 3, 4]), rounds=st.integers(1, 4))
    def everybody_behaves(self, order: list[int], rounds: int) -> None:
        for _ in range(rounds):
            for slot in order:
                self.behave(slot)

    @rule(slot=slots)
    def leave(self, slot: int) -> None:
        consumer = self.consumers[slot]
        if not consumer.member_id:
            return
        self.members_before.discard(consumer.member_id)
        error = self.desk.leave(consumer.member_id, instance=consumer.instance)
        assert error in (
            ErrorCode.NONE,
            ErrorCode.UNKNOWN_MEMBER_ID,
            ErrorCode.FENCED_INSTANCE_ID,
        )
        self.collect()
        if error is ErrorCode.NONE:
            assert consumer.join_token is None, "a leaver's held join must be answered"
            assert consumer.sync_token is None, "a leaver's held sync must be answered"
            assert consumer.member_id not in self.members()
        consumer.member_id, consumer.generation = "", -1

    @rule(slot=slots)
    def restart_program(self, slot: int) -> None:
        """The program dies without a word and begins anew: it knows nothing, and waits for no answer."""
        self.consumers[slot] = Consumer(slot)

    @rule(seconds=st.sampled_from([0.5, 3, 8, 11, 16, 40]))
    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            self.desk.pass_time(0.5)
            self.collect()
            self.remember()

    @precondition(lambda self: self.desk.state() in ("Stable", "Empty"))
    @rule()
    def restart_broker(self) -> None:
        """Kill -9: held requests are lost with their connections, members go on from the journal."""
        before = self.members()
        generation = max(self.generations, default=0)
        self.desk.restart()
        assert self.members() == before
        for token, consumer in self.owner.items():
            if token in self.collected:
                continue
            self.collected.add(token)
            consumer.join_token = None if consumer.join_token == token else consumer.join_token
            consumer.sync_token = None if consumer.sync_token == token else consumer.sync_token
        for consumer in self.consumers:
            consumer.last_contact_s = self.desk.now.monotonic_s
        if before:
            some = next(iter(before))
            live = next((each for each in self.consumers if each.member_id == some), None)
            if live is not None and live.generation == generation:
                assert self.desk.heartbeat(some, generation, instance=live.instance) is ErrorCode.NONE

    # What they are told

    def collect(self) -> None:
        for token, reply in list(self.desk.answers.items()):
            if token in self.collected:
                continue
            self.collected.add(token)
            consumer = self.owner[token]
            if isinstance(reply, JoinReply):
                self.told_of_join(token, consumer, reply)
            else:
                self.told_of_sync(consumer, reply)

    def told_of_join(self, token: int, consumer: Consumer, reply: JoinReply) -> None:
        consumer.join_token = None
        if reply.error is ErrorCode.NONE:
            consumer.last_contact_s = self.desk.now.monotonic_s
        if reply.error is ErrorCode.MEMBER_ID_REQUIRED:
            assert consumer.instance is None
            consumer.member_id = reply.member_id
            return
        if reply.error is not ErrorCode.NONE:
            if reply.error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
                consumer.member_id, consumer.generation = "", -1
            return
        assert reply.protocol_name in self.offered[token], "a member was given a protocol it cannot use"
        newest = max(self.generations, default=0)
        assert reply.generation >= newest, "the generation went backwards"
        if reply.generation > newest:
            self.generations[reply.generation] = Generation(reply.protocol_name, reply.leader_id)
        generation = self.generations[reply.generation]
        if consumer.instance and consumer.member_id != reply.member_id and reply.generation == newest:
            before = next(
                (row for row in generation.told if self.slot_of(row) == consumer.slot and row not in self.heirs),
                None,
            )
            if before is not None:
                self.heirs[before] = reply.member_id
        consumer.member_id, consumer.generation = reply.member_id, reply.generation
        assert reply.protocol_name == generation.protocol
        generation.told[reply.member_id] = reply
        self.slots_by_id[reply.member_id] = consumer.slot
        if reply.members and not reply.skip_assignment:
            assert reply.leader_id == reply.member_id, "only the leader gets the list"
            generation.leader = reply.member_id
            if generation.listed is None:
                self.nobody_was_left_behind(reply)
            generation.listed = {row.member_id for row in reply.members}
            assert reply.member_id in generation.listed
            for row in reply.members:
                assert row.metadata.endswith(f"/{reply.protocol_name}".encode())
        elif reply.skip_assignment:
            assert consumer.instance is not None
            assert reply.leader_id == reply.member_id
        else:
            assert reply.leader_id != reply.member_id, "a leader without the list"

    def nobody_was_left_behind(self, reply: JoinReply) -> None:
        """A member whose session runs is left out only when it let the rebalance timeout pass."""
        listed = {row.member_id for row in reply.members}
        waited_s = self.desk.now.monotonic_s - self.preparing_since_s
        for consumer in self.consumers:
            silent_s = self.desk.now.monotonic_s - consumer.last_contact_s
            if consumer.member_id in self.members_before and silent_s < SESSION_S and waited_s < REBALANCE_S:
                assert consumer.member_id in listed, "the rebalance did not wait for a live member"

    @property
    def slots_by_id(self) -> dict[str, int]:
        return self.__dict__.setdefault("_slots_by_id", {})

    def slot_of(self, member_id: str) -> int | None:
        return self.slots_by_id.get(member_id)

    def told_of_sync(self, consumer: Consumer, reply: SyncReply) -> None:
        token, consumer.sync_token = consumer.sync_token, None
        if token in self.held_syncs and reply.error is ErrorCode.REBALANCE_IN_PROGRESS:
            consumer.last_contact_s = self.desk.now.monotonic_s
        if reply.error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            consumer.member_id, consumer.generation = "", -1
        if reply.error is not ErrorCode.NONE:
            return
        consumer.last_contact_s = self.desk.now.monotonic_s
        generation = self.generations[consumer.generation]
        consumer.synced = consumer.generation
        assert reply.protocol_name == generation.protocol
        if generation.listed is None or generation.shares is None:
            assert reply.assignment == b"", "an assignment that no leader gave"
            return
        rightful = {f"{consumer.member_id}@{consumer.generation}".encode()}
        rightful |= {
            f"{fenced}@{consumer.generation}".encode() for fenced in self.heirs if self.comes_from(fenced, consumer)
        }
        assert reply.assignment in rightful, "somebody else's assignment"

    def comes_from(self, fenced: str, consumer: Consumer) -> bool:
        while fenced in self.heirs:
            fenced = self.heirs[fenced]
        return fenced == consumer.member_id

    # What always holds

    def members(self) -> set[str]:
        described = self.desk.coordinator.describe("g")
        return {row.member_id for row in described.members} if described else set()

    @invariant()
    def remember(self) -> None:
        self.members_before = self.members()
        if self.desk.state() != "PreparingRebalance":
            self.preparing_since_s = self.desk.now.monotonic_s

    @invariant()
    def no_deadline_is_forgotten(self) -> None:
        assert self.desk.coordinator.next_deadline_s > self.desk.now.monotonic_s - 1e-9

    @invariant()
    def silent_dynamic_members_are_gone(self) -> None:
        known = self.members()
        for consumer in self.consumers[:3]:
            silent_s = self.desk.now.monotonic_s - consumer.last_contact_s
            waiting = consumer.join_token is not None or consumer.sync_token is not None
            if consumer.member_id and not waiting and silent_s > SESSION_S + 0.001:
                assert consumer.member_id not in known

    @invariant()
    def the_group_is_within_its_bound(self) -> None:
        assert len(self.members()) <= 4

    @invariant()
    def the_bytes_add_up(self) -> None:
        group = self.desk.coordinator._groups.get("g")
        held = 0 if group is None else sum(member.bytes_held for member in group.members)
        assert self.desk.coordinator._member_bytes == held

    @invariant()
    def a_stable_group_is_assigned_by_its_leader(self) -> None:
        described = self.desk.coordinator.describe("g")
        if described is None or described.state != "Stable":
            return
        newest = max(self.generations)
        shares = self.generations[newest].shares
        assert shares is not None
        for row in described.members:
            names = {row.member_id} | {old for old in self.heirs if self.final_heir(old) == row.member_id}
            if names & set(shares):
                assert row.assignment in {shares.get(name) for name in names}

    def final_heir(self, fenced: str) -> str:
        while fenced in self.heirs:
            fenced = self.heirs[fenced]
        return fenced

    def teardown(self) -> None:
        """In the end everybody is answered: no request may be held for ever."""
        self.desk.pass_time(2_000)
        self.collect()
        unanswered = set(self.owner) - self.collected
        assert not unanswered, f"{len(unanswered)} requests were never answered"
        assert self.members() == set() or self.desk.state() == "Stable"


class GatheringGroupMachine(GroupMachine):
    """The same with an initial rebalance delay."""

    initial_delay_ms = 3_000


LIVES = settings(max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
GroupMachine.TestCase.settings = LIVES
GatheringGroupMachine.TestCase.settings = LIVES
TestGroup = GroupMachine.TestCase
TestGatheringGroup = GatheringGroupMachine.TestCase
