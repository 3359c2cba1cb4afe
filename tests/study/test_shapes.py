"""Which shape of a broker a column is: typed, named by the workload, or chosen by the adapter; and that it always shows."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.model.broker import Tier
from harness.plan.loader import LoadedWorkload, parse_workload
from harness.study.options import parse_broker
from harness.study.shapes import mode_of, named, settings_for

TEXT = """
question: Does the shape of a broker show wherever the broker is named?
messages: {size: 100B}
needs: {groups: {workers: 1}}
phases: [{name: one, burst: 1}]
"""


def _workload(name: str = "one", shapes: str = "") -> LoadedWorkload:
    return parse_workload(f"{TEXT}shapes: {{{shapes}}}\n", name=name, path=f"{name}.yaml")


@pytest.mark.parametrize(
    ("typed", "shapes", "tier", "label"),
    [
        ("rabbitmq", "", None, "rabbitmq:classic"),
        ("rabbitmq", "", Tier.D2, "rabbitmq:quorum"),
        ("rabbitmq", "rabbitmq: stream", None, "rabbitmq:stream"),
        ("rabbitmq:quorum", "rabbitmq: stream", None, "rabbitmq:quorum"),
        ("activemq", "", None, "activemq:queues"),
        ("activemq", "activemq: virtual-topics", None, "activemq:virtual-topics"),
        ("pylog", "rabbitmq: stream", None, "pylog"),
    ],
)
def test_the_label_says_which_shape(typed: str, shapes: str, tier: Tier | None, label: str) -> None:
    loaded = _workload(shapes=shapes)
    (choice,) = named([parse_broker(typed, {})], [loaded], tier)
    assert choice.label == label
    assert choice.settings == parse_broker(typed, {}).settings, "the label says it, the workload still decides"


def test_where_workloads_differ_the_mode_says_it() -> None:
    from harness.adapters.registry import create_adapter
    from harness.model.broker import BrokerInfo

    workloads = [_workload("first", "rabbitmq: stream"), _workload("second")]
    (choice,) = named([parse_broker("rabbitmq", {})], workloads, None)
    assert choice.label == "rabbitmq"
    nowhere = BrokerInfo("rabbitmq", "RabbitMQ", "4.0.5", "127.0.0.1", 1, "none")
    plans = {
        one.workload.name: create_adapter("rabbitmq", settings_for(choice, one.workload)).plan(
            nowhere, one.workload.needs, Tier.D1, "x"
        )
        for one in workloads
    }
    assert mode_of(plans) == "streams (first); classic queues (second)"


@pytest.mark.parametrize(
    ("shapes", "text"),
    [("rabitmq: stream", "did you mean rabbitmq"), ("rabbitmq: steam", "did you mean stream")],
)
def test_a_misspelt_shape_is_told_before_anything_starts(shapes: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        named([parse_broker("pylog", {})], [_workload(shapes=shapes)], None)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("rabbitmq:quorrum", "did you mean quorum"),
        ("rabbitmq:qeue_type=quorum", "did you mean queue_type"),
        ("pylog:client=foo", "client must be one of"),
        ("memory:lose", "no such bug"),
    ],
)
def test_a_misspelt_setting_is_told_before_anything_starts(typed: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        named([parse_broker(typed, {})], [_workload()], None)


def test_two_names_for_one_column_are_refused() -> None:
    with pytest.raises(UsageError, match="rabbitmq:classic twice"):
        named([parse_broker("rabbitmq", {}), parse_broker("rabbitmq:classic", {})], [_workload()], None)
