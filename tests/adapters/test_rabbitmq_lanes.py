"""Lanes against the real broker: spread over the members, taken over, given back, and in order all the while."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pytest

from harness.adapters.rabbitmq import RabbitmqAdapter
from harness.adapters.rabbitmq.topology import RETURNS_FIRST_BEFORE
from harness.model.messages import ABANDON, ACCEPT, Subscriber
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Bench, Subject, numbered, sequence_of, until_ready

pytestmark = pytest.mark.broker("rabbitmq")
KEYS = [b"k%d" % (number * 7 % 16) for number in range(160)]
LANES = {0, 1, 2, 3}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    broker = start("rabbitmq", tmp_path_factory.mktemp("rabbitmq"))
    yield broker
    broker.stop()


@pytest.fixture
def bench(running: RunningBroker, request: pytest.FixtureRequest) -> Iterator[Bench]:
    subject = Subject(RabbitmqAdapter({}), running, f"lanes{abs(hash(request.node.name)) % 100_000}")
    yield subject.bench(groups={"workers": 2}, order="per_key", partitions=4, prefetch=20)
    subject.close()


class Reader:
    """Reads members in turn and remembers, by key, what came in which order, and who had which lane."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, list[int]] = defaultdict(list)
        self.lanes: dict[int, set[int]] = defaultdict(set)
        self.seen: Counter[int] = Counter()

    def read(self, members: Sequence[Subscriber], wanted: int, deadline_s: float = 20.0) -> None:
        deadline = time.monotonic() + deadline_s
        while len(self.seen) < wanted:
            assert time.monotonic() < deadline, f"{len(self.seen)} of {wanted}"
            for place, member in enumerate(members):
                deliveries = member.receive(7, 0.02)
                self.lanes[place] |= set(deliveries.partitions.tolist())
                self.note(deliveries.payloads)
                if len(deliveries):
                    member.settle(deliveries, ACCEPT)

    def note(self, payloads: Sequence[bytes]) -> None:
        for number in map(sequence_of, payloads):
            self.by_key[KEYS[number % 160]].append(number)
            self.seen[number] += 1

    def in_order(self) -> bool:
        return all(numbers == sorted(numbers) for numbers in self.by_key.values())


def test_members_that_are_there_share_the_lanes(bench: Bench) -> None:
    members = [bench.subscriber(member=member) for member in (1, 0)]
    until_ready(members)
    bench.publish_ok(numbered(160), keys=KEYS)
    reader = Reader()
    reader.read(members, 160)
    assert reader.lanes == {0: {1, 3}, 1: {0, 2}}
    assert reader.in_order()
    assert set(reader.seen.values()) == {1}


def _needs_lanes_back(bench: Bench) -> None:
    if bench.broker.version_tuple >= RETURNS_FIRST_BEFORE:
        pytest.skip("from RabbitMQ 4.0 on a lane stays with whoever has it")


def test_a_lost_member_is_replaced_and_gets_its_lanes_back(bench: Bench) -> None:
    _needs_lanes_back(bench)
    first, second = (bench.subscriber(member=member) for member in (0, 1))
    until_ready([first, second])
    with contextlib.suppress(Exception):
        second.settle(second.receive(1, 0.0), ABANDON)
    bench.publish_ok(numbered(80), keys=KEYS[:80])
    reader = Reader()
    reader.read([first], 80)
    assert reader.lanes[0] == LANES, "the survivor serves all lanes"
    time.sleep(1.2)  # the survivor looks for its colleague once a second
    again = bench.subscriber(member=1)
    reader.lanes.clear()
    deadline = time.monotonic() + 20
    start_at = 80
    while reader.lanes != {0: {0, 2}, 1: {1, 3}}:
        assert time.monotonic() < deadline, reader.lanes
        bench.publish_ok(numbered(80, start=start_at), keys=KEYS[80:])
        start_at += 80
        reader.lanes.clear()
        reader.read([first, again], start_at)
    assert reader.in_order(), "order holds while lanes change hands"
    assert set(reader.seen.values()) == {1}, "nothing was in two hands"


def test_a_late_member_gets_its_lanes_after_a_backlog_began(bench: Bench) -> None:
    _needs_lanes_back(bench)
    first = bench.subscriber(member=0)
    until_ready([first])
    bench.publish_ok(numbered(160), keys=KEYS)
    reader = Reader()
    reader.read([first], 30)
    late = bench.subscriber(member=1)
    held = first.receive(60, 5.0)  # not settled yet: the lanes they came from cannot go
    assert set(held.partitions.tolist()) & {1, 3}
    time.sleep(1.5)
    early = late.receive(50, 0.5)
    assert not set(early.partitions.tolist()) & set(held.partitions.tolist()), "a lane was given away in the middle"
    for member, deliveries in ((first, held), (late, early)):
        reader.note(deliveries.payloads)
        member.settle(deliveries, ACCEPT)
    reader.lanes.clear()
    reader.read([first, late], 160)
    assert reader.lanes[1] <= {1, 3}
    assert reader.in_order()
    assert set(reader.seen.values()) == {1}
