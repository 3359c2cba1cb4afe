"""What the page shows, put together before any markup: sections, tables, figures. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.model.result import BrokerColumn, CapabilityCell, ParityRow, ProvenProbe, Result, WorkloadRecord
from harness.model.sweep import Sweep
from harness.model.verdict import Validity, Verdict
from harness.reporting import notation
from harness.reporting.answers import Answer, answer
from harness.reporting.faults import evidence_table, trials_tables
from harness.reporting.figures.base import Drawing, Figure, Table, slug
from harness.reporting.figures.collect import FigureSection, figure_sections
from harness.reporting.palette import MARKS, marks
from harness.reporting.scorecard import ScoreRow, figure_row, rows_of, rule_row
from harness.reporting.strip import Axis, Strip, axis_of, strip_of
from harness.reporting.syncs import sync_sources, sync_table
from harness.reporting.text import feature_words

OFFENDERS_SHOWN = 10  # runs a rule
EVIDENCE_SHOWN = 5  # rows a verdict; all of them are in the embedded result


@dataclass(frozen=True, slots=True)
class BrokerHead:
    """A broker as the page names it: ``number`` is the CSS class of its colour, ``symbol`` its shape."""

    column: BrokerColumn
    number: int
    symbol: str

    @property
    def about(self) -> str:
        parts = [self.column.product, self.column.version, self.column.mode, self.column.client]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ScoredRow:
    row: ScoreRow
    strip: Strip
    anchor: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with the offending rows of each broker that broke it."""

    row: ScoreRow
    source: str
    rule: str
    offenders: tuple[tuple[str, str, Table], ...]  # broker label, summary, evidence
    anchor: str


@dataclass(frozen=True, slots=True)
class WorkloadPage:
    record: WorkloadRecord
    answer: Answer
    score: tuple[ScoredRow, ...]
    figures: tuple[ScoredRow, ...]  # every metric and phase
    rules: tuple[Rule, ...]
    phases: Table


@dataclass(frozen=True, slots=True)
class MatrixCell:
    support: str
    how: str
    why: str
    probe: str
    probe_anchor: str
    workloads: str  # empty when it is the same everywhere
    proof: tuple[tuple[str, str], ...]  # (anchor, probe) of the committed answers it rests on
    proven_on: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template needs."""

    result: Result
    brokers: tuple[BrokerHead, ...]
    workloads: tuple[WorkloadPage, ...]
    axis: Axis
    sections: tuple[FigureSection, ...]
    matrix: tuple[tuple[str, tuple[tuple[MatrixCell, ...], ...]], ...]
    probes: tuple[tuple[str, str], ...]  # anchor, probe
    proven: tuple[tuple[str, tuple[tuple[str, ProvenProbe], ...]], ...]
    parity: tuple[tuple[str, tuple[ParityRow, ...]], ...]
    runs: Table
    noise: Table
    ceilings: Table
    machine: tuple[tuple[str, str], ...]
    baseline: str
    facts: tuple[str, ...] = field(default=())
    trials: tuple[tuple[str, Table], ...] = ()
    syncs: Table = field(default=Table((), ()))
    sync_sources: tuple[str, ...] = ()
    fault_evidence: Table = field(default=Table((), ()))
    caveats: tuple[str, ...] = ()  # marks of caveats that stand in cells
    compared: bool = True  # whether any ratio stands in the scorecard


def heads_of(brokers: Sequence[BrokerColumn]) -> tuple[BrokerHead, ...]:
    """The columns with their marks, the same on every page."""
    look = marks([column.name for column in brokers])
    return tuple(BrokerHead(one, MARKS.index(look[one.name]), look[one.name].symbol) for one in brokers)


def page_of(result: Result) -> Page:
    names = [column.name for column in result.brokers]
    look = marks(names)
    drawing = Drawing(result, look)
    heads = heads_of(result.brokers)
    labels = {column.name: column.label for column in result.brokers}
    rows = {record.name: rows_of(result, record.name) for record in result.workloads}
    axis = axis_of(row for found in rows.values() for row in found)
    probes = list(dict.fromkeys(row.probe for row in result.capabilities if row.probe))
    baseline = next((cell.baseline for cell in result.cells if cell.baseline), "")
    return Page(
        result=result,
        brokers=heads,
        workloads=tuple(_workload(result, record, rows[record.name], axis, labels) for record in result.workloads),
        axis=axis,
        sections=tuple(figure_sections(drawing)),
        matrix=_matrix(result, probes),
        probes=tuple((f"probe-{number}", probe) for number, probe in enumerate(probes)),
        proven=_proven(result),
        parity=_parity(result),
        runs=_runs(result, labels),
        noise=_noise(result),
        ceilings=Table(
            ("client", "against a broker that does nothing"),
            tuple((name, notation.quantity(rate, "msg/s")) for name, rate in sorted(result.ceilings.items())),
        ),
        machine=machine_of(result),
        caveats=tuple(dict.fromkeys(cell.caveat.partition(":")[0] for cell in result.cells if cell.caveat)),
        baseline=labels.get(baseline, baseline),
        facts=facts_of(result),
        trials=tuple(trials_tables(result, labels)),
        syncs=sync_table(result),
        sync_sources=sync_sources(result),
        fault_evidence=evidence_table(result, labels),
        compared=any(cell.ratio is not None for found in rows.values() for row in found for cell in row.cells.values()),
    )


def _workload(
    result: Result, record: WorkloadRecord, rows: Sequence[ScoreRow], axis: Axis, labels: dict[str, str]
) -> WorkloadPage:
    keys = dict.fromkeys((cell.metric, cell.phase) for cell in result.cells if cell.workload == record.name)
    every = [figure_row(result, record.name, metric, phase) for metric, phase in keys]
    checkers = dict.fromkeys(verdict.checker for verdict in result.verdicts if verdict.workload == record.name)
    return WorkloadPage(
        record=record,
        answer=answer(result, record.name),
        score=_scored(rows, record.name, axis, labels),
        figures=_scored(every, record.name, axis_of(every), labels),
        rules=tuple(rule for name in checkers if (rule := _rule(result, record.name, name, labels)) is not None),
        phases=_phases(result, record.name, labels),
    )


def _scored(rows: Iterable[ScoreRow], workload: str, axis: Axis, labels: dict[str, str]) -> tuple[ScoredRow, ...]:
    return tuple(
        ScoredRow(row, strip_of(row, axis, labels), slug(row.kind, workload, row.key, row.phase)) for row in rows
    )


def _rule(result: Result, workload: str, checker: str, labels: dict[str, str]) -> Rule | None:
    row = rule_row(result, workload, checker)
    if row is None:
        return None
    found = [v for v in result.verdicts if v.workload == workload and v.checker == checker]
    offenders = tuple(
        (f"{labels.get(v.broker, v.broker)}, repeat {v.repeat + 1}", v.summary, _evidence(v))
        for v in found
        if v.validity is not Validity.VALID
    )[:OFFENDERS_SHOWN]
    return Rule(row, found[0].source, found[0].rule, offenders, slug("rule", workload, checker, ""))


def _evidence(verdict: Verdict) -> Table:
    shown = verdict.evidence[:EVIDENCE_SHOWN]
    columns = tuple(dict.fromkeys(name for row in shown for name in row))
    body = tuple(tuple(_plain(row.get(name)) for name in columns) for row in shown)
    return Table(columns, body)


def _plain(value: float | str | bool | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and abs(value) < 10**9 else str(value)


def _phases(result: Result, workload: str, labels: dict[str, str]) -> Table:
    rows = []
    for run in result.runs:
        if run.workload != workload or run.repeat != 0:
            continue
        for phase in run.phases:
            rate = phase.offered_per_s
            if phase.kind == "flood" and phase.end_s > phase.start_s:
                rate = phase.offered / (phase.end_s - phase.start_s)
            offered = notation.quantity(rate, "msg/s") if rate is not None else "no fixed rate"
            lag = phase.generator_lag_p99_ms
            rows.append(
                (
                    labels.get(run.broker, run.broker),
                    phase.name + (" (warm-up, not counted)" if phase.warmup else ""),
                    {"paced": "open loop", "flood": "closed loop", "burst": "backlog", "replay": "replay"}[phase.kind],
                    notation.quantity(phase.end_s - phase.start_s, "s"),
                    offered,
                    f"{phase.offered:,}",
                    f"{phase.acknowledged:,}",
                    {True: "yes", False: "no", None: "not asked for"}[phase.drained],
                    notation.quantity(lag, "ms") if lag is not None else "not measured",
                )
            )
    columns = (
        "broker",
        "phase",
        "kind",
        "took",
        "offered rate",
        "offered",
        "acknowledged",
        "drained",
        "generator lag p99, or the highest quantile with ten samples beyond",
    )
    return Table(columns, tuple(rows))


def _matrix(result: Result, probes: Sequence[str]) -> tuple[tuple[str, tuple[tuple[MatrixCell, ...], ...]], ...]:
    features = dict.fromkeys(row.feature for row in result.capabilities)
    return tuple(
        (
            feature_words(feature),
            tuple(
                _matrix_cells(
                    [r for r in result.capabilities if (r.feature, r.broker) == (feature, column.name)], probes
                )
                for column in result.brokers
            ),
        )
        for feature in features
    )


def proof_anchor(proven_on: str, probe: str) -> str:
    """``RabbitMQ 4.0.5``, ``streams`` -> ``proof-rabbitmq-4-0-5-streams``."""
    return re.sub(r"[^a-z0-9_]+", "-", f"proof {proven_on} {probe}".lower())


def _proven(result: Result) -> tuple[tuple[str, tuple[tuple[str, ProvenProbe], ...]], ...]:
    """Per version of a broker: each probe's anchor and answer."""
    versions = dict.fromkeys(f"{one.product} {one.version}" for one in result.proven)
    return tuple(
        (
            version,
            tuple(
                (proof_anchor(version, one.probe), one)
                for one in result.proven
                if f"{one.product} {one.version}" == version
            ),
        )
        for version in versions
    )


def _matrix_cells(rows: Sequence[CapabilityCell], probes: Sequence[str]) -> tuple[MatrixCell, ...]:
    """One cell where the workloads agree, one for each answer where they do not."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    proofs: dict[tuple[str, str, str, str], CapabilityCell] = {}
    for row in rows:
        key = (row.support, row.how, row.why, row.probe)
        proofs[key] = row
        groups.setdefault(key, []).append(row.workload.replace("_", " "))
    return tuple(
        MatrixCell(
            support=support,
            how=how,
            why=why,
            probe=probe,
            probe_anchor=f"probe-{list(probes).index(probe)}" if probe else "",
            workloads="" if len(groups) == 1 else notation.listing(names),
            proof=tuple((proof_anchor(proofs[key].proven_on, name), name) for name in proofs[key].proof),
            proven_on=proofs[key].proven_on,
        )
        for key, names in groups.items()
        for support, how, why, probe in [key]
    )


def _parity(result: Result) -> tuple[tuple[str, tuple[ParityRow, ...]], ...]:
    """Per workload; settings that differ come first."""
    return tuple(
        (
            record.name,
            tuple(sorted((r for r in result.parity if r.workload == record.name), key=lambda row: not row.differs)),
        )
        for record in result.workloads
        if any(row.workload == record.name for row in result.parity)
    )


def _runs(result: Result, labels: dict[str, str]) -> Table:
    rows = tuple(
        (
            f"{run.order + 1}",
            run.workload.replace("_", " "),
            labels.get(run.broker, run.broker),
            f"{run.repeat + 1}",
            run.state + (f": {run.error}" if run.error else ""),
            notation.seconds(run.seconds),
            run.next_command or run.history or "none",
        )
        for run in sorted(result.runs, key=lambda run: run.order)
    )
    return Table(
        ("order", "workload", "broker", "repeat", "state", "took", "history, or the command to go on with"), rows
    )


def _noise(result: Result) -> Table:
    rows = tuple(
        (
            noise.workload.replace("_", " "),
            noise.metric.replace("_", " "),
            noise.phase or "whole run",
            f"{notation.ratio_span(noise.ratio_low, noise.ratio_high)}×",
            str(noise.pairs),
        )
        for noise in result.noise
    )
    return Table(("workload", "figure", "phase", "a broker against itself", "pairs"), rows)


def machine_of(result: Result | Sweep) -> tuple[tuple[str, str], ...]:
    print_ = result.fingerprint
    fsync = (
        f"p50 {notation.quantity(print_.disk_fsync_ms_p50, 'ms')}, p99 {notation.quantity(print_.disk_fsync_ms_p99, 'ms')}"
        if print_.disk_fsync_ms_p50 is not None
        else "not measured"
    )
    return (
        ("processor", f"{print_.cpu_model}, {notation.count(print_.cores, 'core')}"),
        ("memory", notation.quantity(float(print_.memory_bytes), "B")),
        ("disk", print_.disk),
        ("fdatasync of 4 KiB", fsync),
        ("kernel", print_.kernel),
        ("system", print_.operating_system),
        ("virtualisation", print_.virtualisation),
        ("containers", print_.containers or "none: brokers are processes of this machine"),
        ("network", ("loopback" if print_.loopback else "network") + f", {print_.congestion_control}"),
        ("load before the run", notation.significant(print_.load_before)),
        ("scheduling of the load generator", print_.generator_scheduling),
        ("Python", print_.python),
        ("clients", ", ".join(f"{name} {version}" for name, version in print_.clients.items()) or "none recorded"),
        ("seed", str(result.seed)),
        ("harness", result.harness_version),
    )


def facts_of(result: Result | Sweep) -> tuple[str, ...]:
    """The one-line fingerprint of the first screen."""
    print_ = result.fingerprint
    facts = [
        f"{print_.cpu_model}, {notation.count(print_.cores, 'core')}",
        notation.quantity(float(print_.memory_bytes), "B"),
        f"Linux {print_.kernel}",
    ]
    if print_.disk_fsync_ms_p50 is not None:
        facts.append(f"fsync p50 {notation.quantity(print_.disk_fsync_ms_p50, 'ms')}")
    facts.append(print_.virtualisation)
    return (*facts, f"seed {result.seed}", f"run {result.run_id}")


def figures_of(page: Page) -> list[Figure]:
    return [figure for section in page.sections for figure in section.figures]
