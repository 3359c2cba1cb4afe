"""The fsync ledger that comes with the harness, and which of its rows belong to a run."""

from __future__ import annotations

import pytest

from harness.model.broker import Tier
from harness.model.provisioning import Provisioning
from harness.model.result import BrokerColumn, SyncRow
from harness.model.workload import Needs
from harness.study.ledger import bundled_rows, contradictions, rows_for


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
