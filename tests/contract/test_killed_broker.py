"""The broker is killed with -9 under load and restarted: what it acknowledged at tier D1 is delivered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

from harness.errors import BrokerUnavailable
from harness.model.messages import ACCEPT, Outcome, Outcomes
from tests.contract.subject import Bench, Subject, batch_of, numbered, sequence_of

RECOVERY_S = 60.0


class Load:
    """Publishes numbered messages on a thread until it is told to finish, and connects again when the broker is lost."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.outcomes: dict[int, int] = {}
        self.settled_twice = 0
        self.offered = 0
        self.problem: BaseException | None = None
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _take(self, outcomes: Outcomes) -> None:
        for index, outcome in zip(outcomes.indexes.tolist(), outcomes.outcomes.tolist(), strict=True):
            self.settled_twice += index in self.outcomes
            self.outcomes[index] = outcome

    def acknowledged(self) -> set[int]:
        return {index for index, outcome in self.outcomes.copy().items() if outcome == Outcome.OK}

    def wait_for(self, more: int) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged()) + more
        deadline = time.monotonic() + RECOVERY_S
        while len(self.acknowledged()) < wanted and self.thread.is_alive():
            assert time.monotonic() < deadline, "the publisher does not get on"
            time.sleep(0.01)

    def finish(self) -> None:
        self._stop.set()
        self.thread.join(RECOVERY_S)
        assert self.problem is None, self.problem

    def _run(self) -> None:
        try:
            self._publish()
        except BaseException as problem:
            self.problem = problem

    def _publish(self) -> None:
        publisher = None
        while not self._stop.is_set():
            try:
                publisher = publisher or self._bench.adapter.publisher(self._bench.broker, self._bench.plan, 50)
            except BrokerUnavailable:
                time.sleep(0.05)
                continue
            try:
                wanted = numbered(5, start=self.offered)
                self.offered += publisher.submit(batch_of(wanted, first=self.offered))
                self._take(publisher.poll(0.005))
                time.sleep(0.005)
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
    load.wait_for(100)
    member = bench.subscriber("audit")
    first = member.receive(10, 20.0)
    accepted = {sequence_of(payload) for payload in first.payloads}
    member.settle(first, ACCEPT)
    time.sleep(0.5)  # acknowledgements may be on their way for a moment
    held = member.receive(5, 5.0)
    subject.running.kill_and_restart()
    bench.broker = subject.broker
    with contextlib.suppress(BrokerUnavailable):
        member.receive(1, 0.0)
    member.close()
    load.wait_for(100)
    load.finish()
    assert load.settled_twice == 0
    assert sorted(load.outcomes) == list(range(load.offered)), "each index is settled exactly once"
    acknowledged = load.acknowledged()
    failed = {index for index, outcome in load.outcomes.items() if outcome == Outcome.FAIL}
    seen = _drain(bench, "workers", acknowledged)
    assert acknowledged - set(seen) == set(), "acknowledged and lost"
    assert failed & set(seen) == set(), "said to have failed, and delivered"
    assert set(seen) <= set(range(load.offered))
    assert accepted, "the member received nothing"
    rest = acknowledged - accepted
    seen = _drain(bench, "audit", rest)
    assert rest <= set(seen), "not settled and not delivered again"
    assert {sequence_of(payload) for payload in held.payloads} <= set(seen)
