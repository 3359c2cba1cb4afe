"""The null adapter: everything is acknowledged, nothing arrives, unless synthetic messages are asked for."""

from __future__ import annotations

import pytest

from harness.adapters.registry import create_adapter
from harness.errors import Unsupported
from harness.model import envelope
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Support
from harness.model.messages import ACCEPT, Outcome, OutgoingBatch
from harness.model.workload import Needs

NOWHERE = BrokerInfo("null", "null", "1", "127.0.0.1", 0, "in_process")
NEEDS = Needs.model_validate({"groups": {"workers": 1}})


def test_publishes_are_acknowledged_within_the_window() -> None:
    adapter = create_adapter("null")
    publisher = adapter.publisher(NOWHERE, adapter.plan(NOWHERE, NEEDS, Tier.D0, "p"), window=3)
    batch = OutgoingBatch([4, 5, 6, 7], [b"x"] * 4, [None] * 4, [0] * 4, [0] * 4)
    assert publisher.submit(batch) == 3
    assert publisher.submit(batch.after(3)) == 0
    outcomes = publisher.poll(0.0)
    assert outcomes.indexes.tolist() == [4, 5, 6]
    assert set(outcomes.outcomes.tolist()) == {int(Outcome.OK)}
    assert len(publisher.poll(0.0)) == 0
    assert publisher.submit(batch.after(3)) == 1
    assert publisher.close(0.0).indexes.tolist() == [7]


def test_nothing_is_delivered_and_nothing_can_be_done() -> None:
    adapter = create_adapter("null")
    plan = adapter.plan(NOWHERE, NEEDS, Tier.D0, "p")
    subscriber = adapter.subscriber(NOWHERE, plan, "workers", 0)
    assert len(subscriber.receive(10, 0.0)) == 0
    with pytest.raises(Unsupported):
        subscriber.rewind()
    assert adapter.backlog(NOWHERE, plan) == {"workers": 0}
    assert {row.support for row in adapter.capabilities(NOWHERE).values()} == {Support.IMPOSSIBLE}


def test_synthetic_deliveries_are_real_messages() -> None:
    adapter = create_adapter("null", {"deliver": "1500", "size": "200"})
    subscriber = adapter.subscriber(NOWHERE, adapter.plan(NOWHERE, NEEDS, Tier.D0, "p"), "workers", 0)
    total = 0
    while len(deliveries := subscriber.receive(400, 0.0)):
        assert envelope.intact(deliveries.payloads, envelope.unpack(deliveries.payloads)).all()
        assert {len(payload) for payload in deliveries.payloads} == {200}
        assert subscriber.settle(deliveries, ACCEPT).outcome is Outcome.OK
        total += len(deliveries)
    assert total == 1500
