"""Streams over AMQP 0-9-1: the book of places (pure), and what a group relies on against the real broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.rabbitmq import RabbitmqAdapter, provisioning
from harness.adapters.rabbitmq.places import LaneProgress, Place
from harness.adapters.rabbitmq.topology import STREAM, Topology
from harness.errors import Unsupported
from harness.model.broker import Tier
from harness.model.messages import ACCEPT, DEAD_LETTERS, Outcome, Subscriber, retry
from harness.model.workload import Needs
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Bench, Subject, eventually, numbered, sequence_of, take, until_ready


@given(st.lists(st.integers(1, 60), unique=True).map(sorted), st.randoms(use_true_random=False))
def test_the_settled_place_is_the_end_of_the_unbroken_run(offsets: list[int], chance: object) -> None:
    """However offsets are settled: the place never passes one that is open, and reaches the last when all are settled."""
    progress = LaneProgress(0)
    for offset in offsets:
        progress.read(offset)
    order = list(offsets)
    chance.shuffle(order)  # type: ignore[attr-defined]
    done: set[int] = set()
    for offset in order:
        progress.settle([offset, offset])
        done.add(offset)
        still_open = [each for each in offsets if each not in done]
        settled = [each for each in offsets if each < min(still_open, default=61)]
        assert progress.settled == max(settled, default=0)
        assert len(progress) == len(still_open)
    assert progress.settled == max(offsets, default=0)


def test_what_was_read_ahead_and_given_up_does_not_hold_the_place() -> None:
    progress = LaneProgress(10)
    for offset in (11, 12, 14, 15):
        progress.read(offset)
    progress.forget([14, 15])
    progress.settle([12, 11])
    assert (progress.settled, len(progress)) == (12, 0)


def test_a_note_is_read_as_it_was_written() -> None:
    assert Place.decode(Place(7, 1 << 40, 1).encode()) == Place(7, 1 << 40, 1)


class StandInLink:
    """Takes frames and loses nothing."""

    lost = ""
    frame_max = 131_072

    def send(self, frames: bytes) -> None:
        assert frames


def test_notes_under_way_are_told_apart_in_any_order_of_confirms() -> None:
    from harness.adapters.rabbitmq.place_book import PlaceBook

    written: list[str] = []
    book = PlaceBook(StandInLink(), 1, written.append)  # type: ignore[arg-type]
    confirm = pika.frame.Method
    book.write("a", Place(1, 1))
    book.write("b", Place(1, 1))
    book._on_confirm(confirm(1, pika.spec.Basic.Ack(delivery_tag=1)))
    book.write("c", Place(1, 1))
    book._on_confirm(confirm(1, pika.spec.Basic.Ack(delivery_tag=2)))
    book._on_confirm(confirm(1, pika.spec.Basic.Ack(delivery_tag=3)))
    assert written == ["a", "b", "c"]


def test_a_stream_is_refused_where_a_tier_needs_more() -> None:
    with pytest.raises(Unsupported, match="a stream does not promise D2"):
        RabbitmqAdapter({"queue_type": STREAM}).plan(_nowhere(), Needs(groups={"workers": 1}), Tier.D2, "x")


def _nowhere() -> object:
    from harness.model.broker import BrokerInfo

    return BrokerInfo("rabbitmq", "RabbitMQ", "3.10.8", "127.0.0.1", 1, "none")


def test_all_groups_share_the_streams() -> None:
    needs = Needs.model_validate({"groups": {"a": 2, "b": 3}, "retry": {"backoff": ["1s"]}, "dead_letter": True})
    queues = {queue.name: dict(queue.arguments) for queue in Topology("p", needs, STREAM, Tier.D1, (4, 0)).queues()}
    streams = [name for name, arguments in queues.items() if arguments.get("x-queue-type") == STREAM]
    assert streams == ["p.s.0", "p.s.1", "p.s.2"], "a lane for each member of the largest group"
    assert queues["p.place.b.2"]["x-max-length"] == 1
    assert queues["p.token.a.0"]["x-single-active-consumer"] is True
    assert queues["p.wait.a.1000"]["x-dead-letter-routing-key"] == "p.again.a"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    broker = start("rabbitmq", tmp_path_factory.mktemp("rabbitmq"))
    yield broker
    broker.stop()


@pytest.fixture
def subject(running: RunningBroker, request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = Subject(RabbitmqAdapter({"queue_type": STREAM}), running, request.node.name)
    yield subject
    subject.close()


def _serve(members: list[Subscriber], seen: Counter[int], count: int, served: Counter[int]) -> None:
    deadline = time.monotonic() + 30
    while sum(seen.values()) < count:
        assert time.monotonic() < deadline, (len(seen), served)
        for place, member in enumerate(members):
            deliveries = member.receive(5, 0.02)
            seen.update(sequence_of(payload) for payload in deliveries.payloads)
            served[place] += len(deliveries)
            member.settle(deliveries, ACCEPT)


@pytest.mark.broker("rabbitmq")
def test_a_late_member_gets_its_lanes_and_nothing_twice(subject: Subject) -> None:
    """The first member reads all lanes while it is alone; what it gives back goes on exactly where it stopped."""
    bench = subject.bench(groups={"workers": 2}, order="per_key", partitions=4, prefetch=8)
    keys = [b"k%d" % (number % 16) for number in range(120)]
    bench.publish_ok(numbered(120), keys=keys)
    first = bench.subscriber(member=0)
    seen: Counter[int] = Counter()
    served: Counter[int] = Counter()
    assert eventually(lambda: _ready_after_work(first, seen), 10), "alone, it serves every lane"
    second = bench.subscriber(member=1)
    published = 120
    deadline = time.monotonic() + 30
    while not served[1]:  # its lanes come back once the first one has settled what it held of them
        assert time.monotonic() < deadline, "the late member got no lane back"
        bench.publish_ok(numbered(40, start=published), keys=keys[:40])
        published += 40
        _serve([first, second], seen, published, served)
    assert seen == Counter(range(published))


def _ready_after_work(member: Subscriber, seen: Counter[int]) -> bool:
    deliveries = member.receive(5, 0.02)
    seen.update(sequence_of(payload) for payload in deliveries.payloads)
    member.settle(deliveries, ACCEPT)
    return bool(member.ready())  # type: ignore[attr-defined]


@pytest.mark.broker("rabbitmq")
def test_places_outlive_a_killed_broker(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 1})
    time.sleep(provisioning.SETTLING_S)
    bench.publish_ok(numbered(50))
    member = bench.subscriber()
    take(member, 30)
    assert eventually(lambda: bench.backlog() == {"workers": 20})
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    member.close()
    assert eventually(lambda: _backlog_or_nothing(bench) == {"workers": 20}, 20)
    again = take(bench.subscriber(), 20)
    assert [sequence_of(row.payload) for row in again] == list(range(30, 50))


def _backlog_or_nothing(bench: Bench) -> dict[str, int]:
    from harness.errors import BrokerUnavailable

    try:
        return bench.backlog()
    except BrokerUnavailable:
        return {}


@pytest.mark.broker("rabbitmq")
def test_a_replay_begins_at_the_first_message_for_whoever_comes_next(subject: Subject) -> None:
    """A rewound place is written down: a member that dies in the middle of a replay leaves no hole in it."""
    bench = subject.bench(groups={"fraud": 1}, replay={"group": "fraud"})
    bench.publish_ok(numbered(20))
    member = bench.subscriber("fraud")
    take(member, 20)
    member.rewind()
    assert bench.backlog() == {"fraud": 20}
    take(member, 5, how=None, limit=5)
    member.close()
    again = take(bench.subscriber("fraud"), 20)
    assert Counter(sequence_of(row.payload) for row in again) == Counter(range(20))


@pytest.mark.broker("rabbitmq")
def test_a_member_that_comes_back_in_the_middle_of_a_rewind_leaves_no_lane_behind(subject: Subject) -> None:
    """Its lane goes to the other member, which has been rewound before; the one that came back has no lane to rewind yet."""
    bench = subject.bench(groups={"fraud": 2}, order="per_key", partitions=2, replay={"group": "fraud"})
    members = [bench.subscriber("fraud", number) for number in range(2)]
    until_ready(members)
    bench.publish_ok(numbered(40), keys=[b"k%d" % number for number in range(40)])
    seen: Counter[int] = Counter()
    _serve(members, seen, 40, Counter())
    assert eventually(lambda: bench.backlog() == {"fraud": 0})
    members[1].rewind()
    members[0]._link.abort()
    members[0] = bench.subscriber("fraud", 0)
    members[0].rewind()
    again: Counter[int] = Counter()
    _serve(members, again, 40, Counter())
    assert set(again) == set(range(40))


@pytest.mark.broker("rabbitmq")
def test_a_copy_that_fails_leaves_the_message_in_hand(subject: Subject) -> None:
    from harness.adapters.rabbitmq.link import parameters

    bench = subject.bench(groups={"workers": 1}, retry={"max": 1, "backoff": ["5s"]}, dead_letter=True)
    bench.publish_ok(numbered(1))
    member = bench.subscriber()
    deliveries = member.receive(1, 10.0)
    with pika.BlockingConnection(parameters(bench.broker)) as connection:
        connection.channel().queue_delete(f"{bench.plan.prefix}.wait.workers.5000")
    settled = member.settle(deliveries, retry(5000))
    assert (settled.outcome, settled.copies) == (Outcome.FAIL, 0)
    (again,) = take(member, 1)
    assert (sequence_of(again.payload), again.attempt) == (0, 0)
    assert eventually(lambda: bench.backlog() == {"workers": 0})
    assert not len(bench.subscriber(DEAD_LETTERS).receive(1, 0.2))


@pytest.mark.broker("rabbitmq")
def test_members_are_ready_when_each_reads_its_lanes(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 3}, order="per_key", partitions=2)
    members = [bench.subscriber(member=number) for number in range(3)]
    until_ready(members)
    bench.publish_ok(numbered(40), keys=[b"k%d" % number for number in range(40)])
    served: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    _serve(members, seen, 40, served)
    assert seen == Counter(range(40))
    assert served[2] == 0, "more members than lanes: the last one stands by"
