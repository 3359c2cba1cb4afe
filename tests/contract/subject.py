"""What a contract test works with: an adapter, a running broker, a prefix of its own, and a few verbs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.model import envelope
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capability, Feature
from harness.model.messages import (
    ACCEPT,
    Adapter,
    Deliveries,
    Disposition,
    Outcome,
    Outcomes,
    OutgoingBatch,
    Publisher,
    Subscriber,
)
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs
from tests.contract.running import RunningBroker

DEADLINE_S = 30.0
QUIET_S = 0.6  # how long a test listens before it says that nothing more comes


@dataclass(frozen=True)
class Received:
    """One delivery, as a row."""

    payload: bytes
    at_ns: int
    redelivered: int
    attempt: int
    reason: int
    partition: int
    position: int
    delivery_count: int


def rows_of(deliveries: Deliveries) -> list[Received]:
    columns = zip(
        deliveries.payloads,
        deliveries.received_ns.tolist(),
        deliveries.redelivered.tolist(),
        deliveries.attempts.tolist(),
        deliveries.reasons.tolist(),
        deliveries.partitions.tolist(),
        deliveries.positions.tolist(),
        deliveries.delivery_counts.tolist(),
        strict=True,
    )
    return [Received(*column) for column in columns]


def numbered(
    count: int, *, start: int = 0, ttl_ms: int = 0, size: int = 100, intended_ns: int | None = None
) -> list[bytes]:
    """Real payloads: an envelope and a body, numbered by their sequence."""
    rows = envelope.empty(count)
    rows["sequence"] = np.arange(start, start + count)
    rows["key"] = envelope.NO_KEY
    rows["ttl_ms"] = ttl_ms
    rows["intended_ns"] = time.monotonic_ns() if intended_ns is None else intended_ns
    rows["size"] = size
    return envelope.pack(rows, [bytes(size - envelope.SIZE)] * count)


def sequence_of(payload: bytes) -> int:
    return int(envelope.unpack([payload])["sequence"][0])


def batch_of(
    payloads: Sequence[bytes],
    *,
    first: int = 0,
    keys: Sequence[bytes | None] | None = None,
    classes: Sequence[int] | None = None,
    ttls_ms: Sequence[int] | None = None,
) -> OutgoingBatch:
    count = len(payloads)
    return OutgoingBatch(
        list(range(first, first + count)),
        list(payloads),
        list(keys) if keys is not None else [None] * count,
        list(classes) if classes is not None else [0] * count,
        list(ttls_ms) if ttls_ms is not None else [0] * count,
    )


@dataclass
class Bench:
    """One provisioned plan."""

    adapter: Adapter
    broker: BrokerInfo
    plan: Provisioning
    opened: list[Callable[[], object]] = field(default_factory=list)

    def publisher(self, window: int = 100) -> Publisher:
        publisher = self.adapter.publisher(self.broker, self.plan, window)
        self.opened.append(lambda: publisher.close(5.0))
        return publisher

    def subscriber(self, group: str = "workers", member: int = 0) -> Subscriber:
        subscriber = self.adapter.subscriber(self.broker, self.plan, group, member)
        self.opened.append(subscriber.close)
        return subscriber

    def backlog(self) -> dict[str, int]:
        return dict(self.adapter.backlog(self.broker, self.plan))

    def publish(self, batch: OutgoingBatch, window: int = 100) -> list[Outcomes]:
        """Publish all of it with a publisher of its own; returns the outcomes in the order they came."""
        publisher = self.adapter.publisher(self.broker, self.plan, window)
        outcomes = push(publisher, batch)
        outcomes.append(publisher.close(DEADLINE_S))
        return outcomes

    def publish_ok(self, payloads: Sequence[bytes], **columns: Any) -> None:
        outcomes = self.publish(batch_of(payloads, **columns))
        assert sum(int((part.outcomes == Outcome.OK).sum()) for part in outcomes) == len(payloads), outcomes


def push(publisher: Publisher, batch: OutgoingBatch) -> list[Outcomes]:
    """Submit everything, polling while the window is full. What is still open is the caller's to wait for."""
    outcomes: list[Outcomes] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(batch):
        batch = batch.after(publisher.submit(batch))
        outcomes.append(publisher.poll(0.01))
        assert time.monotonic() < deadline, "the publisher takes nothing"
    return outcomes


def settle_all(publisher: Publisher, outcomes: list[Outcomes], count: int) -> list[Outcomes]:
    """Poll until ``count`` rows are settled."""
    deadline = time.monotonic() + DEADLINE_S
    while sum(map(len, outcomes)) < count:
        outcomes.append(publisher.poll(0.1))
        assert time.monotonic() < deadline, f"{sum(map(len, outcomes))} of {count} settled"
    return outcomes


def take(
    subscribers: Subscriber | Iterable[Subscriber],
    count: int,
    how: Disposition | None = ACCEPT,
    *,
    limit: int = 100,
    deadline_s: float = DEADLINE_S,
) -> list[Received]:
    """At least ``count`` deliveries, settled as they come (None: left unsettled)."""
    members = list(subscribers) if isinstance(subscribers, Iterable) else [subscribers]
    got: list[Received] = []
    deadline = time.monotonic() + deadline_s
    while len(got) < count:
        assert time.monotonic() < deadline, f"{len(got)} of {count} arrived"
        for member in members:
            deliveries = member.receive(min(limit, count - len(got)) or 1, 0.05)
            if len(deliveries):
                got += rows_of(deliveries)
                if how is not None:
                    assert member.settle(deliveries, how).outcome is Outcome.OK
    return got


def nothing_more(subscribers: Subscriber | Iterable[Subscriber], quiet_s: float = QUIET_S) -> list[Received]:
    """What arrives in the next moments, accepted; expected to be empty."""
    members = list(subscribers) if isinstance(subscribers, Iterable) else [subscribers]
    got: list[Received] = []
    end = time.monotonic() + quiet_s
    while time.monotonic() < end:
        for member in members:
            deliveries = member.receive(100, 0.05)
            if len(deliveries):
                got += rows_of(deliveries)
                member.settle(deliveries, ACCEPT)
    return got


def until_ready(members: Iterable[Subscriber], deadline_s: float = DEADLINE_S) -> None:
    """Poll members until each has its share. Nothing must be published yet: deliveries would be dropped unsettled."""
    members = list(members)
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        for member in members:
            assert not len(member.receive(1, 0.05))
        if all(getattr(member, "ready", lambda: True)() for member in members):
            return
    raise AssertionError("the members did not become ready")


def eventually(holds: Callable[[], bool], deadline_s: float = 10.0) -> bool:
    """Whether it comes true in time; brokers count in the background."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Subject:
    """One adapter with one setting, against one broker."""

    def __init__(self, adapter: Adapter, running: RunningBroker, prefix: str) -> None:
        self.adapter = adapter
        self.running = running
        self.prefix = prefix
        self._benches: list[Bench] = []
        self._planned = 0

    @property
    def settling_s(self) -> float:
        """How long after provisioning a kill is fair: an adapter may say so in its plan (a quorum queue just declared, for one)."""
        return float(self._benches[-1].plan.details.get("settling_s", "0"))

    @property
    def broker(self) -> BrokerInfo:
        return self.running.info

    def capability(self, feature: Feature) -> Capability:
        return self.adapter.capabilities(self.broker)[feature]

    def plan(self, *, tier: Tier = Tier.D1, **needs: Any) -> Provisioning:
        needs.setdefault("groups", {"workers": 2})
        self._planned += 1
        prefix = f"{self.prefix}-{self._planned}"
        return self.adapter.plan(self.broker, Needs.model_validate(needs), tier, prefix)

    def bench(self, *, tier: Tier = Tier.D1, **needs: Any) -> Bench:
        plan = self.plan(tier=tier, **needs)
        bench = Bench(self.adapter, self.broker, plan)
        self._benches.append(bench)
        self.adapter.provision(self.broker, plan)
        return bench

    def close(self) -> None:
        while self._benches:
            bench = self._benches.pop()
            while bench.opened:
                bench.opened.pop()()
            self.adapter.teardown(self.broker, bench.plan)
