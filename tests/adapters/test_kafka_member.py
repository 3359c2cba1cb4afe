"""A group's member without a broker: what it commits, what it hands out again, what it does when a copy fails.

The client library is replaced by a small log, because these moments (a partition taken away in mid-work, a copy that is not
acknowledged) cannot be made to happen on demand with a real one; the contract suite runs all else against real brokers.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence

import confluent_kafka
import numpy as np
import pytest

from harness.adapters.emulation.notes import Notes
from harness.adapters.kafka.confluent_consumer import ConfluentConsumer
from harness.adapters.kafka.layout import Layout, layout_for
from harness.adapters.kafka.ports import Copy, Fetched, Owner
from harness.adapters.kafka.subscriber import KafkaSubscriber
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo
from harness.model.messages import ABANDON, ACCEPT, DEAD, Outcome, Reason, retry
from harness.model.workload import Needs

Row = tuple[int, int, Notes]  # lane, offset, notes


class ScriptedConsumer:
    """Hands out what a test put in; remembers what it was told."""

    glance_s = 0.0

    def __init__(self, owner: Owner, lanes: Sequence[int]) -> None:
        self.owner = owner
        self.rows: list[Row] = []
        self.committed: dict[int, int] = {}
        self.paused: set[int] = set()
        self.sought: dict[int, int] = {}
        self.closed = False
        owner.assigned(list(lanes))

    def fetch(self, limit: int, timeout_s: float) -> Fetched:
        ready = [row for row in self.rows if row[0] not in self.paused][:limit]
        for row in ready:
            self.rows.remove(row)
        if not ready:
            time.sleep(min(timeout_s, 0.001))
        lanes = np.array([lane for lane, _, _ in ready], dtype=np.int32)
        offsets = np.array([offset for _, offset, _ in ready], dtype=np.int64)
        return Fetched([b"%d" % offset for _, offset, _ in ready], lanes, offsets, time.monotonic_ns(), ready)

    def commit(self, positions: Mapping[int, int], *, wait: bool) -> None:
        self.committed |= positions

    def pause(self, lanes: list[int]) -> None:
        self.paused |= set(lanes)

    def resume(self, lanes: list[int]) -> None:
        self.paused -= set(lanes)

    def start_offsets(self, lanes: list[int]) -> dict[int, int]:
        return dict.fromkeys(lanes, 0)

    def seek(self, positions: Mapping[int, int]) -> None:
        self.sought = dict(positions)

    def key_of(self, raw: object) -> bytes | None:
        return b"key"

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]:
        assert isinstance(raw, tuple)
        return list(raw[2].headers())

    def close(self) -> None:
        self.closed = True


class ScriptedCopier:
    def __init__(self) -> None:
        self.copies: list[Copy] = []
        self.answers: list[Outcome] = []

    def publish(self, copies: Sequence[Copy], timeout_s: float) -> list[Outcome]:
        self.copies += copies
        return self.answers or [Outcome.OK] * len(copies)

    def close(self) -> None:
        pass


class Stage:
    """A member on a scripted log."""

    def __init__(self, address: tuple[str, int], lanes: Sequence[int] = (0, 1), **needs: object) -> None:
        wanted = Needs.model_validate({"groups": {"workers": 2}, **needs})
        self.layout: Layout = layout_for(wanted, "p")
        self.copier = ScriptedCopier()
        info = BrokerInfo("kafka", "kafka", "1", *address, "process")

        def consumer(owner: Owner) -> ScriptedConsumer:
            self.log = ScriptedConsumer(owner, lanes)
            return self.log

        self.member = KafkaSubscriber(info, self.layout, wanted, "workers", consumer, lambda: self.copier)

    def feed(self, lane: int, *offsets: int, noted: Notes | None = None) -> None:
        self.log.rows += [(lane, offset, noted or Notes()) for offset in offsets]


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """Somebody listens: an orderly close asks before it commits."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[:2]


def test_close_commits_the_settled_prefix(address: tuple[str, int]) -> None:
    stage = Stage(address)
    stage.feed(0, 0, 1, 2, 3)
    stage.feed(1, 7)
    got = stage.member.receive(10, 0.0)
    stage.member.settle(got.take([0, 1, 3, 4]), ACCEPT)
    stage.member.close()
    assert stage.log.committed == {0: 2, 1: 8}
    assert stage.log.closed


def test_a_crash_commits_nothing_more(address: tuple[str, int]) -> None:
    stage = Stage(address)
    stage.feed(0, 0, 1)
    got = stage.member.receive(10, 0.0)
    stage.member.settle(got.take([0]), ACCEPT)
    stage.log.committed.clear()
    stage.member.settle(got.take([1]), ABANDON)
    stage.member.close()
    assert stage.log.committed == {}
    with pytest.raises(BrokerUnavailable):
        stage.member.receive(1, 0.0)


def test_a_partition_that_was_taken_away_is_not_settled(address: tuple[str, int]) -> None:
    stage = Stage(address)
    stage.feed(0, 0, 1)
    stage.feed(1, 5)
    got = stage.member.receive(10, 0.0)
    stage.member.settle(got.take([0]), ACCEPT)
    stage.member.revoked([0], lost=False)
    assert stage.log.committed[0] == 1, "what was settled is committed before the partition goes"
    settled = stage.member.settle(got.take([1, 2]), ACCEPT)
    assert settled.outcome is Outcome.INFO
    assert "1 came from a partition" in settled.error
    stage.member.close()
    assert stage.log.committed == {0: 1, 1: 6}


def test_a_lost_partition_is_not_committed(address: tuple[str, int]) -> None:
    stage = Stage(address)
    stage.feed(0, 0)
    stage.log.committed.clear()
    got = stage.member.receive(10, 0.0)
    stage.member._progress.settle(got.partitions, got.positions)
    stage.member.revoked([0, 1], lost=True)
    assert stage.log.committed == {}
    assert not stage.member.ready()


def test_no_copy_is_made_for_a_partition_that_is_gone(address: tuple[str, int]) -> None:
    stage = Stage(address, retry={"max": 1, "backoff": ["1s"]}, dead_letter=True)
    stage.feed(0, 0)
    got = stage.member.receive(10, 0.0)
    stage.member.revoked([0, 1], lost=False)
    assert stage.member.settle(got, retry(1000)).outcome is Outcome.INFO
    assert stage.copier.copies == []


def test_a_copy_that_fails_leaves_its_original(address: tuple[str, int]) -> None:
    stage = Stage(address, dead_letter=True)
    stage.feed(0, 0, 1)
    got = stage.member.receive(10, 0.0)
    stage.copier.answers = [Outcome.OK, Outcome.INFO]
    with pytest.raises(BrokerUnavailable, match="1 copies to p-dead-letters"):
        stage.member.settle(got, DEAD)
    stage.member.close()
    assert stage.log.committed == {0: 1}


def test_retries_and_dead_letters_carry_their_notes(address: tuple[str, int]) -> None:
    stage = Stage(address, retry={"max": 3, "backoff": ["1s", "2s"]}, dead_letter=True, priority_levels=2, lanes=(0, 2))
    stage.feed(2, 0, noted=Notes(attempt=1))  # the second class, with two partitions a topic
    got = stage.member.receive(10, 0.0)
    before_ns = time.monotonic_ns()
    assert stage.member.settle(got, retry(1500)).copies == 1
    stage.feed(0, 0)
    stage.member.settle(stage.member.receive(10, 0.0), DEAD)
    again, dead = stage.copier.copies
    assert again.topic == "p-retry-0-workers-2000ms"
    values = dict(again.headers)
    assert (values["attempt"], values["class"]) == (b"2", b"1")
    assert int(values["due_ns"]) >= before_ns + 1_500_000_000
    assert dead.topic == "p-dead-letters"
    assert dict(dead.headers)["reason"] == b"%d" % Reason.REJECTED


def test_expired_messages_are_moved_and_counted(address: tuple[str, int]) -> None:
    stage = Stage(address, expiry=True, dead_letter=True)
    stage.feed(0, 0, noted=Notes(expires_ns=1))
    stage.feed(0, 1)
    got = stage.member.receive(10, 0.0)
    assert got.positions.tolist() == [1]
    assert stage.member.settle(got, ACCEPT).copies == 1
    (letter,) = stage.copier.copies
    assert dict(letter.headers)["reason"] == b"%d" % Reason.EXPIRED
    stage.member.close()
    assert stage.log.committed == {0: 2}


def test_a_long_backlog_of_low_class_is_paused_and_resumed(address: tuple[str, int]) -> None:
    stage = Stage(address, lanes=(0, 2), priority_levels=2, prefetch=1)
    stage.feed(0, *range(450))
    seen = []
    while len(seen) < 450:
        got = stage.member.receive(1, 0.0)
        if len(seen) == 1:
            assert stage.log.paused == {0}
            stage.feed(2, 900)
        seen += got.positions.tolist()
        stage.member.settle(got, ACCEPT)
    assert seen.index(900) <= 2
    assert stage.log.paused == set()


def test_no_more_than_the_prefetch_is_held(address: tuple[str, int]) -> None:
    stage = Stage(address, prefetch=2)
    stage.feed(0, 0, 1, 2, 3)
    first = stage.member.receive(10, 0.0)
    assert first.positions.tolist() == [0, 1]
    assert len(stage.member.receive(10, 0.0)) == 0
    stage.member.settle(first.take([0]), ACCEPT)
    assert stage.member.receive(10, 0.0).positions.tolist() == [2]


def test_what_slips_through_a_rebalance_does_not_use_up_the_prefetch(address: tuple[str, int]) -> None:
    stage = Stage(address, lanes=(0,), prefetch=2)
    stage.feed(1, 3, 4)  # read before the partition went, returned after
    stray = stage.member.receive(10, 0.0)
    assert stage.member.settle(stray, ACCEPT).outcome is Outcome.INFO
    stage.feed(0, 0, 1)
    assert len(stage.member.receive(10, 0.0)) == 2


def test_rewind_starts_over(address: tuple[str, int]) -> None:
    stage = Stage(address, retry={"max": 1, "backoff": ["1s"]}, lanes=(0, 1, 2))
    stage.feed(0, 0, 1)
    stage.member.settle(stage.member.receive(10, 0.0), ACCEPT)
    stage.member.rewind()
    assert stage.log.committed[0] == 0
    assert stage.log.sought == {0: 0, 1: 0, 2: -1001}, "retries are not history"
    stage.feed(0, 0, 1)
    assert stage.member.receive(10, 0.0).positions.tolist() == [0, 1]


def test_a_commit_that_is_not_answered_does_not_make_the_member_spin(address: tuple[str, int]) -> None:
    """A broker that is away answers nothing: one member that asked in a busy loop took a core from its restart."""
    stage = Stage(address)
    waits: list[float] = []
    fetch = stage.log.fetch

    def watched(limit: int, timeout_s: float) -> Fetched:
        waits.append(timeout_s)
        fetched = fetch(limit, 0.0)
        if not len(fetched):
            time.sleep(timeout_s)
        return fetched

    stage.log.fetch = watched  # type: ignore[method-assign]
    for offset in (0, 1, 2):
        stage.feed(0, offset)
        stage.member.settle(stage.member.receive(1, 0.2), ACCEPT)
        stage.member.receive(1, 0.15)
    assert stage.log.committed == {0: 1}, "the second commit waits for the answer to the first"
    del waits[:]
    stage.member.receive(1, 0.3)
    assert len(waits) < 5, waits
    stage.member.commit_answered()
    stage.member.receive(1, 0.15)
    assert stage.log.committed == {0: 3}


class SlowCoordinator:
    """A library's consumer whose group's coordinator is being loaded for the first few questions."""

    def __init__(self, refusals: Sequence[int]) -> None:
        self.refusals = list(refusals)
        self.asked = 0

    def committed(self, places: list[confluent_kafka.TopicPartition], timeout: float) -> list[object]:
        assert timeout > 0
        self.asked += 1
        if self.refusals:
            raise confluent_kafka.KafkaException(confluent_kafka.KafkaError(self.refusals.pop(0)))
        return places


@pytest.mark.parametrize(
    ("refusals", "asked"),
    [
        ([], 1),
        ([confluent_kafka.KafkaError.NOT_COORDINATOR, confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS], 3),
        ([confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED], 1),
    ],
    ids=["at once", "when it is loaded", "what only the join can say"],
)
def test_a_member_joins_when_its_coordinator_answers(refusals: list[int], asked: int) -> None:
    """librdkafka rests for seconds after a join that came too early."""
    member = ConfluentConsumer.__new__(ConfluentConsumer)
    member._topics = ("topic",)
    member._consumer = library = SlowCoordinator(refusals)
    member._await_coordinator()
    assert library.asked == asked


class Told:
    """Counts what a consumer tells its owner of commits."""

    def __init__(self) -> None:
        self.answered = 0
        self.failed: list[int] = []

    def commit_failed(self, lanes: list[int]) -> None:
        self.failed += lanes

    def commit_answered(self) -> None:
        self.answered += 1


@pytest.mark.parametrize("code", [confluent_kafka.KafkaError.FENCED_INSTANCE_ID, confluent_kafka.KafkaError._FATAL])
def test_a_commit_may_be_the_only_one_to_hear_that_it_is_over(code: int) -> None:
    """librdkafka says nothing more after that: whoever went on to poll would take the topic for empty."""
    member = ConfluentConsumer.__new__(ConfluentConsumer)
    member._fatal = None
    member._first_lanes = {"topic": 0}
    member._owner = told = Told()
    member._on_commit(confluent_kafka.KafkaError(code), [confluent_kafka.TopicPartition("topic", 2)])
    assert (told.failed, told.answered) == ([2], 1)
    with pytest.raises(BrokerUnavailable, match="gave up"):
        member.fetch(10, 0.0)
