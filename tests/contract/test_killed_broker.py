"""The broker is killed with -9 under load and restarted: what it acknowledged at tier D1 is delivered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

from harness.errors import BrokerUnavailable
from harness.model.messages import ACCEPT, Outcome, Outcomes
from tests.contract.subject import Bench, Subject, batch_of, numbered, sequence_of

MESSAGES = 8000
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
                time.sleep(0.001)  # so that the load outlasts a group's start, whatever the broker's pace
            except BrokerUnavailable:
                self._take(publisher.close(0.0))
                publisher = None
        if publisher is not None:
            self._take(publisher.close(10.0))


def _drain(bench: Bench, group: str, wanted: set[int]) -> Counter[int]:
    """Read until all that is wanted has come and it has been quiet for a moment."""
    seen: Counter[int] = Counter()
    subscriber = None
    deadline = time.monotonic() + RECOVERY_S
    quiet_since = time.monotonic()
    while time.monotonic() < deadline and (wanted - set(seen) or time.monotonic() - quiet_since < 0.5):
        try:
            subscriber = subscriber or bench.subscriber(group)
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
    """Two groups on one plan: one is read afterwards, a member of the other lives through the kill."""
    bench = subject.bench(groups={"workers": 1, "audit": 1})
    time.sleep(subject.settling_s)
    load = Load(bench)
    load.thread.start()
    while len(load.outcomes) < 100 and load.thread.is_alive():
        time.sleep(0.005)
    member = bench.subscriber("audit")
    first = member.receive(10, 20.0)
    accepted = {sequence_of(payload) for payload in first.payloads}
    member.settle(first, ACCEPT)
    time.sleep(0.5)  # acknowledgements may be on their way for a moment
    held = member.receive(5, 5.0)
    outcomes_at_kill = len(load.outcomes)
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    with contextlib.suppress(BrokerUnavailable):
        member.receive(1, 0.0)
    member.close()
    load.thread.join(RECOVERY_S)
    assert load.problem is None, load.problem
    assert load.settled_twice == 0
    assert load.offered == MESSAGES, "the publisher did not get going again"
    assert sorted(load.outcomes) == list(range(MESSAGES)), "each index is settled exactly once"
    assert outcomes_at_kill < MESSAGES, "the load was over before the kill: raise MESSAGES"
    acknowledged = {index for index, outcome in load.outcomes.items() if outcome == Outcome.OK}
    failed = {index for index, outcome in load.outcomes.items() if outcome == Outcome.FAIL}
    assert len(acknowledged) > 100
    seen = _drain(bench, "workers", acknowledged)
    assert acknowledged - set(seen) == set(), "acknowledged and lost"
    assert failed & set(seen) == set(), "said to have failed, and delivered"
    assert set(seen) <= set(range(MESSAGES))
    assert accepted, "the member received nothing"
    rest = acknowledged - accepted
    seen = _drain(bench, "audit", rest)
    assert rest <= set(seen), "not settled and not delivered again"
    assert {sequence_of(payload) for payload in held.payloads} <= set(seen)
