"""Share groups of a real Apache Kafka in the moments that a contract test does not see: who is refused, what comes back, and when."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from harness.adapters.kafka import share_settings
from harness.adapters.registry import create_adapter
from harness.model.messages import ACCEPT, Outcome
from tests.contract.running import start
from tests.contract.subject import Subject, eventually, nothing_more, numbered, sequence_of, take

SHARE = {"consumption": "share"}
pytestmark = [  # kafka-python leaves the socket of a vain attempt to connect to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    running = start("kafka", tmp_path_factory.mktemp("kafka"))
    yield running
    running.stop()


@pytest.fixture
def subject(kafka, request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = Subject(create_adapter("kafka", SHARE), kafka, request.node.name.replace("_", "-"))
    yield subject
    subject.close()
    gc.collect()


@pytest.mark.thorough
@pytest.mark.broker("kafka")
def test_many_members_share_one_partition(subject: Subject) -> None:
    """With consumer groups three of four would have nothing to do."""
    bench = subject.bench(groups={"workers": 4}, prefetch=5)
    members = [bench.subscriber(member=number) for number in range(4)]
    assert eventually(lambda: ([m.receive(1, 0.05) for m in members], all(m.ready() for m in members))[1])
    bench.publish_ok(numbered(200))
    served: dict[int, set[int]] = {number: set() for number in range(4)}
    deadline = time.monotonic() + 20
    while sum(map(len, served.values())) < 200 and time.monotonic() < deadline:
        for number, member in enumerate(members):
            deliveries = member.receive(5, 0.02)
            served[number] |= {sequence_of(payload) for payload in deliveries.payloads}
            member.settle(deliveries, ACCEPT)
    assert set.union(*served.values()) == set(range(200))
    assert sum(map(len, served.values())) == 200, "none twice"
    assert all(served.values()), served


@pytest.mark.broker("kafka")
def test_what_was_in_hand_when_the_broker_was_killed_comes_again(subject: Subject) -> None:
    """A lock is in the broker's memory; an acknowledgement that it wrote down is not."""
    bench = subject.bench(groups={"workers": 1}, prefetch=10)
    bench.publish_ok(numbered(20))
    member = bench.subscriber()
    held = member.receive(10, 20.0)
    assert len(held) == 10
    assert member.settle(held.take(range(5)), ACCEPT).outcome is Outcome.OK
    assert eventually(lambda: (member.receive(0, 0.05), bench.backlog()["workers"] == 15)[1]), "written down"
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    member.settle(held.take(range(5, 10)), ACCEPT)  # of a session that is gone
    started = time.monotonic()
    seen: set[int] = set()
    while seen < set(range(5, 20)) and time.monotonic() - started < 25:  # what lay in the client's buffer is seen twice
        seen |= {sequence_of(row.payload) for row in take(member, 1)}
    assert seen == set(range(5, 20))
    assert time.monotonic() - started < share_settings.LOCK_MS / 1000, "nobody waits for a lock"
    assert eventually(lambda: (nothing_more(member, 0.05), bench.backlog()["workers"] == 0)[1])


@pytest.mark.thorough
@pytest.mark.broker("kafka")
def test_teardown_takes_the_settings_of_a_group_back(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 1})
    name = f"{bench.plan.prefix}-workers"
    assert name in subject.adapter.leftovers(bench.broker, bench.plan.prefix)
    subject.adapter.teardown(bench.broker, bench.plan)
    assert subject.adapter.leftovers(bench.broker, bench.plan.prefix) == []
