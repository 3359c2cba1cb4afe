"""What was proven per version: the adapters keep to it, and the brokers that are here still answer so."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.proven import Proven, all_proven, differences, load, probes_of, proven_for
from harness.adapters.proven.documents import NOT_SEEN, RESULTS
from harness.adapters.rabbitmq.adapter import RabbitmqAdapter
from harness.adapters.rabbitmq.topology import CLASSIC, LIMITLESS_SINCE, QUORUM, Topology
from harness.bench.probing import ask, chosen
from harness.errors import UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature, Support
from harness.model.workload import Needs

RABBITMQ = all_proven("rabbitmq")
VERSIONS = [one.version for one in RABBITMQ]


def _info(proven: Proven) -> BrokerInfo:
    return BrokerInfo(proven.broker, proven.product, proven.version, "127.0.0.1", 1, "none")


def test_the_versions_that_adapters_speak_of_were_asked() -> None:
    series = {(one.broker, one.version.rpartition(".")[0]) for one in all_proven()}
    assert {("rabbitmq", "3.10"), ("rabbitmq", "4.0"), ("activemq", "5.17"), ("activemq", "6.3")} <= series
    for one in all_proven():
        assert set(one.answers) == {probe.name for probe in probes_of(one.broker)}
        assert all(value != NOT_SEEN for facts in one.answers.values() for value in facts.values()), one.file
        for probe in probes_of(one.broker):
            assert all(probe.name in one.probes_for(feature) for feature in probe.features)


@pytest.mark.parametrize("proven", RABBITMQ, ids=VERSIONS)
def test_priorities_of_quorum_queues_are_declared_as_served(proven: Proven) -> None:
    strict = proven.answers["quorum_priorities"]["quorum serves"] == "urgent ones first"
    declared = RabbitmqAdapter({"queue_type": QUORUM}).capabilities(_info(proven))[Feature.PRIORITY].support
    assert (declared is not Support.IMPOSSIBLE) == strict


@pytest.mark.parametrize("proven", RABBITMQ, ids=VERSIONS)
@pytest.mark.parametrize("kind", [CLASSIC, QUORUM])
def test_lanes_are_given_back_where_that_keeps_their_order(proven: Proven, kind: str) -> None:
    version = _info(proven).version_tuple
    topology = Topology("p", Needs(groups={"workers": 2}), kind, Tier.D1, version)
    fact = proven.answers["nack_and_redelivery"][f"{kind}: what a closed channel held comes first"]
    assert topology.returns_first == fact


@pytest.mark.parametrize("proven", RABBITMQ, ids=VERSIONS)
def test_the_delivery_limit_is_lifted_where_there_is_one(proven: Proven) -> None:
    """And only there: before 4.0 a limit of -1 is accepted and means one delivery."""
    facts = proven.answers["delivery_limit"]
    limited = facts["deliveries without a limit set"] != "no end seen"
    version = _info(proven).version_tuple
    (queue,) = Topology("p", Needs(groups={"workers": 1}), QUORUM, Tier.D1, version).queues()
    assert ("x-delivery-limit" in queue.arguments) == limited == (version >= LIMITLESS_SINCE)
    if limited:
        assert facts["deliveries with a limit of -1"] == "no end seen"


@pytest.mark.parametrize("proven", RABBITMQ, ids=VERSIONS)
def test_tiers_rest_on_syncs_that_were_seen(proven: Proven) -> None:
    """D2 is promised of quorum queues, which sync before they confirm; never of classic queues or streams."""
    facts = proven.answers["fsync_before_confirm"]
    assert all(facts[f"quorum, {size} bytes: fsync before the confirm"] == "yes" for size in (100, 8192))
    assert facts["classic, version 2, 100 bytes: fsync before the confirm"] == "no"
    assert facts["stream, 100 bytes: fsync before the confirm"] == "no"
    plan = RabbitmqAdapter({}).plan(_info(proven), Needs(groups={"workers": 1}), Tier.D2, "p")
    assert plan.shape == QUORUM
    above = facts["classic, version 2, 8192 bytes: fsync before the confirm"] == "yes"
    classic = RabbitmqAdapter({}).plan(_info(proven), Needs(groups={"workers": 1}), Tier.D1, "p")
    assert ("before it above" in classic.parity["fsync"]) == above


@pytest.mark.parametrize("proven", RABBITMQ, ids=VERSIONS)
def test_streams_are_read_as_they_allow(proven: Proven) -> None:
    facts = proven.answers["streams"]
    assert facts["refuses a consumer without a prefetch"] == "406"
    assert not facts["hands out again what was returned"], "retries would not have to be copied"
    assert not facts["accepts a single active consumer"], "tokens would not be needed"
    assert facts["offsets from the first on"]


def test_a_declaration_rests_on_probes_of_its_own_shape() -> None:
    known = RABBITMQ[-1]
    assert known.probes_for(Feature.REPLAY, "stream") == ("streams",)
    assert known.probes_for(Feature.PRIORITY, "stream") == ()
    assert "streams" not in known.probes_for(Feature.REDELIVERY, QUORUM)
    assert "delivery_limit" not in known.probes_for(Feature.REDELIVERY, CLASSIC)


def test_a_version_that_was_not_asked_leans_on_its_series() -> None:
    known = RABBITMQ[-1]
    near = proven_for("rabbitmq", known.version.rpartition(".")[0] + ".99")
    assert near is not None
    assert near.version == known.version
    assert proven_for("rabbitmq", "2.8.1") is None


def test_differences_are_told_one_by_one() -> None:
    known = load(RESULTS / f"rabbitmq-{VERSIONS[0]}.json")
    changed = {name: dict(facts) for name, facts in known.answers.items()}
    changed["statistics"]["classic: counts those that are handed out"] = True
    changed["fsync_before_confirm"] = dict.fromkeys(changed["fsync_before_confirm"], NOT_SEEN)
    del changed["unroutable"]
    fresh = Proven(known.broker, known.product, known.version, changed, known.questions, known.rests_on, known.shapes)
    assert differences(known, known) == []
    told = differences(known, fresh)
    assert told == [
        "statistics: classic: counts those that are handed out was False and is True",
        "unroutable: was not asked this time",
    ]


def test_a_probe_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="known: quorum_priorities"):
        chosen("rabbitmq", ["quorum_priority"])
    with pytest.raises(UsageError, match="no probes of 'pylog'"):
        chosen("pylog", [])


def _asked_again(name: str, backend: str) -> None:
    fresh = ask(name, backend=backend, url=None, only=(), say=lambda _: None)
    known = proven_for(fresh.broker, fresh.version)
    if known is None:
        pytest.skip(f"{fresh.product} {fresh.version} was never asked: harness broker probe {name} --write")
    assert differences(known, fresh) == []


@pytest.mark.broker("rabbitmq")
def test_rabbitmq_answers_as_it_was_proven() -> None:
    _asked_again("rabbitmq", "process")


@pytest.mark.broker("activemq")
def test_activemq_answers_as_it_was_proven() -> None:
    _asked_again("activemq", "process")


@pytest.mark.thorough
@pytest.mark.broker("kafka")
def test_kafka_answers_as_it_was_proven() -> None:
    _asked_again("kafka", "process")


def test_the_answers_come_with_the_package() -> None:
    assert {path.suffix for path in RESULTS.iterdir()} == {".json"}
    assert Path(RESULTS).parent.name == "proven"


@pytest.mark.thorough
@pytest.mark.container("rabbitmq")
def test_rabbitmq_in_a_container_answers_as_it_was_proven() -> None:
    _asked_again("rabbitmq", "docker")
