"""The probes: one for each feature that an adapter may declare NATIVE or EMULATED, against the real broker.

``harness.adapters.probes`` names them; the report's capability matrix links each cell to its probe here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter, defaultdict
from multiprocessing.connection import Connection

import pytest

from harness.adapters.probes import PublishesTransactions
from harness.adapters.registry import create_adapter
from harness.model.broker import BrokerInfo
from harness.model.capability import Feature, Support
from harness.model.messages import ACCEPT, DEAD, DEAD_LETTERS, Outcome, Reason, retry
from harness.model.provisioning import Provisioning
from tests.contract.subject import (
    Subject,
    batch_of,
    eventually,
    nothing_more,
    numbered,
    push,
    sequence_of,
    settle_all,
    take,
    until_ready,
)


def test_fan_out_gives_every_group_everything(probed: Subject) -> None:
    bench = probed.bench(groups={"analytics": 1, "billing": 1, "fraud": 1})
    bench.publish_ok(numbered(40))
    for group in ("analytics", "billing", "fraud"):
        subscriber = bench.subscriber(group)
        got = take(subscriber, 40)
        assert Counter(sequence_of(row.payload) for row in got) == Counter(range(40)), group
        assert nothing_more(subscriber, 0.2) == []
    assert eventually(lambda: set(bench.backlog().values()) == {0})


@pytest.mark.parametrize("members", [1, 2])
def test_order_within_a_key_survives_two_members(probed: Subject, members: int) -> None:
    bench = probed.bench(order="per_key", partitions=4)
    subscribers = [bench.subscriber(member=member) for member in range(members)]
    until_ready(subscribers)
    keys = [b"k%d" % (number * 7 % 12) for number in range(240)]
    bench.publish_ok(numbered(240), keys=keys)
    seen: dict[bytes, list[int]] = defaultdict(list)
    served: Counter[int] = Counter()
    deadline = time.monotonic() + 30
    while sum(map(len, seen.values())) < 240:
        assert time.monotonic() < deadline, seen
        for place, subscriber in enumerate(subscribers):
            deliveries = subscriber.receive(20, 0.05)
            for payload in deliveries.payloads:
                seen[keys[sequence_of(payload)]].append(sequence_of(payload))
            served[place] += len(deliveries)
            if len(deliveries):
                subscriber.settle(deliveries, ACCEPT)
    assert all(numbers == sorted(numbers) for numbers in seen.values()), seen
    assert all(served[place] for place in range(members)), f"a member had nothing to do: {served}"


def test_global_order_survives_two_members(subject: Subject) -> None:
    if subject.capability(Feature.ORDER_PER_KEY).support is Support.IMPOSSIBLE:
        pytest.skip("there is no order to keep")
    bench = subject.bench(order="global")
    members = [bench.subscriber(member=member) for member in range(2)]
    until_ready(members)
    bench.publish_ok(numbered(60))
    got = [sequence_of(row.payload) for row in take(members, 60, limit=7)]
    assert got == sorted(got)


def test_replay_gives_everything_again(probed: Subject) -> None:
    bench = probed.bench(groups={"fraud": 2, "other": 1}, order="per_key", partitions=4, replay={"group": "fraud"})
    members = [bench.subscriber("fraud", member) for member in range(2)]
    until_ready(members)
    keys = [b"k%d" % (number % 10) for number in range(100)]
    bench.publish_ok(numbered(100), keys=keys)
    first = take(members, 100)
    assert eventually(lambda: ([m.receive(1, 0.0) for m in members], bench.backlog()["fraud"] == 0)[1])
    for member in members:
        member.rewind()
    second = take(members, 100)
    assert Counter(row.payload for row in second) == Counter(row.payload for row in first)
    for key in set(keys):
        order = [sequence_of(row.payload) for row in second if keys[sequence_of(row.payload)] == key]
        assert order == sorted(order)
    assert nothing_more(members, 0.3) == []
    assert eventually(lambda: ([m.receive(1, 0.0) for m in members], bench.backlog()["fraud"] == 0)[1])
    assert bench.backlog()["other"] == 100, "one group's replay is nobody else's"


def test_priority_overtakes_a_backlog(probed: Subject) -> None:
    bench = probed.bench(groups={"workers": 1}, priority_levels=3, prefetch=1)
    low = numbered(30)
    urgent = numbered(3, start=1000)
    normal = numbered(3, start=500)
    bench.publish_ok(low, classes=[0] * 30)
    subscriber = bench.subscriber()
    take(subscriber, 5, limit=1)
    bench.publish_ok(urgent, classes=[2] * 3)
    bench.publish_ok(normal, classes=[1] * 3)
    time.sleep(0.3)  # a member without work is faster than any broker's next delivery
    order = [sequence_of(row.payload) for row in take(subscriber, 31, limit=1)]
    # one or two may be on their way to the member when the urgent ones arrive
    assert set(order[:6]) >= {1000, 1001, 1002}, order
    assert set(order[:9]) >= {500, 501, 502}, order
    assert max(order.index(number) for number in (1000, 1001, 1002)) < min(order.index(number) for number in (501, 502))
    assert sorted(order[-20:]) == order[-20:], "first in, first out within a class"


def test_expiry_withholds_what_is_too_old(probed: Subject) -> None:
    bench = probed.bench(groups={"workers": 1}, expiry=True, dead_letter=True)
    short = numbered(4, start=100, ttl_ms=300)
    long = numbered(4, start=200, ttl_ms=60_000)
    never = numbered(4, start=300)
    bench.publish_ok([*short, *long, *never], ttls_ms=[300] * 4 + [60_000] * 4 + [0] * 4)
    time.sleep(0.35)  # from the acknowledgement: a broker may count from when it got the message
    subscriber = bench.subscriber()
    got = take(subscriber, 8) + nothing_more(subscriber)
    assert Counter(sequence_of(row.payload) for row in got) == Counter([*range(200, 204), *range(300, 304)])
    dead = take(bench.subscriber(DEAD_LETTERS), 4)
    assert {row.payload for row in dead} == set(short)
    assert {row.reason for row in dead} == {int(Reason.EXPIRED)}
    assert eventually(lambda: (subscriber.receive(1, 0.0), bench.backlog()["workers"] == 0)[1])


def test_delayed_retry_waits_and_counts(probed: Subject) -> None:
    bench = probed.bench(groups={"workers": 1}, retry={"max": 2, "backoff": ["3s", "1s"]}, dead_letter=True)
    bench.publish_ok(numbered(3))
    publisher = bench.publisher()
    subscriber = bench.subscriber()
    due_ns: dict[int, int] = {}
    settled = 0
    while settled < 3:
        deliveries = subscriber.receive(3, 10.0)
        for payload in deliveries.payloads:
            due_ns[sequence_of(payload)] = time.monotonic_ns() + 3_000_000_000  # room for a slow machine
        assert subscriber.settle(deliveries, retry(3000)).outcome is Outcome.OK
        settled += len(deliveries)
    assert not len(subscriber.receive(1, 0.15)), "before its time"
    assert eventually(lambda: bench.backlog()["workers"] == 3, 1.5), "a retry in waiting is still to be done"
    settle_all(publisher, push(publisher, batch_of(numbered(1, start=50))), 1)
    (other,) = take(subscriber, 1)
    assert sequence_of(other.payload) == 50, "a retry in waiting holds up nobody"
    second = take(subscriber, 3, how=retry(1000))
    now_ns = time.monotonic_ns()
    assert {row.attempt for row in second} == {1}
    assert all(row.at_ns >= due_ns[sequence_of(row.payload)] - 2_000_000 for row in second), "before its time"
    third = take(subscriber, 3)
    assert {row.attempt for row in third} == {2}
    assert all(row.at_ns >= now_ns + 700_000_000 for row in third)
    assert {sequence_of(row.payload) for row in third} == {0, 1, 2}
    assert nothing_more(subscriber) == []
    assert eventually(lambda: (subscriber.receive(1, 0.0), bench.backlog()["workers"] == 0)[1])


def test_dead_letter_keeps_message_and_reason(probed: Subject) -> None:
    bench = probed.bench(groups={"workers": 1}, dead_letter=True)
    payloads = numbered(6)
    bench.publish_ok(payloads)
    subscriber = bench.subscriber()
    buried = take(subscriber, 4, how=DEAD)
    take(subscriber, 2)
    dead = take(bench.subscriber(DEAD_LETTERS), 4)
    assert Counter(row.payload for row in dead) == Counter(row.payload for row in buried)
    assert {row.reason for row in dead} == {int(Reason.REJECTED)}
    assert nothing_more(subscriber, 0.3) == []
    assert eventually(lambda: (subscriber.receive(1, 0.0), bench.backlog()["workers"] == 0)[1])


def _consume_and_hang(
    name: str, settings: dict[str, str], broker: BrokerInfo, plan: Provisioning, pipe: Connection
) -> None:
    subscriber = create_adapter(name, settings).subscriber(broker, plan, "workers", 0)
    got = 0
    while got < 5:
        got += len(subscriber.receive(5 - got, 1.0))
    pipe.send(got)
    time.sleep(60)


def test_redelivery_after_a_killed_consumer(probed: Subject, request: pytest.FixtureRequest) -> None:
    """A worker process dies by SIGKILL with five unsettled messages; another member gets them."""
    name, settings, *_ = request.node.callspec.params["subject"]
    bench = probed.bench()
    bench.publish_ok(numbered(5))
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    process = context.Process(target=_consume_and_hang, args=(name, settings, bench.broker, bench.plan, child))
    process.start()
    try:
        assert parent.poll(30), "the worker received nothing"
        assert parent.recv() == 5
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process.close()
        parent.close()
        child.close()
    again = take(bench.subscriber(member=1), 5)
    assert {sequence_of(row.payload) for row in again} == set(range(5))


def test_transactions_are_all_or_nothing(probed: Subject) -> None:
    adapter = probed.adapter
    assert isinstance(adapter, PublishesTransactions), "declares transactions and cannot show them"
    bench = probed.bench(groups={"workers": 1})
    adapter.publish_transaction(bench.broker, bench.plan, numbered(5), commit=False)
    adapter.publish_transaction(bench.broker, bench.plan, numbered(5, start=10), commit=True)
    subscriber = bench.subscriber()
    got = take(subscriber, 5) + nothing_more(subscriber)
    assert Counter(sequence_of(row.payload) for row in got) == Counter(range(10, 15))
