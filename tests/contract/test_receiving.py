"""Rules of a subscriber: what is settled stays settled, what is not comes back, nobody waits for a full batch."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from harness.errors import BrokerUnavailable
from harness.model.messages import ABANDON, ACCEPT, Outcome
from tests.contract.subject import Subject, eventually, nothing_more, numbered, rows_of, sequence_of, take, until_ready


def test_accepted_messages_do_not_come_back(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(30))
    first = bench.subscriber()
    take(first, 30)
    first.close()
    again = bench.subscriber()  # under its old name: Kafka would let another one wait, who sees nothing anyhow
    until_ready([again])
    assert nothing_more(again) == []
    assert eventually(lambda: bench.backlog()["workers"] == 0)


def test_unsettled_messages_come_back_after_close(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(6))
    first = bench.subscriber()
    take(first, 6, how=None)
    first.close()
    again = take(bench.subscriber(member=1), 6)
    assert Counter(sequence_of(row.payload) for row in again) == Counter(range(6))
    assert {row.attempt for row in again} == {0}, "a return is not an attempt that failed"


def test_unsettled_messages_come_back_after_a_crash(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(6))
    first = bench.subscriber()
    deliveries = first.receive(3, 10.0)
    assert len(deliveries)
    first.settle(deliveries, ABANDON)
    first.close()
    again = take(bench.subscriber(), 6)  # started again; a probe has another member take over
    assert {sequence_of(row.payload) for row in again} == set(range(6))
    assert all(row.redelivered != 0 for row in again if row.payload in deliveries.payloads), "a return without a flag"


def test_after_abandon_only_close_works(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(2))
    first = bench.subscriber()
    deliveries = first.receive(1, 10.0)
    first.settle(deliveries, ABANDON)
    with pytest.raises(BrokerUnavailable):
        first.receive(1, 0.0)
    first.close()


def test_rows_settle_in_any_order(subject: Subject) -> None:
    """Some rows of a batch, in another order: what was left out comes back, and nothing is lost."""
    bench = subject.bench()
    bench.publish_ok(numbered(8))
    first = bench.subscriber()
    held = []
    while sum(map(len, held)) < 8:
        held.append(first.receive(8, 1.0))
    left_out = set()
    for deliveries in held:
        rows = range(len(deliveries))
        some = [row for row in rows if sequence_of(deliveries.payloads[row]) % 2 == 0]
        left_out |= {sequence_of(deliveries.payloads[row]) for row in rows} - {
            sequence_of(deliveries.payloads[row]) for row in some
        }
        if some:
            assert first.settle(deliveries.take(some[::-1]), ACCEPT).outcome is Outcome.OK
    first.close()
    assert left_out == {1, 3, 5, 7}
    second = bench.subscriber()
    again = take(second, 4) + nothing_more(second)
    assert left_out <= {sequence_of(row.payload) for row in again}
    assert eventually(lambda: bench.backlog()["workers"] == 0)


def test_receive_does_not_wait_for_a_full_batch(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(3))
    subscriber = bench.subscriber()
    take(subscriber, 1)
    started = time.monotonic()
    assert len(subscriber.receive(100, 40.0)) >= 1
    assert time.monotonic() - started < 20.0


def test_receive_keeps_its_limit_and_its_patience(subject: Subject) -> None:
    bench = subject.bench()
    bench.publish_ok(numbered(20))
    subscriber = bench.subscriber()
    seen = 0
    while seen < 20:
        deliveries = subscriber.receive(5, 10.0)
        assert 1 <= len(deliveries) <= 5
        subscriber.settle(deliveries, ACCEPT)
        seen += len(deliveries)
    assert len(subscriber.receive(5, 0.0)) == 0


def test_no_more_than_the_prefetch_is_held(subject: Subject) -> None:
    bench = subject.bench(prefetch=3)
    bench.publish_ok(numbered(10))
    subscriber = bench.subscriber()
    held = [subscriber.receive(10, 5.0)]
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        held.append(subscriber.receive(10, 0.05))
    assert 1 <= sum(map(len, held)) <= 3
    for deliveries in held:
        if len(deliveries):
            subscriber.settle(deliveries, ACCEPT)
    assert len(take(subscriber, 7)) == 7


def test_members_share_a_group(subject: Subject) -> None:
    bench = subject.bench(partitions=4)
    members = [bench.subscriber(member=0), bench.subscriber(member=1)]
    until_ready(members)
    bench.publish_ok(numbered(100), keys=[b"k%d" % number for number in range(100)])
    got = take(members, 100)
    assert Counter(sequence_of(row.payload) for row in got) == Counter(range(100))


def test_backlog_counts_what_is_left(subject: Subject) -> None:
    bench = subject.bench(groups={"workers": 1, "audit": 1})
    bench.publish_ok(numbered(10))
    assert eventually(lambda: bench.backlog() == {"workers": 10, "audit": 10}), bench.backlog()
    subscriber = bench.subscriber()
    first = subscriber.receive(4, 10.0)
    held = len(first)
    while held < 10:
        held += len(take(subscriber, 1, how=None))
    assert bench.backlog() == {"workers": 10, "audit": 10}, "received is not settled"
    subscriber.settle(first, ACCEPT)
    assert eventually(lambda: (subscriber.receive(1, 0.0), bench.backlog()["workers"] == 10 - len(first))[1])
    assert bench.backlog()["audit"] == 10


def test_stamps_and_counts_make_sense(subject: Subject) -> None:
    bench = subject.bench()
    before_ns = time.monotonic_ns()
    bench.publish_ok(numbered(5))
    subscriber = bench.subscriber()
    rows = []
    while len(rows) < 5:
        deliveries = subscriber.receive(5, 10.0)
        now_ns = time.monotonic_ns()
        assert all(before_ns <= stamp <= now_ns for stamp in deliveries.received_ns.tolist())
        rows += rows_of(deliveries)
        subscriber.settle(deliveries, ACCEPT)
    assert {row.redelivered for row in rows} <= {0, 2}
    assert {row.delivery_count for row in rows} <= {0, -1}
    assert {row.attempt for row in rows} == {0}
    assert {row.reason for row in rows} == {0}


def test_settling_nothing_is_allowed(subject: Subject) -> None:
    bench = subject.bench()
    subscriber = bench.subscriber()
    nothing = subscriber.receive(1, 0.0)
    assert len(nothing) == 0
    assert subscriber.settle(nothing, ACCEPT).outcome is Outcome.OK
