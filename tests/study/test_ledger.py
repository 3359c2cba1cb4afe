"""The fsync ledger that comes with the harness, and which of its rows belong to a run."""

from __future__ import annotations

import pytest

from harness.model.broker import Tier
from harness.model.provisioning import Provisioning
from harness.model.result import BrokerColumn, SyncRow
from harness.model.workload import Needs
from harness.reporting.html import render_html
from harness.study.assemble import note_syncs
from harness.study.ledger import bundled_rows, contradictions, rows_for
from tests.reporting.factory import make_result


def _plan(tier: Tier, mode: str) -> Provisioning:
    return Provisioning("a", "h", Needs(groups={"one": 1}), tier, mode, (), {}, {})


def _row(**parts: object) -> SyncRow:
    row = {"broker": "rabbitmq", "label": "rabbitmq:quorum", "version": "9.9", "mode": "quorum queues", "tier": "D2"}
    counted = {"window": 1, "payload_bytes": 1024, "acknowledged": 10, "covered": 10, "state": "proven"}
    return SyncRow.model_validate(row | counted | parts)


COLUMN = BrokerColumn(name="rabbitmq", label="rabbitmq", version="9.9", mode="quorum queues")


def test_the_bundled_ledger_proves_d2_of_every_broker() -> None:
    rows = bundled_rows()
    assert {row.broker for row in rows} == {"pylog", "kafka", "rabbitmq", "activemq"}
    claimed = [row for row in rows if row.tier == "D2" and row.state != "unsupported"]
    assert {row.broker for row in claimed} == {"pylog", "kafka", "rabbitmq", "activemq"}
    assert {row.state for row in claimed} == {"proven"}
    assert all(row.source.startswith("ledger of the harness") for row in rows)
    assert {row.mode for row in claimed if row.broker == "rabbitmq"} == {"quorum queues"}


@pytest.mark.parametrize(
    ("broker", "version", "modes"),
    [
        ("pylog", "0.1.0", {"topic"}),
        ("kafka", "4.3.1", {"topic"}),
        ("rabbitmq", "3.10.8", {"classic queues", "quorum queues", "streams", ""}),
        ("rabbitmq", "4.0.5", {"classic queues", "quorum queues", "streams", ""}),
        ("activemq", "5.17.2", {"queues"}),
        ("activemq", "6.3.1", {"queue", "queues"}),
    ],
)
def test_the_bundled_ledger_has_every_tier_of_every_version_and_shape(
    broker: str, version: str, modes: set[str]
) -> None:
    rows = [row for row in bundled_rows() if (row.broker, row.version) == (broker, version)]
    assert {row.mode for row in rows} == modes
    shapes = {row.label for row in rows}
    assert {(row.label, row.tier) for row in rows} == {(shape, tier) for shape in shapes for tier in ("D0", "D1", "D2")}
    counted = {(row.label, row.tier, row.window) for row in rows if row.acknowledged}
    assert {window for _, _, window in counted} == {1, 100}
    assert len(counted) == len([row for row in rows if row.state != "unsupported"])


def test_rows_measured_with_the_run_go_first_and_take_its_label() -> None:
    mine = [_row(), _row(window=100), _row(mode="classic queues"), _row(tier="D1", state="no_claim")]
    found = rows_for([COLUMN], {("w", "rabbitmq"): _plan(Tier.D2, "quorum queues")}, mine)
    assert [(row.label, row.window, row.source) for row in found] == [("rabbitmq", 1, ""), ("rabbitmq", 100, "")]


@pytest.mark.parametrize("other", [{"version": "1.0"}, {"mode": "classic queues"}, {"tier": "D1"}])
def test_a_row_of_another_version_shape_or_tier_is_not_taken(other: dict[str, str]) -> None:
    (row,) = rows_for([COLUMN], {("w", "rabbitmq"): _plan(Tier.D2, "quorum queues")}, [_row(**other)])
    assert row.state == "not_run"
    assert row.next_command == "harness bench fsync -b rabbitmq --tiers D2"


def test_a_contradicted_claim_becomes_words() -> None:
    broken = _row(state="contradicted", covered=3, reason="7 of 10 were acknowledged without a sync")
    (row,) = rows_for([COLUMN], {("w", "rabbitmq"): _plan(Tier.D2, "quorum queues")}, [broken])
    assert contradictions([row, _row()]) == [
        "the fsync ledger contradicts tier D2 of rabbitmq with 1 in flight: 7 of 10 were acknowledged without a sync"
    ]


def test_a_contradicted_claim_stands_at_the_head_of_the_report_and_in_its_row() -> None:
    result = make_result()
    result.brokers.append(COLUMN)
    broken = _row(state="contradicted", covered=3, reason="7 of 10 were acknowledged without a sync")
    note_syncs(result, {("w", "rabbitmq"): _plan(Tier.D2, "quorum queues")}, [broken])
    page = render_html(result)
    head, _, rows = page.partition("Synced before its ack")
    assert "the fsync ledger contradicts tier D2 of rabbitmq with 1 in flight" in head
    assert "✗ contradicted: 7 of 10 were acknowledged without a sync" in rows


def test_workloads_of_two_modes_do_not_double_the_rows_of_a_broker_whose_shapes_sync_alike() -> None:
    column = BrokerColumn(name="kafka", label="kafka", version="9.9", mode="topic (one); topics (two)")
    plans = {("one", "kafka"): _plan(Tier.D1, "topic"), ("two", "kafka"): _plan(Tier.D1, "topics")}
    found = rows_for([column], plans, [_row(broker="kafka", tier="D1", mode="topic")])
    assert len(found) == 1
