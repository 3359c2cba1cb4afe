"""The fsync ledger as a table: what a tier makes a broker do before it acknowledges. Pure."""

from __future__ import annotations

from harness.model.result import Result, SyncRow
from harness.reporting import notation
from harness.reporting.figures.base import Table

COLUMNS = ("broker", "tier", "in flight", "syncs a message", "synced before its ack", "written a byte", "claim")
WORDS = {
    "proven": "✓ proven",
    "contradicted": "✗ contradicted",
    "no_claim": "· claims no sync",
    "unsupported": "○ unsupported",
    "not_run": "○ not run",
}


def cells_of(row: SyncRow, *, reasons: bool = True) -> tuple[str, ...]:
    """One row; never blank, never zero for what was not counted. ``reasons`` adds why to the claim."""
    name = " ".join(part for part in (row.label, row.version) if part) + (f" ({row.mode})" if row.mode else "")
    claim = WORDS[row.state] + (f": {row.reason}" if row.reason and row.state != "proven" else "")
    if row.state in ("unsupported", "not_run") and not row.acknowledged:
        return (
            name,
            row.tier,
            "any",
            *["not counted"] * 3,
            claim + (f" ({row.next_command})" if row.next_command else ""),
        )
    return (
        name,
        row.tier,
        str(row.window),
        notation.significant(row.syncs_per_message or 0.0),
        f"{row.covered or 0:,} of {row.acknowledged:,}",
        f"{notation.significant(row.written_per_byte)}×" if row.written_per_byte is not None else "not counted",
        claim,
    )


def sync_table(result: Result) -> Table:
    """Of a run: the rows of its brokers and tiers."""
    return Table(COLUMNS, tuple(cells_of(row) for row in result.syncs))


def sync_sources(result: Result) -> tuple[str, ...]:
    """Where the rows come from, once each."""
    return tuple(
        dict.fromkeys(row.source or "measured along with this run" for row in result.syncs if row.acknowledged)
    )
