"""From runs with faults to one row a fault and broker: how often it bit, what was lost, how long nothing went. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.result import BrokerColumn, FaultRecord, FaultTrials, Result, RunRecord
from harness.model.verdict import Validity, Verdict
from harness.model.workload import Phase, Workload
from harness.statistics.proportion import upper_bound

UNAVAILABLE = (
    "unavailable",
    "longest_gap_delivered",
)  # the second where no acknowledgement is expected to stop: a crashed consumer


def fault_trials(result: Result, workloads: Iterable[Workload]) -> list[FaultTrials]:
    """A row for each phase with a fault and each broker, brokers that were not run included."""
    return [
        _row(result, workload, phase, column)
        for workload in workloads
        for phase in workload.phases
        if phase.fault is not None
        for column in result.brokers
    ]


def _row(result: Result, workload: Workload, phase: Phase, column: BrokerColumn) -> FaultTrials:
    assert phase.fault is not None
    runs = [run for run in result.runs if (run.workload, run.broker) == (workload.name, column.name)]
    row = FaultTrials(
        workload=workload.name, broker=column.name, phase=phase.name, fault=phase.fault.kind, trials=len(runs)
    )
    if column.state == "not_run":
        row.reason, row.next_command = column.reason, column.next_command
        return row
    for run in runs:
        _count(row, result, run, phase)
    failed = next((run for run in runs if run.state == "failed"), None)
    if failed is not None:
        row.reason, row.next_command = failed.error, failed.next_command
    _note_unavailable(row, result)
    if row.judged:
        row.loss_bound = upper_bound(row.lost_in, row.judged)
    return row


def _count(row: FaultTrials, result: Result, run: RunRecord, phase: Phase) -> None:
    fault: FaultRecord | None = next((fault for fault in run.faults if fault.phase == phase.name), None)
    if fault is None or not fault.bit:
        return
    row.bit += 1
    verdicts = {
        verdict.checker: verdict
        for verdict in result.verdicts
        if (verdict.workload, verdict.broker, verdict.repeat) == (run.workload, run.broker, run.repeat)
    }
    durability = verdicts.get("durability")
    row.acknowledged += _of(durability, "acknowledged")
    row.lost += _of(durability, "lost")
    row.duplicated += _of(verdicts.get("duplicates"), "duplicated")
    if durability is not None and durability.validity is not Validity.UNKNOWN:
        row.judged += 1
        row.lost_in += durability.validity is Validity.INVALID
    again = fault.recovered_s is not None or fault.kind == "crash"
    row.recovered += again and run.state == "done"


def _of(verdict: Verdict | None, count: str) -> int:
    return 0 if verdict is None else verdict.counts.get(count, 0)


def _note_unavailable(row: FaultTrials, result: Result) -> None:
    for metric in UNAVAILABLE:
        for cell in result.cells:
            if (cell.workload, cell.broker, cell.metric, cell.phase) == (row.workload, row.broker, metric, row.phase):
                row.unavailable_s, row.unavailable_low_s, row.unavailable_high_s = cell.value, cell.low, cell.high
                row.unavailable_interval = cell.interval
                return
