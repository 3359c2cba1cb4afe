"""The broker is killed with -9 under load and restarted: what it acknowledged at tier D1 is delivered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

from harness.errors import BrokerUnavailable
from harness.model.messages import ACCEPT, Outcome, Outcomes
from tests.contract.subject import Bench, Subject, batch_of, numbered, sequence_of

MESSAGES = 2000
RECOVERY_S = 60.0


class Load:
    """Publishes numbered messages one after the other on a thread, and connects again when the broker is lost."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.outcomes: dict[int, int] = {}
        self.settled_twice = 0
        self.offered = 0
        self.problem: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _take(self, outcomes: Outcomes) -> None:
        for index, outcome in zip(outcomes.indexes.tolist(), outcomes.outcomes.tolist(), strict=True):
            self.settled_twice += index in self.outcomes
            self.outcomes[index] = outcome

    def _run(self) -> None:
        try:
            self._publish()
        except BaseException as problem:
            self.problem = problem

    def _publish(self) -> None:
        payloads = numbered(MESSAGES)
        publisher = None
        deadline = time.monotonic() + RECOVERY_S
        while (self.offered < MESSAGES or len(self.outcomes) < self.offered) and time.monotonic() < deadline:
            try:
                publisher = publisher or self._bench.adapter.publisher(self._bench.broker, self._bench.plan, 50)
            except BrokerUnavailable:
                time.sleep(0.05)
                continue
            try:
                wanted = payloads[self.offered : self.offered + 5]
                self.offered += publisher.submit(batch_of(wanted, first=self.offered))
                self._take(publisher.poll(0.005))
            except BrokerUnavailable:
                self._take(publisher.close(0.0))
                publisher = None
        if publisher is not None:
            self._take(publisher.close(10.0))


def _drain(bench: Bench, wanted: set[int]) -> Counter[int]:
    seen: Counter[int] = Counter()
    subscriber = None
    deadline = time.monotonic() + RECOVERY_S
    quiet_since = time.monotonic()
    while time.monotonic() < deadline and (wanted - set(seen) or time.monotonic() - quiet_since < 0.5):
        try:
            subscriber = subscriber or bench.subscriber()
            deliveries = subscriber.receive(200, 0.1)
            if len(deliveries):
                quiet_since = time.monotonic()
                seen.update(sequence_of(payload) for payload in deliveries.payloads)
                subscriber.settle(deliveries, ACCEPT)
        except BrokerUnavailable:
            if subscriber is not None:
                subscriber.close()
            subscriber = None
            time.sleep(0.05)
    return seen


def test_nothing_acknowledged_is_lost_by_a_killed_broker(subject: Subject) -> None:
    bench = subject.bench()
    time.sleep(subject.settling_s)
    load = Load(bench)
    load.thread.start()
    while len(load.outcomes) < 100 and load.thread.is_alive():
        time.sleep(0.005)
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    assert len(load.outcomes) < MESSAGES, "the load was over before the kill: raise MESSAGES"
    load.thread.join(RECOVERY_S)
    assert load.problem is None, load.problem
    assert load.settled_twice == 0
    assert load.offered == MESSAGES, "the publisher did not get going again"
    assert sorted(load.outcomes) == list(range(MESSAGES)), "each index is settled exactly once"
    acknowledged = {index for index, outcome in load.outcomes.items() if outcome == Outcome.OK}
    failed = {index for index, outcome in load.outcomes.items() if outcome == Outcome.FAIL}
    seen = _drain(bench, acknowledged)
    assert acknowledged - set(seen) == set(), "acknowledged and lost"
    assert failed & set(seen) == set(), "said to have failed, and delivered"
    assert len(acknowledged) > 100
    assert set(seen) <= set(range(MESSAGES))


def test_a_subscriber_survives_or_says_so(subject: Subject) -> None:
    """Settled before the kill stays settled; what was not settled comes again."""
    bench = subject.bench()
    bench.publish_ok(numbered(20))
    time.sleep(subject.settling_s)
    subscriber = bench.subscriber()
    first = subscriber.receive(10, 10.0)
    accepted = {sequence_of(payload) for payload in first.payloads}
    assert accepted
    subscriber.settle(first, ACCEPT)
    time.sleep(0.5)  # acknowledgements are sent without waiting for an answer: let them arrive
    held = subscriber.receive(5, 5.0)
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    with contextlib.suppress(BrokerUnavailable):
        subscriber.receive(1, 0.0)
    subscriber.close()
    rest = set(range(20)) - accepted
    seen = _drain(bench, rest)
    assert rest <= set(seen)
    assert {sequence_of(payload) for payload in held.payloads} <= set(seen)
