"""Which topics a workload becomes on a Kafka-protocol broker, and what error codes mean."""

from __future__ import annotations

import dataclasses

import pytest

from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import layout_for
from harness.adapters.kafka.outcomes import outcome_of
from harness.adapters.registry import create_adapter
from harness.errors import Unsupported
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature, Support
from harness.model.messages import DEAD_LETTERS, Outcome
from harness.model.workload import Needs

BROKER = BrokerInfo("kafka", "Apache Kafka", "4.3.1", "127.0.0.1", 9092, "process")


def needs(**values: object) -> Needs:
    return Needs.model_validate({"groups": {"workers": 4}, **values})


def test_a_plain_workload_is_one_topic() -> None:
    layout = layout_for(needs(order="per_key", partitions=3), "run")
    assert layout.topics == ("run-messages",)
    assert layout.partitions == 3
    assert [layout.place(lane) for lane in range(3)] == [("run-messages", lane) for lane in range(3)]


def test_a_work_queue_has_a_partition_for_each_member() -> None:
    assert layout_for(needs(), "run").partitions == 4
    assert layout_for(needs(order="global"), "run").partitions == 1


def test_classes_rungs_and_dead_letters() -> None:
    layout = layout_for(
        needs(
            groups={"mail one": 1, "two": 1},
            priority_levels=2,
            dead_letter=True,
            retry={"max": 3, "backoff": ["100ms", "1s", "1s"]},
        ),
        "run",
    )
    assert layout.topics == (
        "run-messages-class0",
        "run-messages-class1",
        "run-retry-0-mail-one-100ms",
        "run-retry-0-mail-one-1000ms",
        "run-retry-1-two-100ms",
        "run-retry-1-two-1000ms",
        "run-dead-letters",
    )
    assert layout.read_by("two") == (*layout.topics[:2], *layout.topics[4:6])
    assert layout.read_by(DEAD_LETTERS) == ("run-dead-letters",)
    assert layout.groups() == ("mail one", "two", DEAD_LETTERS)
    assert layout.first_lane("run-messages-class1") == layout.partitions


@pytest.mark.parametrize(
    ("tier", "acks", "flush", "replicas"),
    [
        (Tier.D0, "0", None, "1"),
        (Tier.D1, "all", None, "1"),
        (Tier.D2, "all", "1", "1"),
        (Tier.D3, "all", None, "3"),
        (Tier.D4, "all", "1", "3"),
    ],
)
def test_a_tier_decides_acks_flush_and_replicas(tier: Tier, acks: str, flush: str | None, replicas: str) -> None:
    plan = create_adapter("kafka").plan(dataclasses.replace(BROKER, backend="external"), needs(), tier, "run")
    (topic,) = plan.objects
    assert plan.parity["acknowledgement"] == f"acks={acks}"
    assert topic.settings.get("flush.messages") == flush
    assert topic.settings["replication.factor"] == replicas


@pytest.mark.parametrize("backend", ["process", "docker"])
def test_one_node_replicates_nothing(backend: str) -> None:
    with pytest.raises(Unsupported, match="cluster of 3"):
        create_adapter("kafka").plan(dataclasses.replace(BROKER, backend=backend), needs(), Tier.D3, "run")


def test_nothing_is_sent_twice_behind_our_back() -> None:
    confluent = settings.confluent_producer("x:1", "all", 1, 10)
    python = settings.python_producer("x:1", "all", 1)
    assert (confluent["retries"], confluent["enable.idempotence"]) == (0, False)
    assert (python["retries"], python["enable_idempotence"]) == (0, False)
    assert confluent["batch.size"] == python["batch_size"]
    assert confluent["linger.ms"] == python["linger_ms"]
    assert confluent["partitioner"] == "murmur2_random"  # what kafka-python and Java hash with


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (10, Outcome.FAIL),  # too large: refused
        (19, Outcome.FAIL),  # not enough replicas, before the append
        (20, Outcome.INFO),  # not enough replicas, after the append
        (7, Outcome.INFO),  # request timed out
        (56, Outcome.INFO),  # storage error
        (-195, Outcome.INFO),  # the connection broke
        (-192, Outcome.INFO),  # the message timed out
        (-188, Outcome.FAIL),  # never left the client
        (12345, Outcome.INFO),
    ],
)
def test_only_a_certain_failure_is_called_one(code: int, outcome: Outcome) -> None:
    assert outcome_of(code) is outcome


def test_transactions_are_kafkas_alone() -> None:
    adapter = create_adapter("kafka")
    pylog = BrokerInfo("pylog", "pylog", "0.1", "127.0.0.1", 9092, "process")
    assert adapter.capabilities(BROKER)[Feature.TRANSACTIONS].support is Support.NATIVE
    assert adapter.capabilities(pylog)[Feature.TRANSACTIONS].support is Support.IMPOSSIBLE
