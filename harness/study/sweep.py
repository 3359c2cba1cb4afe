"""From the result of a sweep's study to its document: figures at each value, and what each broker sustained. Pure but for ``write_sweep``.

A value is sustained when in every run of it nothing acknowledged was lost, every group caught up within the drain's deadline, at least
99 % of what was offered went out, was acknowledged and was delivered in time, and p99 lay within the limit where one is given. Where the
load generator itself was late, or a run is missing, nothing can be said: that is neither yes nor no. Nothing is ever interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.checkers.pacing import ACHIEVED_MIN, LAG_LIMIT_NS
from harness.model.result import BrokerColumn, Cell, Measure, Result, RunRecord, State
from harness.model.sweep import Held, Sweep, SweepAnswer, SweepFigure, SweepPoint, value_text
from harness.model.units import format_duration_s
from harness.model.verdict import Validity, Verdict
from harness.model.workload import Workload
from harness.reporting.sweep import write_sweep_html
from harness.study.folder import StudyFolder
from harness.study.variants import Variants

GOODPUT_MIN: Final = ACHIEVED_MIN
P99: Final = "end_to_end_latency_p99"
LATENCIES: Final = {"latency_p50": "end_to_end_latency_p50", "latency_p99": P99}
FLOODED: Final = {"throughput_in": "throughput_acknowledged", "throughput_out": "throughput_delivered"}
SERVED: Final = {"throughput_in": "acknowledged_in_time", "throughput_out": "delivered_in_time"}
CPU: Final = "broker_cpu_us_per_message"
SWEEP_FILE: Final = "sweep.json"
SWEEP_PAGE: Final = "sweep.html"
Told = tuple[Held, str]


def write_sweep(result: Result, folder: Path, of: Variants, limit_ms: float | None) -> tuple[Sweep, Path]:
    """``sweep.json`` and ``sweep.html`` in the study's folder. Raises DiskFull."""
    document = sweep_of(result, of, limit_ms)
    StudyFolder(folder).write(SWEEP_FILE, document.model_dump_json(indent=1))
    page = folder / SWEEP_PAGE
    write_sweep_html(document, page)
    return document, page


def sweep_of(result: Result, of: Variants, limit_ms: float | None = None) -> Sweep:
    """The document. Runs that did not take place leave points that say so."""
    workloads = [one.workload for one in of.workloads]
    record = result.workloads[0]
    points = [
        _point(result, of, column, value, workload, limit_ms)
        for column in result.brokers
        for value, workload in zip(of.swept.values, workloads, strict=True)
    ]
    timed = of.paced or of.flood
    return Sweep(
        harness_version=result.harness_version, run_id=result.run_id, title=result.title, created=result.created,
        command=result.command, seconds=result.seconds, state=result.state, seed=result.seed, repeats=result.repeats,
        workload=of.base.workload.name, question=of.base.workload.question,
        tier=record.tier, tier_sentence=record.tier_sentence,
        parameter=of.swept.parameter, unit=of.swept.unit, values=list(of.swept.values),
        rate_per_s=[_offered(workload, of.paced) for workload in workloads],
        phase_s=next((phase.for_ or 0.0 for phase in workloads[0].phases if phase.name == timed), 0.0),
        partitions=workloads[0].needs.partitions,
        limit_ms=limit_ms, brokers=result.brokers, points=points,
        answers=[_answer(column, [one for one in points if one.broker == column.name], of) for column in result.brokers],
        fingerprint=result.fingerprint,
    )  # fmt: skip


# -- points -------------------------------------------------------------------------------------------------------------


def _point(
    result: Result, of: Variants, column: BrokerColumn, value: float, workload: Workload, limit_ms: float | None
) -> SweepPoint:
    runs = [run for run in result.runs if (run.workload, run.broker) == (workload.name, column.name)]
    held, reason = _held(result, of, column, workload, runs, limit_ms)
    return SweepPoint(
        broker=column.name,
        value=value,
        workload=workload.name,
        runs=sum(run.state == "done" for run in runs),
        held=held,
        reason=reason,
        figures=_figures(result, of, column, workload, reason),
    )


def _held(
    result: Result,
    of: Variants,
    column: BrokerColumn,
    workload: Workload,
    runs: Sequence[RunRecord],
    limit_ms: float | None,
) -> Told:
    """The worst run decides: one that did not keep up over one of which nothing can be said."""
    if column.state == "not_run":
        return "unknown", f"not run: {column.reason}"
    if not runs:
        return "unknown", "not run: the study ended before its turn"
    told = [judge_run(result, of, workload, run, limit_ms) for run in runs]
    for kind in ("not_sustained", "unknown"):
        found = [reason for held, reason in told if held == kind]
        if found:
            some = "" if len(found) == len(runs) else f"in {len(found)} of {len(runs)} runs: "
            return kind, some + found[0]
    if len(runs) < result.repeats:
        return "unknown", f"only {len(runs)} of {result.repeats} runs took place"
    return "sustained", ""


def judge_run(result: Result, of: Variants, workload: Workload, run: RunRecord, limit_ms: float | None) -> Told:
    """Whether one run kept up, and if not why: the first that applies, what is worst before what is not the broker's doing."""
    if run.state != "done":
        return "unknown", f"the run is {run.state}" + (f": {run.error.splitlines()[0]}" if run.error else "")
    mine = [
        measure
        for measure in result.measures
        if (measure.workload, measure.broker, measure.repeat) == (run.workload, run.broker, run.repeat)
        and measure.phase == of.paced
    ]
    verdict = next(
        (
            one
            for one in result.verdicts
            if (one.checker, one.workload, one.broker, one.repeat)
            == ("durability", run.workload, run.broker, run.repeat)
        ),
        None,
    )
    late = _generator(mine)
    drained = [phase for phase in run.phases if phase.name in (of.paced, of.flood) and phase.drained is False]
    if verdict is not None and verdict.validity is Validity.INVALID:
        return "not_sustained", f"{_lost(verdict)} lost: {verdict.summary}"
    if drained:
        deadline = f"{workload.drain_deadline:g} s"
        return "not_sustained", f"the backlog of phase {drained[0].name} was not worked off within {deadline} after it"
    if late:
        return "unknown", late
    told = _served(mine) if of.paced else ("sustained", "")
    if told[0] == "sustained" and (verdict is None or verdict.validity is Validity.UNKNOWN):
        told = "unknown", f"whether anything was lost cannot be told: {verdict.summary if verdict else 'no verdict'}"
    if told[0] == "sustained" and limit_ms is not None and of.paced:
        told = _within(mine, limit_ms)
    return told


def _lost(verdict: Verdict) -> str:
    number = verdict.counts.get("lost", 0)
    return f"{number:,} acknowledged message{'' if number == 1 else 's'}"


def _figure(measures: Sequence[Measure], metric: str) -> Measure | None:
    return next((measure for measure in measures if measure.metric == metric), None)


def _generator(measures: Sequence[Measure]) -> str:
    """Why the load generator, and not the broker, was the limit; empty when it kept its times."""
    lag = _figure(measures, "generator_lag_p99")
    if lag is not None and lag.value > LAG_LIMIT_NS / 1e6:
        late = f"{_time(lag.value)} late (limit {_time(LAG_LIMIT_NS / 1e6)})"
        return f"the load generator itself was {late}, so this says nothing about the broker"
    return ""


def _served(measures: Sequence[Measure]) -> Told:
    words = {
        "offered_in_time": "went out in time, the generator waiting for the broker with a full window",
        "acknowledged_in_time": "was acknowledged by 500 ms after the phase",
        "delivered_in_time": "had come to every group by 500 ms after the phase",
    }
    for metric, text in words.items():
        share = _figure(measures, metric)
        if share is None:
            return "unknown", f"there is no figure of {metric.replace('_', ' ')}"
        if share.value < GOODPUT_MIN and share.state == "lower_bound":
            return "unknown", f"{_percent(share.value)} of what was offered {text}, but {share.reason}"
        if share.value < GOODPUT_MIN:
            return "not_sustained", f"only {_percent(share.value)} of what was offered {text}"
    return "sustained", ""


def _time(milliseconds: float) -> str:
    return format_duration_s(milliseconds / 1000)


def _percent(share: float) -> str:
    """Never rounded up to the limit that it misses."""
    return f"{int(share * 1000) / 10:g} %"


def _within(measures: Sequence[Measure], limit_ms: float) -> Told:
    p99 = _figure(measures, P99)
    if p99 is None:
        return "unknown", "there are too few messages for a p99 (1,000 are needed): a longer --duration gives it"
    if p99.value > limit_ms:
        return "not_sustained", f"p99 was {_time(p99.value)}, above the limit of {_time(limit_ms)}"
    return "sustained", ""


def _figures(
    result: Result, of: Variants, column: BrokerColumn, workload: Workload, why: str
) -> dict[str, SweepFigure]:
    """Those that some value of this sweep could have; one without a cell says why."""
    wanted: dict[str, tuple[str, str]] = {}
    if of.paced:
        wanted |= {name: (metric, of.paced) for name, metric in LATENCIES.items()}
    through, phase = (FLOODED, of.flood) if of.flood else (SERVED, of.paced)
    wanted |= {name: (metric, phase) for name, metric in through.items()}
    wanted["broker_cpu"] = (CPU, of.paced or of.flood)
    found = {}
    for name, (metric, phase) in wanted.items():
        cell = next(
            (
                one
                for one in result.cells
                if (one.workload, one.broker, one.metric, one.phase) == (workload.name, column.name, metric, phase)
            ),
            None,
        )
        if cell is None:
            found[name] = SweepFigure(metric=metric, phase=phase, reason=why or _absent(metric))
        else:
            found[name] = _as_figure(cell, _offered(workload, phase) if metric in SERVED.values() else None)
    return found


def _absent(metric: str) -> str:
    return "too few messages for this quantile" if "latency" in metric else "no figure"


def _offered(workload: Workload, phase: str) -> float | None:
    return next((one.paced for one in workload.phases if one.name == phase), None)


def _as_figure(cell: Cell, rate_per_s: float | None) -> SweepFigure:
    """The cell without its ratio to a baseline; a share of what was offered becomes the rate that was served."""
    factor = 1.0 if rate_per_s is None else rate_per_s
    compared = cell.state in (State.BETTER, State.WORSE, State.WITHIN_NOISE, State.NOT_COMPARABLE)

    def scaled(number: float | None) -> float | None:
        return None if number is None else number * factor

    return SweepFigure(
        metric=cell.metric, phase=cell.phase, unit=cell.unit if rate_per_s is None else "msg/s",
        value=scaled(cell.value), low=scaled(cell.low), high=scaled(cell.high), interval=cell.interval, n=cell.n,
        state=State.MEASURED if compared else cell.state, reason="" if compared else cell.reason, caveat=cell.caveat,
    )  # fmt: skip


# -- answers ------------------------------------------------------------------------------------------------------------


def _answer(column: BrokerColumn, points: Sequence[SweepPoint], of: Variants) -> SweepAnswer:
    """``points`` ascend. The first that was not sustained is the end; what lies above it can only be remarked on."""
    first = next((one for one in points if one.held == "not_sustained"), None)
    below = [one for one in points if first is None or one.value < first.value]
    highest = next((one for one in reversed(below) if one.held == "sustained"), None)
    remark = _remark(points, highest, first, of.swept.parameter)
    value = highest.value if highest is not None else None
    if first is not None:
        return SweepAnswer(
            broker=column.name,
            kind="interval" if highest is not None else "none",
            highest=value,
            first=first.value,
            reason=first.reason,
            remark=remark,
        )
    if highest is None:
        return SweepAnswer(broker=column.name, kind="unknown", reason=points[0].reason if points else "", remark="")
    if highest is points[-1]:
        return SweepAnswer(broker=column.name, kind="all", highest=value, remark=remark)
    above = next(one for one in points if one.value > highest.value)
    return SweepAnswer(broker=column.name, kind="bound", highest=value, reason=above.reason, remark=remark)


def _remark(points: Sequence[SweepPoint], highest: SweepPoint | None, first: SweepPoint | None, parameter: str) -> str:
    """What an interval leaves out: values that cannot be told, and ones sustained above one that was not."""
    parts = []
    end = first.value if first is not None else highest.value if highest is not None else 0.0
    untold = [one for one in points if one.held == "unknown" and one.value < end]
    again = [one for one in points if first is not None and one.value > first.value and one.held == "sustained"]
    if untold:
        texts = ", ".join(value_text(parameter, one.value) for one in untold)
        parts.append(f"of {texts} nothing can be said: {untold[0].reason}")
    if again:
        texts = ", ".join(value_text(parameter, one.value) for one in again)
        parts.append(f"{texts} was sustained all the same: too few or too short runs to tell")
    return "; ".join(parts)
