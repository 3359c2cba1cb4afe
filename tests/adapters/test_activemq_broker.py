"""What the ActiveMQ adapter relies on, against the real broker: priorities, queues that outlive a kill, dead letters, expiry."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from harness.adapters.activemq import ActivemqAdapter
from harness.adapters.activemq.provisioning import errand
from harness.model.messages import DEAD, DEAD_LETTERS, Outcome, Reason
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Subject, batch_of, numbered, sequence_of, take

pytestmark = pytest.mark.broker("activemq")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    broker = start("activemq", tmp_path_factory.mktemp("activemq"))
    yield broker
    broker.stop()


@pytest.fixture
def subject(running: RunningBroker, request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = Subject(ActivemqAdapter({}), running, request.node.name.replace("_", "-")[:40])
    yield subject
    subject.close()


def test_the_expiry_sweep_does_not_undo_priorities(subject: Subject) -> None:
    """The sweep pages messages in; what it pages in must not go before an urgent message that comes later."""
    bench = subject.bench(groups={"workers": 1}, priority_levels=3, prefetch=1)
    bench.publish_ok(numbered(200), classes=[0] * 200)
    time.sleep(1.3)  # the sweep comes once a second
    subscriber = bench.subscriber()
    take(subscriber, 5, limit=1)
    bench.publish_ok(numbered(3, start=1000), classes=[2] * 3)
    order = [sequence_of(row.payload) for row in take(subscriber, 10, limit=1)]
    assert set(order[:6]) >= {1000, 1001, 1002}, order


def test_a_group_that_never_got_a_message_is_still_there_after_a_kill(subject: Subject) -> None:
    """A virtual topic copies only into queues that the broker knows; an empty one must have been in its store."""
    bench = subject.bench(groups={"early": 1, "late": 1})
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    bench.publish_ok(numbered(5))
    for group in ("early", "late"):
        assert Counter(sequence_of(row.payload) for row in take(bench.subscriber(group), 5)) == Counter(range(5))


def test_every_group_has_priorities_and_dead_letters_of_its_own(subject: Subject) -> None:
    bench = subject.bench(groups={"a": 1, "b": 1}, priority_levels=2, dead_letter=True, prefetch=1)
    bench.publish_ok([*numbered(4), *numbered(1, start=9)], classes=[0, 0, 0, 0, 1])
    for group in ("a", "b"):
        order = [sequence_of(row.payload) for row in take(bench.subscriber(group), 5, how=DEAD, limit=1)]
        assert sorted(order) == [0, 1, 2, 3, 9]
        assert order.index(9) == 0
    dead = take(bench.subscriber(DEAD_LETTERS), 10)
    assert Counter(sequence_of(row.payload) for row in dead) == Counter([0, 1, 2, 3, 9] * 2)
    assert {row.reason for row in dead} == {int(Reason.REJECTED)}


def test_what_expires_in_the_clients_buffer_is_not_handed_out(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 1}, expiry=True, dead_letter=True)
    subscriber = bench.subscriber()
    bench.publish_ok(numbered(3, ttl_ms=400), ttls_ms=[400] * 3)
    time.sleep(0.6)  # prefetched long ago: the broker no longer looks
    assert not len(subscriber.receive(10, 0.2))
    dead = take(bench.subscriber(DEAD_LETTERS), 3)
    assert {row.reason for row in dead} == {int(Reason.EXPIRED)}
    assert bench.backlog() == {"workers": 0}


def test_a_broken_frame_fails_nothing_that_was_stored(subject: Subject) -> None:
    """The broker drops the connection at a header that it cannot read: what was open is unknown."""
    bench = subject.bench(groups={"workers": 1})
    publisher = bench.publisher()
    assert publisher.submit(batch_of(numbered(1))) == 1
    assert set(publisher.poll(10.0).outcomes.tolist()) == {int(Outcome.OK)}
    with errand(bench.broker) as one:
        one.link.send(b"SEND\ndestination:/queue/q\nexpires:soon\n\nbody\x00")
        deadline = time.monotonic() + 10
        while not one.link.lost:
            assert time.monotonic() < deadline
            time.sleep(0.01)
