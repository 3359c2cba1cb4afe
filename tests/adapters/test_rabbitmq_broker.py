"""What the RabbitMQ adapter relies on, against the real broker: returns, deadlines, failed copies, nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from harness.adapters.rabbitmq import RabbitmqAdapter
from harness.adapters.rabbitmq.link import parameters
from harness.model.broker import Tier
from harness.model.messages import DEAD_LETTERS, Outcome, Reason, retry
from harness.model.provisioning import Provisioning
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Subject, batch_of, numbered, push, sequence_of, settle_all, take

pytestmark = pytest.mark.broker("rabbitmq")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    broker = start("rabbitmq", tmp_path_factory.mktemp("rabbitmq"))
    yield broker
    broker.stop()


@pytest.fixture
def connection(running: RunningBroker) -> Iterator[Any]:
    connection = pika.BlockingConnection(parameters(running.info))
    yield connection
    connection.close()


@pytest.fixture
def subject(running: RunningBroker, request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = Subject(RabbitmqAdapter({}), running, request.node.name)
    yield subject
    subject.close()


def test_what_no_queue_takes_has_failed(subject: Subject, connection: Any) -> None:
    """The broker acknowledges an unroutable message; only the return before tells that it is gone."""
    bench = subject.bench(groups={"workers": 1})
    publisher = bench.publisher()
    good = settle_all(publisher, push(publisher, batch_of(numbered(5))), 5)
    connection.channel().queue_delete(f"{bench.plan.prefix}.q.workers")
    bad = settle_all(publisher, push(publisher, batch_of(numbered(5), first=5)), 5)
    assert {int(outcome) for part in good for outcome in part.outcomes} == {int(Outcome.OK)}
    assert {int(outcome) for part in bad for outcome in part.outcomes} == {int(Outcome.FAIL)}
    assert all("NO_ROUTE" in text for part in bad for text in part.errors.values())


def test_what_a_full_queue_refuses_has_failed(subject: Subject, connection: Any) -> None:
    bench = subject.bench(groups={"workers": 1})
    name = f"{bench.plan.prefix}.q.workers"
    channel = connection.channel()
    channel.queue_delete(name)
    channel.queue_declare(name, durable=True, arguments={"x-max-length": 3, "x-overflow": "reject-publish"})
    channel.queue_bind(name, f"{bench.plan.prefix}.in", "")
    publisher = bench.publisher()
    outcomes = [
        int(settle_all(publisher, push(publisher, batch_of(numbered(1), first=number)), 1)[-1].outcomes[0])
        for number in range(5)
    ]
    assert outcomes == [Outcome.OK] * 3 + [Outcome.FAIL] * 2


def test_what_expires_in_the_clients_buffer_is_not_handed_out(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 1}, expiry=True, dead_letter=True)
    subscriber = bench.subscriber()
    bench.publish_ok(numbered(3, ttl_ms=300), ttls_ms=[300] * 3)
    time.sleep(0.5)  # prefetched long ago: the broker no longer looks
    assert not len(subscriber.receive(10, 0.2))
    dead = take(bench.subscriber(DEAD_LETTERS), 3)
    assert {row.reason for row in dead} == {int(Reason.EXPIRED)}


def test_a_deadline_survives_the_retry_ladder(subject: Subject) -> None:
    """Dead-lettering takes the expiration away; the deadline in the headers stays."""
    bench = subject.bench(groups={"workers": 1}, expiry=True, dead_letter=True, retry={"max": 1, "backoff": ["2100ms"]})
    subscriber = bench.subscriber()
    bench.publish_ok(numbered(1, ttl_ms=2000), ttls_ms=[2000])  # long enough to be received on a slow machine
    take(subscriber, 1, how=retry(2100))
    assert not len(subscriber.receive(1, 2.5))
    (dead,) = take(bench.subscriber(DEAD_LETTERS), 1)
    assert (dead.reason, dead.attempt) == (Reason.EXPIRED, 1)


def test_a_copy_that_fails_leaves_the_message_where_it_was(subject: Subject, connection: Any) -> None:
    bench = subject.bench(groups={"workers": 1}, retry={"max": 1, "backoff": ["5s"]})
    bench.publish_ok(numbered(1))
    subscriber = bench.subscriber()
    deliveries = subscriber.receive(1, 10.0)
    connection.channel().queue_delete(f"{bench.plan.prefix}.wait.workers.5000")
    settled = subscriber.settle(deliveries, retry(5000))
    assert (settled.outcome, settled.copies) == (Outcome.FAIL, 0)
    assert "NO_ROUTE" in settled.error
    (again,) = take(subscriber, 1)
    assert (sequence_of(again.payload), again.redelivered, again.attempt) == (0, 1, 0)


def _is_there(connection: Any, kind: str, name: str) -> bool:
    channel = connection.channel()
    try:
        if kind == "queue":
            channel.queue_declare(name, passive=True)
        else:
            channel.exchange_declare(name, passive=True)
    except ChannelClosedByBroker:
        return False
    channel.close()
    return True


def _existing(connection: Any, plan: Provisioning) -> set[str]:
    things = {(thing.kind, thing.name) for thing in plan.objects if thing.kind in ("queue", "exchange")}
    return {name for kind, name in things if _is_there(connection, kind, name)}


@pytest.mark.parametrize("tier", [Tier.D0, Tier.D1, Tier.D2])
def test_what_a_plan_names_exists_and_is_removed(subject: Subject, connection: Any, tier: Tier) -> None:
    bench = subject.bench(
        tier=tier, order="per_key", partitions=2, dead_letter=True, retry={"max": 1, "backoff": ["1s"]}
    )
    planned = {thing.name for thing in bench.plan.objects}
    assert _existing(connection, bench.plan) == planned
    subject.adapter.teardown(bench.broker, bench.plan)
    assert _existing(connection, bench.plan) == set()
