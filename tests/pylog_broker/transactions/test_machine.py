"""The tables of states, and random lives of a transactional id against what a client may conclude."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.transactions.coordinator import TransactionCoordinator
from harness.pylog_broker.transactions.records import journal_record, read_record, transaction_key
from harness.pylog_broker.transactions.settings import DOCS, KAFKA_NAMES, TransactionSettings
from harness.pylog_broker.transactions.states import (
    ALLOWED,
    ENDING,
    MEANINGS,
    STORED,
    TRANSITIONS,
    TransactionState,
    transition_table_markdown,
)
from harness.pylog_broker.transactions.transaction import Partition, ProducerIdentity, Transaction
from tests.pylog_broker.groups.desk import ListJournal

WALL_MS = 1_700_000_000_000
PARTITIONS: list[Partition] = [("t", 0), ("t", 1), ("u", 0)]


class Journal(ListJournal):
    def coordinator_epoch(self, _partition: int) -> int:
        return 0

    def transactions(self) -> list[tuple[str, Transaction | None]]:
        rows = [record for partition in self.records for _, record in partition]
        return [found for key, value in rows if (found := read_record(key, value)) is not None]


class Floor:
    """Partitions that take markers, unless they are told to refuse."""

    def __init__(self) -> None:
        self.markers: list[tuple[Partition, ProducerIdentity, bool]] = []
        self.refusing: set[Partition] = set()
        self.ids = 0
        self.failing = False

    def fresh_producer_id(self) -> int:
        if self.failing:
            raise JournalFailed("no space left on device")
        self.ids += 1
        return self.ids

    def write_marker(
        self, partition: Partition, identity: ProducerIdentity, *, committed: bool, coordinator_epoch: int
    ) -> ErrorCode:
        assert coordinator_epoch == 0
        if partition in self.refusing:
            return ErrorCode.KAFKA_STORAGE_ERROR
        self.markers.append((partition, identity, committed))
        return ErrorCode.NONE


class Desk:
    """One coordinator with a clock that is set by hand."""

    def __init__(self, **options: int) -> None:
        self.settings = TransactionSettings(**options)
        self.journal, self.floor = Journal(), Floor()
        self.now = Instant(1_000.0, WALL_MS)
        self.coordinator = TransactionCoordinator(self.settings, self.journal, self.floor, self.now)

    def restart(self) -> None:
        self.coordinator = TransactionCoordinator(self.settings, self.journal, self.floor, self.now)
        self.coordinator.restore(self.journal.transactions(), self.now)

    def pass_time(self, seconds: float) -> None:
        end_s = self.now.monotonic_s + seconds
        while self.coordinator.next_deadline_s <= end_s:
            self._set(max(self.coordinator.next_deadline_s, self.now.monotonic_s))
            self.coordinator.tick(self.now)
        self._set(end_s)

    def _set(self, monotonic_s: float) -> None:
        # Rounded up, so that a deadline in whole milliseconds has passed on both clocks.
        self.now = Instant(monotonic_s, WALL_MS - int(-(monotonic_s - 1_000) * 1000 // 1))

    def state(self) -> TransactionState:
        found = self.coordinator.find("x")
        assert found is not None
        return found.state


def test_every_state_has_a_meaning_and_a_way_in() -> None:
    assert set(MEANINGS) == set(TransactionState)
    assert {move.target for move in TRANSITIONS} == set(TransactionState)
    assert len(transition_table_markdown().splitlines()) == len(TRANSITIONS) + 2
    assert list(STORED.values()) == list(range(8)), "Apache Kafka's numbers"
    assert not any(origin in ENDING and target is TransactionState.ONGOING for origin, target in ALLOWED)


def test_settings_are_read_by_their_names_and_checked() -> None:
    assert set(DOCS) == set(KAFKA_NAMES)
    assert TransactionSettings.from_names({"transaction.max.timeout.ms": "5"}).timeout_ms_max == 5
    for name, value in (("transaction.max.timeout.ms", "0"), ("transaction.state.log.num.partitions", "51")):
        with pytest.raises(ValueError, match=name):
            TransactionSettings.from_names({name: value})
    with pytest.raises(ValueError, match="whole number"):
        TransactionSettings.from_names({"producer.id.expiration.ms": "a day"})


def test_records_are_read_back() -> None:
    full = Transaction(
        "x", 7, 32_766, 60_000, TransactionState.PREPARE_COMMIT, frozenset(PARTITIONS), 5, 6, -1, 3, 9, 2
    )
    plain = Transaction("y", 1, 0, 1_000)
    for transaction in (full, plain):
        assert read_record(*journal_record(transaction)) == (transaction.transactional_id, transaction)
    assert read_record(transaction_key("x"), None) == ("x", None)
    key, value = journal_record(full)
    assert value is not None
    for size in range(len(value)):
        with pytest.raises(MalformedMessage):
            read_record(key, value[:size])
    assert read_record(b"\0\7", value) is None
    assert read_record(key, b"\0\7" + value[2:]) is None


def test_a_version_0_record_of_an_older_broker_is_read() -> None:
    value = (
        b"\0\0" + (7).to_bytes(8, "big") + b"\0\3" + (9).to_bytes(4, "big") + b"\1"
        b"\0\0\0\1\0\1t\0\0\0\2\0\0\0\0\0\0\0\4" + (6).to_bytes(8, "big") + (5).to_bytes(8, "big")
    )
    expected = Transaction("x", 7, 3, 9, TransactionState.ONGOING, frozenset({("t", 0), ("t", 4)}), 5, 6)
    assert read_record(transaction_key("x"), value) == ("x", expected)


def test_a_refused_marker_is_tried_again_and_holds_up_what_follows() -> None:
    desk = Desk()
    identity = desk.coordinator.register("x", 60_000, None, desk.now).identity
    desk.coordinator.add_partitions("x", identity, PARTITIONS, desk.now)
    desk.floor.refusing = {("t", 1)}
    answer = desk.coordinator.end("x", identity, desk.now, commit=True, client_version=0)
    assert answer.error is ErrorCode.NONE, "the decision stands"
    assert desk.state() is TransactionState.PREPARE_COMMIT
    busy = ErrorCode.CONCURRENT_TRANSACTIONS
    assert desk.coordinator.add_partitions("x", identity, PARTITIONS, desk.now) is busy
    assert desk.coordinator.end("x", identity, desk.now, commit=True, client_version=0).error is busy
    assert desk.coordinator.end("x", identity, desk.now, commit=False, client_version=0).error is (
        ErrorCode.INVALID_TXN_STATE
    )
    assert desk.coordinator.register("x", 60_000, None, desk.now).error is busy
    desk.floor.refusing = set()
    desk.pass_time(1)
    assert desk.state() is TransactionState.COMPLETE_COMMIT
    assert [partition for partition, _, _ in desk.floor.markers] == [("t", 0), ("u", 0), ("t", 1)]


def test_what_cannot_be_written_down_does_not_happen() -> None:
    desk = Desk()
    identity = desk.coordinator.register("x", 60_000, None, desk.now).identity
    desk.coordinator.add_partitions("x", identity, PARTITIONS[:1], desk.now)
    desk.journal.failing = True
    failed = ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert desk.coordinator.add_partitions("x", identity, PARTITIONS, desk.now) is failed
    assert desk.coordinator.end("x", identity, desk.now, commit=True, client_version=2).error is failed
    assert desk.coordinator.register("x", 60_000, None, desk.now).error is failed
    assert desk.coordinator.register("y", 60_000, None, desk.now).error is failed
    desk.pass_time(61)
    assert desk.state() is TransactionState.ONGOING
    assert desk.floor.markers == []
    desk.journal.failing = False
    desk.pass_time(1)
    assert desk.state() is TransactionState.COMPLETE_ABORT, "the timeout is tried again"


def test_the_journal_is_compacted() -> None:
    desk = Desk(compaction_bytes_min=2_000)
    identity = desk.coordinator.register("x", 60_000, None, desk.now).identity
    for _ in range(100):
        desk.coordinator.add_partitions("x", identity, PARTITIONS, desk.now)
        desk.coordinator.end("x", identity, desk.now, commit=True, client_version=0)
        desk.pass_time(0.1)
    assert sum(desk.journal.size_bytes(partition) for partition in range(3)) < 6_000
    before = desk.coordinator.find("x")
    desk.restart()
    assert desk.coordinator.find("x") == before


class TransactionMachine(RuleBasedStateMachine):
    """Two producers of one transactional id, crashes, refusing disks and time, in any order.

    What must hold: an answer that says "committed" or "aborted" means a marker in each partition of the transaction, nothing
    is committed that nobody asked for, a fenced producer is not let in, and the journal knows all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.identities: list[ProducerIdentity | None] = [None, None]
        self.open: dict[int, set[Partition]] = {0: set(), 1: set()}
        self.asked_commits: set[ProducerIdentity] = set()

    producers = st.integers(0, 1)
    versions = st.sampled_from([0, 2])

    @rule(producer=producers, known=st.booleans())
    def register(self, producer: int, known: bool) -> None:
        expected = self.identities[producer] if known else None
        answer = self.desk.coordinator.register("x", 5_000, expected, self.desk.now)
        if answer.error is ErrorCode.NONE:
            newest = max(identity for identity in [*self.identities, answer.identity] if identity is not None)
            assert answer.identity == newest, "an epoch was given twice"
            self.identities[producer] = answer.identity
            self.open[producer] = set()

    @rule(producer=producers, partition=st.sampled_from(PARTITIONS), version=versions)
    def add(self, producer: int, partition: Partition, version: int) -> None:
        identity = self.identities[producer]
        if identity is None:
            return
        error = self.desk.coordinator.add_partitions("x", identity, [partition], self.desk.now, client_version=version)
        other = self.identities[1 - producer]
        if other is not None and other > identity:
            assert error is not ErrorCode.NONE, "a fenced producer was let in"
        if error is ErrorCode.NONE:
            self.open[producer].add(partition)

    @rule(producer=producers, commit=st.booleans(), version=versions)
    def end(self, producer: int, commit: bool, version: int) -> None:
        identity = self.identities[producer]
        if identity is None:
            return
        if commit:  # the marker has this epoch, or the next one
            self.asked_commits |= {identity, identity._replace(epoch=identity.epoch + 1)}
        seen = len(self.desk.floor.markers)
        state_before = self.desk.state()
        answer = self.desk.coordinator.end("x", identity, self.desk.now, commit=commit, client_version=version)
        if answer.error is not ErrorCode.NONE:
            return
        self.identities[producer] = answer.identity
        if state_before is TransactionState.ONGOING and self.desk.state() not in ENDING:
            ended = {partition for partition, _, committed in self.desk.floor.markers[seen:] if committed == commit}
            assert ended == self.open[producer], "every partition has the marker that was promised"
        self.open[producer] = set()

    @rule(seconds=st.sampled_from([0.1, 1, 6]))
    def wait(self, seconds: float) -> None:
        self.desk.pass_time(seconds)

    @rule(partitions=st.sets(st.sampled_from(PARTITIONS)))
    def refuse(self, partitions: set[Partition]) -> None:
        self.desk.floor.refusing = partitions

    @rule()
    def crash(self) -> None:
        self.desk.restart()

    @invariant()
    def nothing_is_committed_that_nobody_asked_for(self) -> None:
        for partition, identity, committed in self.desk.floor.markers:
            assert partition in PARTITIONS
            assert not committed or identity in self.asked_commits

    @invariant()
    def the_journal_says_what_memory_says(self) -> None:
        found = self.desk.coordinator.find("x")
        if found is None or found.state in ENDING:
            return  # missing markers are counted in memory only
        stored = dict(self.desk.journal.transactions())["x"]
        assert stored is not None
        assert stored == found._replace(last_epoch=-1)


TestTransactionMachine = TransactionMachine.TestCase
TestTransactionMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
