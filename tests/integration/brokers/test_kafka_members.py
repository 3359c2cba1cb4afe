"""A member of a Kafka group that another one replaced says so: silence would be taken for an empty topic until a run's deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.adapters.registry import create_adapter
from harness.errors import BrokerUnavailable
from harness.model.messages import ACCEPT, Deliveries, Subscriber
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Subject, numbered, until_ready

NOTICE_S = 15.0  # heartbeats are half a second apart; loaded machines take their time
CASES = [
    pytest.param(
        (broker, client, works),
        id=f"{client}@{broker}-{name}",
        marks=[pytest.mark.broker(broker), *([pytest.mark.thorough] if broker == "kafka" and not works else [])],
    )
    for broker in ("pylog", "kafka")
    for client, name, works in (
        ("confluent", "idle", False),
        ("confluent", "with work in hand", True),
        ("kafka-python", "with work in hand", True),
    )
]


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningBroker]]:
    """Each started once, when first asked for."""
    running: dict[str, RunningBroker] = {}
    yield running
    for broker in running.values():
        broker.stop()


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest, brokers: dict[str, RunningBroker], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Subject, bool]]:
    broker, client, works = request.param
    if broker not in brokers:
        brokers[broker] = start(broker, tmp_path_factory.mktemp(broker))
    subject = Subject(create_adapter("kafka", {"client": client}), brokers[broker], f"{client}-{works}".lower())
    yield subject, works
    subject.close()


def _receive(member: Subscriber) -> Deliveries:
    deadline = time.monotonic() + NOTICE_S
    while not len(deliveries := member.receive(5, 0.2)):
        assert time.monotonic() < deadline
    return deliveries


def _until_told(member: Subscriber, held: Deliveries | None) -> None:
    deadline = time.monotonic() + NOTICE_S
    while time.monotonic() < deadline:
        if held is not None:
            member.settle(held, ACCEPT)
            held = None
        member.receive(5, 0.2)


def test_a_member_that_another_replaced_says_so(case: tuple[Subject, bool]) -> None:
    """kafka-python reads on without heartbeats while it is idle, and hears of it with its next commit."""
    subject, works = case
    bench = subject.bench(groups={"workers": 1}, partitions=1)
    first = bench.subscriber()
    until_ready([first])
    held: Deliveries | None = None
    if works:
        bench.publish_ok(numbered(5))
        held = _receive(first)
    second = bench.subscriber()
    if works:
        assert len(_receive(second)) == 5  # not committed: they come again
    else:
        until_ready([second])
    with pytest.raises(BrokerUnavailable, match="gave up"):
        _until_told(first, held)
