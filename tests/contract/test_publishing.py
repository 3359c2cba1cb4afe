"""Rules of a publisher: each index is settled once, the window holds, payloads arrive as they were."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from harness.model.messages import UNKNOWN, Outcome
from tests.contract.subject import Subject, batch_of, numbered, push, settle_all, take


def test_every_index_is_settled_exactly_once(subject: Subject) -> None:
    bench = subject.bench()
    publisher = bench.publisher(window=64)
    before_ns = time.monotonic_ns()
    outcomes = settle_all(publisher, push(publisher, batch_of(numbered(500), first=7)), 500)
    outcomes.append(publisher.close(5.0))
    assert Counter(np.concatenate([part.indexes for part in outcomes]).tolist()) == Counter(range(7, 507))
    assert set(np.concatenate([part.outcomes for part in outcomes]).tolist()) == {int(Outcome.OK)}
    settled_ns = np.concatenate([part.settled_ns for part in outcomes])
    assert before_ns <= settled_ns.min()
    assert settled_ns.max() <= time.monotonic_ns()
    places = [
        (partition, position)
        for part in outcomes
        for partition, position in zip(part.partitions.tolist(), part.positions.tolist(), strict=True)
        if position != UNKNOWN
    ]
    assert len(set(places)) == len(places), "two messages at one place"


def test_the_window_is_respected(subject: Subject) -> None:
    bench = subject.bench()
    publisher = bench.publisher(window=10)
    batch = batch_of(numbered(50))
    taken = publisher.submit(batch)
    assert 1 <= taken <= 10
    outcomes = settle_all(publisher, push(publisher, batch.after(taken)), 50)
    assert sum(map(len, outcomes)) == 50


def test_close_settles_what_is_open(subject: Subject) -> None:
    bench = subject.bench()
    publisher = bench.publisher(window=200)
    taken = publisher.submit(batch_of(numbered(200)))
    outcomes = publisher.close(10.0)
    assert sorted(outcomes.indexes.tolist()) == list(range(taken))
    assert set(outcomes.outcomes.tolist()) == {int(Outcome.OK)}


def test_close_does_not_wait_for_ever(subject: Subject) -> None:
    bench = subject.bench()
    publisher = bench.publisher(window=50)
    taken = publisher.submit(batch_of(numbered(50)))
    outcomes = publisher.close(0.0)
    assert sorted(outcomes.indexes.tolist()) == list(range(taken))
    assert set(outcomes.outcomes.tolist()) <= {int(Outcome.OK), int(Outcome.INFO)}, "open is unknown, never failed"


def test_an_empty_batch_is_nothing(subject: Subject) -> None:
    bench = subject.bench()
    publisher = bench.publisher()
    assert publisher.submit(batch_of([])) == 0
    assert len(publisher.poll(0.0)) == 0
    assert len(publisher.close(5.0)) == 0


def test_payloads_arrive_unchanged(subject: Subject) -> None:
    payloads = [
        b"\x00",
        b"\x00" * 57,
        bytes(range(256)),
        b"a\x00b\n\n\x00\r\nMESSAGE\n\n\x00",
        b"\xff\xfe\x80" * 100,
        "grüße".encode(),
        bytes(range(256)) * 400,
        *numbered(3),
    ]
    bench = subject.bench()
    bench.publish_ok(payloads)
    got = take(bench.subscriber(), len(payloads))
    assert Counter(row.payload for row in got) == Counter(payloads)


def test_several_publishers_share_a_plan(subject: Subject) -> None:
    bench = subject.bench()
    publishers = [bench.publisher() for _ in range(3)]
    for place, publisher in enumerate(publishers):
        settle_all(publisher, push(publisher, batch_of(numbered(20, start=100 * place))), 20)
    got = take(bench.subscriber(), 60)
    assert len({row.payload for row in got}) == 60
