"""The fsync ledger beside a run: rows measured with it, or those that come with the harness, for its brokers, shapes and tiers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from harness.errors import WorkloadError
from harness.model.provisioning import Provisioning
from harness.model.result import BrokerColumn, SyncRow
from harness.plan.bundled import bundled_folder

SHAPED = ("rabbitmq",)  # brokers whose kinds of queues differ in what they sync


def bundled_rows() -> list[SyncRow]:
    """The ledger that comes with the harness; each row says on which machine it was taken. Empty where there is none."""
    try:
        text = (bundled_folder("ledgers") / "fsync.json").read_text(encoding="utf-8")
    except (OSError, WorkloadError):
        return []
    document = json.loads(text)
    where = document["fingerprint"]
    source = f"ledger of the harness: {where['cpu_model']}, {where['kernel']}, {where['disk'].split(',')[0]}"
    return [SyncRow.model_validate(row | {"source": source}) for row in document["rows"]]


def rows_for(
    columns: Sequence[BrokerColumn], plans: Mapping[tuple[str, str], Provisioning], measured: Sequence[SyncRow]
) -> list[SyncRow]:
    """What is known of each broker at each tier it was run at; a row ``not_run`` with the command where nothing is."""
    known = [*measured, *bundled_rows()]
    found: list[SyncRow] = []
    for column in columns:
        broker = column.name.partition(":")[0]
        mine = [plan for (_, label), plan in plans.items() if label == column.name]
        tiers: dict[tuple[str, str], str] = {}  # what is told apart, and the mode by which a missing row is named
        for plan in mine:
            tiers.setdefault((str(plan.tier), plan.mode if broker in SHAPED else ""), plan.mode)
        for (tier, _), mode in tiers.items():
            rows = [
                row
                for row in known
                if (row.broker, row.tier, row.version) == (broker, tier, column.version)
                and (broker not in SHAPED or row.mode == mode)
                and row.acknowledged
            ]
            best = (
                [row for row in rows if row.source == rows[0].source]
                if rows
                else [_unknown(column, broker, tier, mode)]
            )
            found += [row.model_copy(update={"label": column.label}) for row in best]
    return found


def _unknown(column: BrokerColumn, broker: str, tier: str, mode: str) -> SyncRow:
    return SyncRow(
        broker=broker, label=column.label, version=column.version, backend=column.backend, mode=mode, tier=tier, window=0,
        payload_bytes=0, reason="the ledger has no row of this version and shape",
        next_command=f"harness bench fsync -b {broker} --tiers {tier}",
    )  # fmt: skip


def contradictions(rows: Sequence[SyncRow]) -> list[str]:
    """Claims that a row contradicts, in words."""
    return [
        f"the fsync ledger contradicts tier {row.tier} of {row.label} with {row.window} in flight: {row.reason}"
        for row in rows
        if row.state == "contradicted"
    ]
