"""What an adapter declares: capabilities, plans, names, and what is left after teardown."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from harness.adapters.features import needed
from harness.adapters.probes import PROBES, ListsLeftovers
from harness.errors import ProvisioningFailed, Unsupported
from harness.model.broker import Tier
from harness.model.capability import Feature, Support
from harness.model.workload import Needs
from tests.contract import test_features
from tests.contract.subject import Subject, eventually, nothing_more, numbered

NEEDS_OF: dict[Feature, dict[str, Any]] = {
    Feature.FAN_OUT: {"groups": {"a": 1, "b": 1}},
    Feature.ORDER_PER_KEY: {"order": "per_key", "partitions": 4},
    Feature.REPLAY: {"replay": {"group": "workers"}},
    Feature.PRIORITY: {"priority_levels": 3},
    Feature.EXPIRY: {"expiry": True},
    Feature.DELAYED_RETRY: {"retry": {"max": 2, "backoff": ["1s", "2s"]}},
    Feature.DEAD_LETTER: {"dead_letter": True},
}


def test_every_feature_has_a_probe() -> None:
    assert set(PROBES) == set(Feature)
    for probe in PROBES.values():
        path, _, name = probe.partition("::")
        assert path == "tests/contract/test_features.py"
        assert callable(getattr(test_features, name, None)), f"{probe} is not there"


def test_capabilities_explain_themselves(subject: Subject) -> None:
    capabilities = subject.adapter.capabilities(subject.broker)
    assert set(capabilities) == set(Feature)
    for row in capabilities.values():
        assert row.why if row.support is Support.IMPOSSIBLE else row.how, row


@pytest.mark.parametrize("feature", NEEDS_OF, ids=str)
def test_a_plan_names_what_it_needs(subject: Subject, feature: Feature) -> None:
    plan = subject.plan(**NEEDS_OF[feature])
    assert set(plan.features) == set(needed(plan.needs))
    assert plan.features[feature] == subject.capability(feature)
    assert (plan.features[feature] in plan.impossible()) == (subject.capability(feature).support is Support.IMPOSSIBLE)
    assert plan.adapter == subject.adapter.name
    assert plan.objects
    assert all(plan.prefix in thing.name for thing in plan.objects), plan.objects
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert plan.parity
    assert plan.mode


def _promises(subject: Subject, tier: Tier) -> bool:
    """A tier that a shape cannot promise is refused in so many words: a stream does not fsync."""
    try:
        subject.plan(tier=tier)
    except Unsupported as refusal:
        return tier.sentence not in refusal.message
    return True


def test_planning_asks_no_broker(subject: Subject) -> None:
    nowhere = dataclasses.replace(subject.broker, port=1)
    needs = Needs.model_validate({"groups": {"workers": 2}})
    for tier in (Tier.D0, Tier.D1, Tier.D2):
        if tier is not Tier.D1 and not _promises(subject, tier):
            continue
        plan = subject.adapter.plan(nowhere, needs, tier, "dry")
        assert plan.tier is tier
        assert plan == subject.adapter.plan(nowhere, needs, tier, "dry")


def test_rewind_is_refused_where_replay_is_impossible(subject: Subject) -> None:
    if subject.capability(Feature.REPLAY).support is not Support.IMPOSSIBLE:
        pytest.skip("replay is possible")
    bench = subject.bench()
    with pytest.raises(Unsupported):
        bench.subscriber().rewind()


def test_provisioning_twice_does_no_harm(subject: Subject) -> None:
    bench = subject.bench()
    subject.adapter.provision(bench.broker, bench.plan)
    bench.publish_ok(numbered(3))


def test_provisioning_fails_clearly_without_a_broker(subject: Subject) -> None:
    nowhere = dataclasses.replace(subject.broker, port=1)
    plan = subject.plan()
    with pytest.raises(ProvisioningFailed):
        subject.adapter.provision(nowhere, plan)


def test_teardown_leaves_nothing(subject: Subject) -> None:
    needs: dict[str, Any] = {
        "groups": {"workers": 1, "audit": 1},
        "dead_letter": True,
        "retry": {"max": 1, "backoff": ["1s"]},
    }
    bench = subject.bench(**needs)
    bench.publish_ok(numbered(5))
    subscriber = bench.subscriber()
    assert len(subscriber.receive(2, 10.0))
    subscriber.close()
    subject.adapter.teardown(bench.broker, bench.plan)
    if isinstance(subject.adapter, ListsLeftovers):
        adapter = subject.adapter
        assert eventually(lambda: not adapter.leftovers(bench.broker, bench.plan.prefix)), adapter.leftovers(
            bench.broker, bench.plan.prefix
        )
    subject.adapter.teardown(bench.broker, bench.plan)  # once more is no error
    subject.adapter.provision(bench.broker, bench.plan)
    assert nothing_more(bench.subscriber()) == []
