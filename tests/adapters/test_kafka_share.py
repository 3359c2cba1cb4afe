"""A member of share groups without a broker: what it acknowledges and how, what it hands out first, what it never holds on to.

The client library is replaced by a list of messages, because these moments (a lock that ran out, a copy that is not acknowledged) cannot be
made to happen on demand with a real one; the contract suite and ``tests/integration/brokers/test_kafka_share_groups.py`` ask real brokers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import confluent_kafka
import pytest

from harness.adapters.emulation.notes import Notes
from harness.adapters.kafka import share_settings, share_source
from harness.adapters.kafka.layout import layout_for
from harness.adapters.kafka.ports import Copy
from harness.adapters.kafka.share_control import ShareGroups, _left, _request
from harness.adapters.kafka.share_source import ShareSource
from harness.adapters.kafka.share_subscriber import ShareSubscriber
from harness.adapters.registry import create_adapter
from harness.errors import BrokerUnavailable, Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature, Support
from harness.model.messages import ABANDON, ACCEPT, DEAD, DEAD_LETTERS, Outcome, Reason, retry
from harness.model.workload import Needs

BROKER = BrokerInfo("kafka", "Apache Kafka", "4.3.1", "127.0.0.1", 1, "process")


class Letter:
    """A message as the library gives it."""

    def __init__(self, topic: str, offset: int, noted: Notes | None = None, deliveries: int = 1) -> None:
        self.topic, self.place, self.noted, self.deliveries = topic, offset, noted or Notes(), deliveries

    def error(self) -> None:
        return None

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.place

    def value(self) -> bytes:
        return b"%d" % self.place

    def key(self) -> bytes:
        return b"key"

    def headers(self) -> list[tuple[str, bytes]]:
        return self.noted.headers()

    def delivery_count(self) -> int:
        return self.deliveries


class Library:
    """A ``ShareConsumer``: gives out at most ``max.poll.records`` and refuses to go on before they are acknowledged."""

    def __init__(self, conf: dict[str, Any], logger: object) -> None:
        self.conf = conf
        self.topic = ""
        self.log: list[Letter] = []
        self.in_hand: set[int] = set()
        self.acknowledged: dict[int, str] = {}
        self.sent = 0
        self.over: set[int] = set()  # offsets whose locks ran out
        self.closed = False

    def set_acknowledgement_commit_callback(self, callback: Callable[[Any, Any], None]) -> None:
        self.callback = callback

    def subscribe(self, topics: list[str]) -> None:
        (self.topic,) = topics

    def poll(self, timeout: float) -> list[Letter]:
        if self.in_hand:
            raise confluent_kafka.IllegalStateException("not all are acknowledged")
        given, self.log = self.log[: self.conf["max.poll.records"]], self.log[self.conf["max.poll.records"] :]
        self.in_hand = {letter.place for letter in given}
        if not given:
            time.sleep(min(timeout, 0.001))
        return given

    def acknowledge(self, message: Letter, how: Any) -> None:
        if message.place in self.over:
            self.in_hand.discard(message.place)
            raise confluent_kafka.IllegalStateException("no longer in flight")
        self.in_hand.remove(message.place)
        self.acknowledged[message.place] = how.name

    def commit_async(self) -> None:
        self.sent += 1

    def close(self) -> None:
        self.closed = True


class Desk:
    def __init__(self) -> None:
        self.copies: list[Copy] = []
        self.answers: list[Outcome] = []

    def publish(self, copies: Sequence[Copy], timeout_s: float) -> list[Outcome]:
        self.copies += copies
        return self.answers or [Outcome.OK] * len(copies)

    def close(self) -> None:
        pass


class Stage:
    """A member on scripted topics; without a ladder, which is a consumer group's and has tests of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **needs: object) -> None:
        wanted = Needs.model_validate({"groups": {"workers": 2}, **needs})
        self.layout = layout_for(wanted, "p", shared=True)
        self.desk = Desk()
        self.topics: list[Library] = []

        def library(conf: dict[str, Any], logger: object) -> Library:
            self.topics.append(Library(conf, logger))
            return self.topics[-1]

        monkeypatch.setattr(confluent_kafka, "ShareConsumer", library)
        for name in ("error", "partition", "offset", "value"):
            monkeypatch.setattr(share_source, f"_{name}_of", getattr(Letter, name))

        def source(level: int) -> ShareSource:
            return ShareSource(BROKER, self.layout, "workers", level, wanted.prefetch)

        self.member = ShareSubscriber(self.layout, wanted, "workers", source, lambda: self.desk, None)

    def feed(self, level: int, *offsets: int, noted: Notes | None = None, deliveries: int = 1) -> None:
        topic = self.topics[level]
        topic.log += [Letter(topic.topic, offset, noted, deliveries) for offset in offsets]


def test_each_message_is_acknowledged_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, prefetch=4)
    stage.feed(0, 0, 1, 2)
    got = stage.member.receive(10, 0.0)
    assert stage.member.settle(got.take([2]), ACCEPT).outcome is Outcome.OK
    assert stage.topics[0].acknowledged == {2: "ACCEPT"}
    stage.member.settle(got.take([0]), DEAD)  # no dead letters are kept: it is given up
    assert stage.topics[0].acknowledged == {2: "ACCEPT", 0: "REJECT"}
    stage.feed(0, 3)
    assert len(stage.member.receive(10, 0.0)) == 0, "the library reads on when all are acknowledged"
    stage.member.settle(got.take([1]), ACCEPT)
    assert stage.member.receive(10, 0.0).positions.tolist() == [3]


def test_a_crash_acknowledges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.feed(0, 0, 1)
    got = stage.member.receive(10, 0.0)
    stage.member.settle(got, ABANDON)
    stage.member.close()
    assert stage.topics[0].acknowledged == {}
    assert stage.topics[0].closed
    with pytest.raises(BrokerUnavailable):
        stage.member.receive(1, 0.0)


def test_deliveries_are_counted_by_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.feed(0, 0)
    stage.feed(0, 1, deliveries=3)
    got = stage.member.receive(10, 0.0)
    assert got.delivery_counts.tolist() == [0, 2]
    assert got.redelivered.tolist() == [0, 1]
    assert got.attempts.tolist() == [0, 0], "a return is not an attempt that failed"


def test_a_retry_is_copied_and_then_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, retry={"max": 3, "backoff": ["1s", "2s"]}, priority_levels=2)
    stage.feed(1, 0)
    assert stage.member.settle(stage.member.receive(10, 0.0), retry(1500)).copies == 1
    assert stage.topics[1].acknowledged == {0: "ACCEPT"}
    (copy,) = stage.desk.copies
    assert copy.topic == "p-retry-0-workers-2000ms"
    values = dict(copy.headers)
    assert (values["attempt"], values["class"]) == (b"1", b"1")


def test_a_dead_letter_is_copied_and_then_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, dead_letter=True)
    stage.feed(0, 0)
    assert stage.member.settle(stage.member.receive(10, 0.0), DEAD).copies == 1
    assert stage.topics[0].acknowledged == {0: "REJECT"}
    assert dict(stage.desk.copies[0].headers)["reason"] == b"%d" % Reason.REJECTED


def test_a_copy_that_fails_leaves_its_original(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, dead_letter=True)
    stage.feed(0, 0, 1)
    got = stage.member.receive(10, 0.0)
    stage.desk.answers = [Outcome.OK, Outcome.INFO]
    with pytest.raises(BrokerUnavailable, match="1 copies to p-dead-letters"):
        stage.member.settle(got, DEAD)
    assert stage.topics[0].acknowledged == {0: "REJECT"}


def test_expired_messages_are_moved_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, expiry=True, dead_letter=True)
    stage.feed(0, 0, noted=Notes(expires_ns=1))
    stage.feed(0, 1)
    got = stage.member.receive(10, 0.0)
    assert got.positions.tolist() == [1]
    assert stage.member.settle(got, ACCEPT).copies == 1
    assert stage.topics[0].acknowledged == {0: "REJECT", 1: "ACCEPT"}
    assert dict(stage.desk.copies[0].headers)["reason"] == b"%d" % Reason.EXPIRED


def test_the_highest_class_is_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, priority_levels=3, prefetch=1)
    stage.feed(0, 0, 1, 2)
    seen = []
    for turn in range(5):
        if turn == 1:
            stage.feed(2, 20)
            stage.feed(1, 10)
        got = stage.member.receive(1, 0.0)
        seen += got.positions.tolist()
        stage.member.settle(got, ACCEPT)
    assert seen == [0, 20, 10, 1, 2]


def test_no_more_than_the_prefetch_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, priority_levels=2, prefetch=2)
    stage.feed(0, 0, 1)
    stage.feed(1, 10)
    first = stage.member.receive(10, 0.0)
    second = stage.member.receive(10, 0.0)
    assert [first.positions.tolist(), second.positions.tolist()] == [[10], [0]]
    assert len(stage.member.receive(10, 0.0)) == 0
    stage.member.settle(first, ACCEPT)
    assert stage.member.receive(10, 0.0).positions.tolist() == [1]


def test_what_lay_in_the_buffer_past_its_lock_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, prefetch=4)
    stage.feed(0, 0, 1)
    assert stage.member.receive(1, 0.0).positions.tolist() == [0]
    monkeypatch.setattr(share_settings, "STALE_S", -1.0)
    assert len(stage.member.receive(1, 0.0)) == 0
    assert stage.topics[0].acknowledged == {1: "RELEASE"}


def test_a_lock_that_ran_out_makes_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.feed(0, 0, 1)
    got = stage.member.receive(10, 0.0)
    stage.topics[0].over = {0}
    settled = stage.member.settle(got, ACCEPT)
    assert settled.outcome is Outcome.INFO
    assert "1 are not this member's" in settled.error
    assert stage.member.settle(got, ACCEPT).outcome is Outcome.INFO, "settled twice"


def test_acknowledgements_do_not_wait_for_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.feed(0, *range(4))
    got = stage.member.receive(10, 0.0)
    stage.member.settle(got.take([0]), ACCEPT)
    assert stage.topics[0].sent == 0
    time.sleep(0.11)
    stage.member.settle(got.take([1]), ACCEPT)
    assert stage.topics[0].sent == 1
    stage.member.settle(got.take([2]), ACCEPT)
    stage.member.receive(10, 0.15)
    assert stage.topics[0].sent == 2, "the fourth is worked on, and the third is told all the same"


def test_there_is_nothing_to_rewind(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unsupported, match="administrator"):
        Stage(monkeypatch).member.rewind()


# --- the plan


def _plan(**needs: object) -> Any:
    wanted = Needs.model_validate({"groups": {"workers": 4}, **needs})
    return create_adapter("kafka", {"consumption": "share"}).plan(BROKER, wanted, Tier.D1, "run")


def test_members_share_partitions_so_a_queue_needs_one() -> None:
    plan = _plan(retry={"max": 1, "backoff": ["1s"]}, dead_letter=True)
    by_name = {thing.name: thing for thing in plan.objects}
    assert by_name["run-messages"].settings["partitions"] == "1"
    assert by_name["run-retry-0-workers-1000ms"].settings["partitions"] == "4", "a consumer group reads the ladder"
    assert by_name["run-workers"].kind == "share group"
    assert by_name["run-workers"].settings["share.auto.offset.reset"] == "earliest"
    assert plan.mode == "topics, share groups"
    assert plan.parity["acquisition lock"].startswith("30000 ms")


def test_the_ladder_and_the_dead_letters_are_consumer_groups() -> None:
    needs = Needs.model_validate(
        {"groups": {"a": 1, "b": 1}, "retry": {"max": 1, "backoff": ["1s"]}, "dead_letter": True}
    )
    layout = layout_for(needs, "p", shared=True)
    assert layout.share_groups() == {"a": "p-a", "b": "p-b"}
    assert layout.read_by("a") == ("p-retry-0-a-1000ms",)
    assert layout.consumer_groups() == ("a", "b", DEAD_LETTERS)
    assert [layout.group_id(group) for group in layout.consumer_groups()] == ["p-@retries-a", "p-@retries-b", "p-dead-letters"]  # fmt: skip
    plain = layout_for(Needs(groups={"a": 1}), "p", shared=True)
    assert plain.consumer_groups() == ()
    assert layout_for(Needs(groups={"a": 1}), "p").share_groups() == {}


def test_order_and_replay_are_not_promised() -> None:
    declared = create_adapter("kafka", {"consumption": "share"}).capabilities(BROKER)
    impossible = {feature for feature, row in declared.items() if row.support is Support.IMPOSSIBLE}
    assert impossible == {Feature.ORDER_PER_KEY, Feature.REPLAY}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"consumption": "queue"}, "groups, share"),
        ({"consumption": "share", "client": "kafka-python"}, "kafka-python has no share groups"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        create_adapter("kafka", settings)


class Admin:
    """kafka-python's, as far as it is asked what a broker can do."""

    def __init__(self, features: dict[str, Any]) -> None:
        self.features = features

    def describe_features(self) -> dict[str, Any]:
        return self.features


def _groups_of(features: dict[str, Any]) -> ShareGroups:
    groups = ShareGroups.__new__(ShareGroups)
    groups._broker, groups._problems, groups._admin = BROKER, OSError, Admin(features)
    return groups


@pytest.mark.parametrize(
    "features", [{}, {"share.version": {"supported": (0, 1)}}, {"share.version": {"finalized": (0, 0)}}]
)
def test_a_broker_that_does_not_report_share_groups_is_refused(features: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match=r"needs Apache Kafka 4\.2") as refused:
        _groups_of(features).insist()
    assert refused.value.next_command == "harness run ... -b kafka"


def test_one_that_reports_them_is_taken_at_its_word() -> None:
    _groups_of({"share.version": {"supported": (0, 1), "finalized": (1, 1)}}).insist()


# --- what is left


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (None, 7),  # nobody has read yet
        ((-1, -1), 7),
        ((5, 3), 3),  # of five, two in the middle are settled
        ((5, -1), 5),  # a broker that does not count
        ((0, -1), 7),  # what retention removed
        ((10, 0), 0),
    ],
)
def test_what_is_left_is_the_lag(told: tuple[int, int] | None, left: int) -> None:
    assert _left(told, 3, 10) == left


def test_the_question_goes_out_as_kafka_spells_it() -> None:
    """DescribeShareGroupOffsets version 1: compact strings and arrays, then tagged fields."""
    asked = _request()(groups=[("g", [("t", [0, 1])])], version=1)
    assert bytes(asked.encode()) == b"\x02" + b"\x02g" + b"\x02" + b"\x02t" + b"\x03" + bytes(7) + b"\x01" + b"\x00" * 3
