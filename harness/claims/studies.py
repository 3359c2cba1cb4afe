"""A study as a claim's experiment, and its result document as figures by metric name."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.claims.loader import LoadedClaim
from harness.model.claim import ClaimBroker, Figure, Measured, Overrides, StudyExperiment
from harness.model.result import Cell, Result, State
from harness.model.verdict import Validity, Verdict
from harness.plan.loader import LoadedWorkload
from harness.study.options import StudyOptions, override, parse_broker
from harness.study.shapes import named

SUPPORT = {"native": 1.0, "emulated": 0.5, "impossible": 0.0}
NO_FIGURE = frozenset({State.INVALID, State.UNSUPPORTED, State.NOT_RUN})
# share -> (checker, the count that is good, the others it is a share of)
SHARES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "fan_out": ("complete", ("group_incomplete", "undelivered")),
    "replay": ("second_reading", ("missing",)),
}


def options_of(loaded: LoadedClaim, brokers: Sequence[str], folder: Path, command: str) -> StudyOptions:
    """The study that the experiment is. Raises UsageError for a broker or a setting that does not exist."""
    experiment = loaded.claim.experiment
    assert isinstance(experiment, StudyExperiment)
    workloads = tuple(_overridden(one, experiment.overrides) for one in loaded.workloads.values())
    choices = tuple(parse_broker(label.replace("+", ","), {}) for label in brokers)
    return StudyOptions(
        workloads=workloads,
        brokers=named(choices, workloads, experiment.overrides.durability),
        folder=folder,
        repeats=experiment.repeats,
        tier=experiment.overrides.durability,
        title=f"{loaded.claim.id}: {loaded.claim.statement}",
        command=command,
        replace=True,
    )


def _overridden(loaded: LoadedWorkload, flags: Overrides) -> LoadedWorkload:
    return override(
        loaded,
        duration_s=flags.duration,
        rate_per_s=flags.rate,
        size_bytes=flags.size,
        in_flight=flags.in_flight,
        warm_up_s=flags.warm_up,
    )


def folder_for(claim_id: str, findings: Path) -> Path:
    """Where a claim's study goes: the one before it is kept beside it, older ones are not."""
    return findings / claim_id / "study"


def brokers_of(result: Result) -> list[ClaimBroker]:
    """Columns of the study; one none of whose runs was finished counts as not run."""
    found = []
    for column in result.brokers:
        mine = [run for run in result.runs if run.broker == column.name]
        failed = next((run for run in mine if run.state != "done"), None)
        ran = column.state == "run" and any(run.state == "done" for run in mine)
        found.append(
            ClaimBroker(
                label=column.name,
                product=column.product,
                version=column.version,
                state="run" if ran else "not_run",
                reason="" if ran else column.reason or (failed.error if failed else "it was not reached"),
                next_command="" if ran else column.next_command or (failed.next_command if failed else ""),
            )
        )
    return found


def figures_of(result: Result, arms: Mapping[str, str]) -> Measured:
    """All of a result's cells, verdict counts and declared features. ``arms`` maps a workload's name to its arm ("" without arms)."""
    measured: Measured = {}
    for cell in result.cells:
        if cell.value is not None:
            phase = f".{cell.phase}" if cell.phase else ""
            measured[f"{_arm(arms, cell.workload)}{cell.broker}.{cell.metric}{phase}"] = _figure(cell)
    verdicts: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for verdict in result.verdicts:
        verdicts[verdict.workload, verdict.broker, verdict.checker].append(verdict)
    for (workload, broker, checker), mine in verdicts.items():
        measured |= _counts(f"{_arm(arms, workload)}{broker}.{checker}", broker, mine)
    for row in result.capabilities:
        name = f"{_arm(arms, row.workload)}{row.broker}.feature.{row.feature}"
        declared = "declared by the adapter, and shown by its probes"
        measured[name] = Figure.exact(SUPPORT[row.support], broker=row.broker).model_copy(update={"reason": declared})
    for run in result.runs:
        name = f"{_arm(arms, run.workload)}{run.broker}.faults.bit"
        if run.faults and run.state == "done":
            before = measured.get(name, Figure.exact(0, broker=run.broker, n=0))
            bit = sum(fault.bit for fault in run.faults)
            measured[name] = Figure.exact(before.value + bit, broker=run.broker, n=before.n + 1)
    return measured


def _arm(arms: Mapping[str, str], workload: str) -> str:
    return f"{arms[workload]}/" if arms[workload] else ""


def _figure(cell: Cell) -> Figure:
    """A figure whose runs broke a promise, or that was measured badly, is shown and decides nothing; a lower bound has no upper end."""
    assert cell.value is not None
    low, high = cell.low, cell.high
    if cell.state is State.LOWER_BOUND:
        low, high = (cell.value if low is None and cell.n == 1 else low), math.inf
    remark = cell.reason if cell.state in (*NO_FIGURE, State.LOWER_BOUND) else cell.caveat
    return Figure(
        value=cell.value,
        low=low,
        high=high,
        unit=cell.unit,
        n=cell.n,
        broker=cell.broker,
        per_run=cell.per_run if cell.state is not State.LOWER_BOUND else [],
        usable=cell.state not in NO_FIGURE,
        reason=remark,
    )


def _counts(name: str, broker: str, verdicts: Sequence[Verdict]) -> Measured:
    """Sums over the repeats; of no use where one of them could not tell (not drained, a checker that crashed)."""
    unknown = next((one.summary for one in verdicts if one.validity is Validity.UNKNOWN), "")
    totals: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        for count, value in verdict.counts.items():
            totals[count] += value
    shared = SHARES.get(verdicts[0].checker)
    figures = {count: Figure.exact(value, broker=broker, n=len(verdicts)) for count, value in totals.items()}
    if shared is not None and shared[0] in totals:
        good, rest = totals[shared[0]], sum(totals[other] for other in shared[1])
        if good + rest:
            figures["share"] = Figure.exact(good / (good + rest), broker=broker, n=len(verdicts))
    return {
        f"{name}.{count}": figure.model_copy(update={"usable": not unknown, "reason": unknown})
        for count, figure in figures.items()
    }
