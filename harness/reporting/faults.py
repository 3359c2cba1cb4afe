"""Faults as tables: what each did to each broker over all trials, and the evidence that it bit. Pure."""

from __future__ import annotations

from harness.model.result import FaultRecord, FaultTrials, Result
from harness.reporting import notation
from harness.reporting.figures.base import Table

COLUMNS = ("broker", "bit", "acknowledged", "lost", "duplicated", "unavailable", "recovered", "chance of loss at most")
EVIDENCE_COLUMNS = ("broker", "repeat", "fault", "bit", "ready again after", "what was seen of it")
EVIDENCE_ROWS_MAX = 40
_HIDDEN = ("seen_ns", "at_ns", "operation")  # clock readings that mean nothing to a reader


def cells_of(row: FaultTrials, label: str) -> tuple[str, ...]:
    """One row of the table of trials; never blank, never zero for what was not measured."""
    if not row.trials:
        return (label, "not run", *["not run"] * (len(COLUMNS) - 2))
    if not row.bit:
        return (label, f"0 of {row.trials}", *["not tested"] * (len(COLUMNS) - 2))
    return (
        label,
        f"{row.bit} of {row.trials}",
        f"{row.acknowledged:,}",
        f"{row.lost:,}" if row.judged else "cannot be told",
        f"{row.duplicated:,}",
        _unavailable(row),
        f"{row.recovered} of {row.bit}",
        _bound(row),
    )


def _unavailable(row: FaultTrials) -> str:
    if row.unavailable_s is None:
        return "not measured"
    text = notation.quantity(row.unavailable_s, "s")
    if (
        row.unavailable_low_s is None
        or row.unavailable_high_s is None
        or row.unavailable_low_s == row.unavailable_high_s
    ):
        return text
    low, high = notation.quantity(row.unavailable_low_s, "s"), notation.quantity(row.unavailable_high_s, "s")
    return f"{text} ({low} to {high}, {row.unavailable_interval})"


def _bound(row: FaultTrials) -> str:
    """With 95 % confidence, from so many trials."""
    if row.loss_bound is None:
        return "cannot be told"
    return f"{notation.percent(row.loss_bound)} ({notation.count(row.judged, 'trial')})"


def trials_tables(result: Result, labels: dict[str, str]) -> list[tuple[str, Table]]:
    """A table for each phase with a fault, with its title."""
    keys = dict.fromkeys((row.workload, row.phase, row.fault) for row in result.trials)
    tables = []
    for workload, phase, fault in keys:
        rows = tuple(
            cells_of(row, labels.get(row.broker, row.broker))
            for row in result.trials
            if (row.workload, row.phase, row.fault) == (workload, phase, fault)
        )
        tables.append((f"{workload.replace('_', ' ')}, phase {phase}: {fault}", Table(COLUMNS, rows)))
    return tables


def evidence_table(result: Result, labels: dict[str, str]) -> Table:
    """Every fault with what was seen of it; the first ``EVIDENCE_ROWS_MAX`` of them."""
    rows = [
        (
            labels.get(run.broker, run.broker),
            f"{run.workload.replace('_', ' ')}, {run.repeat + 1}",
            f"{fault.kind} in {fault.phase}",
            "yes" if fault.bit else "no",
            notation.quantity(fault.recovered_s, "s") if fault.recovered_s is not None else "not seen",
            _seen(fault),
        )
        for run in sorted(result.runs, key=lambda run: (run.broker, run.repeat))
        for fault in run.faults
    ]
    return Table(EVIDENCE_COLUMNS, tuple(rows[:EVIDENCE_ROWS_MAX]))


def _seen(fault: FaultRecord) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')}: {text}" for name, text in fault.evidence.items() if text and name not in _HIDDEN
    )
