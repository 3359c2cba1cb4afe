"""The scorecard: for each workload the few figures that answer its question, per broker, none of them ever blank. Pure.

Rows are picked per workload (``PICKS``), for other workloads from a general list; a row that no broker has anything for is left
out. A row is either a figure (``Cell``) or a correctness rule (verdicts of all repeats, the worst wins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.model.result import UNDECIDED, BrokerColumn, CapabilityCell, Cell, NoiseFloor, Result, State
from harness.model.verdict import NEVER_KILLED, NOT_RUN, Validity, Verdict, worst
from harness.reporting import notation
from harness.reporting.metrics import check as check_entry
from harness.reporting.metrics import metric as metric_entry
from harness.reporting.picks import Pick, picks_of
from harness.reporting.states import look

AFTER_A_KILL = ("recovery_first_acknowledged", "recovery_first_delivered", "unavailable")


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One broker in one row. ``figure`` is never empty; ``struck`` figures are shown crossed out; ratios are as measured."""

    broker: str
    state: State
    word: str
    figure: str
    interval: str = ""
    interval_kind: str = ""
    reason: str = ""
    next_command: str = ""
    struck: bool = False
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    value: float | None = None
    n: int = 0
    caveat: str = ""
    words_of: int = 0  # runs that a rule was judged in; ``reason`` is in the words of one of them

    @property
    def told(self) -> str:
        """The reason, with whose it is where a rule was judged in several runs and its words are those of one."""
        return f"one of {self.words_of} runs: {self.reason}" if self.words_of > 1 and self.reason else self.reason

    @property
    def undecided(self) -> bool:
        """Within noise, but not shown to be equal: the interval of its ratio reaches out of the noise."""
        return self.state is State.WITHIN_NOISE and UNDECIDED in self.reason

    @property
    def icon(self) -> str:
        """Name of the page's SVG symbol: a rule that held has a tick of its own."""
        return "held" if self.word == "held" else look(self.state).icon

    @property
    def mark(self) -> str:
        """The caveat in one word; empty when there is none."""
        return self.caveat.partition(":")[0]

    @property
    def in_words(self) -> bool:
        """Whether the figure is a word and no number."""
        return not any(letter.isdigit() for letter in self.figure)

    @property
    def glyph(self) -> str:
        return "✓" if self.word == "held" else look(self.state).glyph


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """``kind`` is figure or rule; ``cells`` has every broker of the result, in its order."""

    kind: Literal["figure", "rule"]
    key: str
    phase: str
    title: str
    short: str
    meaning: str
    better: Literal["higher", "lower", "neither"]
    baseline: str
    cells: Mapping[str, ScoreCell]
    noise: NoiseFloor | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule on one broker over all repeats: the worst validity, counts added up."""

    checker: str
    broker: str
    validity: Validity
    promised: bool
    counts: Mapping[str, int]
    runs: int
    runs_broken: int
    summary: str
    rule: str
    source: str

    @property
    def broken(self) -> int | None:
        """How many messages broke the rule (at least, where its counts may overlap); None when nothing by a known name is counted."""
        entry = check_entry(self.checker)
        found = {name: self.counts[name] for name in entry.count if name in self.counts}
        if self.validity is Validity.INVALID:
            number = sum(found.get(name, 0) for name in entry.apart)
            number += max((size for name, size in found.items() if name not in entry.apart), default=0)
            return number or next((self.counts[name] for name in entry.otherwise if self.counts.get(name)), None)
        return next(iter(found.values()), None)


def scorecard(result: Result) -> dict[str, list[ScoreRow]]:
    """Workload name -> rows, in the order of the result's workloads."""
    return {workload.name: rows_of(result, workload.name) for workload in result.workloads}


def rows_of(result: Result, workload: str) -> list[ScoreRow]:
    rows: list[ScoreRow] = []
    for pick in picks_of(workload):
        row = rule_row(result, workload, pick.names[0]) if pick.rule else _figure_row(result, workload, pick)
        if row is not None and all(
            (row.kind, row.key, row.phase) != (seen.kind, seen.key, seen.phase) for seen in rows
        ):
            rows.append(row if not pick.short else replace(row, short=pick.short))
    return rows


def _figure_row(result: Result, workload: str, pick: Pick) -> ScoreRow | None:
    here = [cell for cell in result.cells if cell.workload == workload]
    there = dict.fromkeys((cell.metric, cell.phase) for cell in here)
    wanted = [(name, phase) for phase in pick.phases for name in pick.names]
    wanted += [key for name in pick.names for key in there if key[0] == name]
    found = next((key for key in wanted if key in there), None)
    return figure_row(result, workload, *found) if found else None


def figure_row(result: Result, workload: str, metric: str, phase: str) -> ScoreRow:
    """The row of one metric in one phase, whatever the brokers have for it."""
    found = {
        cell.broker: cell
        for cell in result.cells
        if (cell.workload, cell.metric, cell.phase) == (workload, metric, phase)
    }
    entry = metric_entry(metric)
    any_cell = next(iter(found.values()), None)
    noise = next((n for n in result.noise if (n.workload, n.metric, n.phase) == (workload, metric, phase)), None)
    return ScoreRow(
        kind="figure",
        key=metric,
        phase=phase,
        title=entry.title,
        short=entry.short,
        meaning=entry.meaning + _ceilings(result, workload, metric),
        better=any_cell.better if any_cell else "neither",
        baseline=next((cell.baseline for cell in found.values() if cell.baseline), ""),
        cells={
            column.name: _shown(found[column.name], found)
            if column.name in found
            else absent(result, workload, column, entry.feature, metric)
            for column in result.brokers
        },
        noise=noise,
    )


def _ceilings(result: Result, workload: str, metric: str) -> str:
    """What the clients do at most stands beside every throughput."""
    if not metric.startswith("throughput_") or metric == "throughput_decay":
        return ""
    found = {
        key.removeprefix(f"{workload}: "): rate for key, rate in result.ceilings.items() if key.startswith(workload)
    }
    words = [f"{who} {notation.quantity(rate, 'msg/s')}" for who, rate in found.items()]
    return f"; against a broker that does nothing: {notation.listing(words)}" if words else ""


def _shown(cell: Cell, row: Mapping[str, Cell]) -> ScoreCell:
    look_ = look(cell.state)
    baseline = any(other.baseline == cell.broker for other in row.values()) or cell.baseline == cell.broker
    word = "baseline" if cell.state is State.MEASURED and baseline else look_.word
    has_value = cell.value is not None
    shown = ScoreCell(
        broker=cell.broker,
        state=cell.state,
        word=word,
        figure=notation.quantity(cell.value, cell.unit) if has_value else look_.word,
        interval=notation.span(cell.low, cell.high, cell.unit, like=cell.value),
        interval_kind=cell.interval,
        reason=cell.reason,
        struck=cell.state is State.INVALID and has_value,
        ratio=cell.ratio,
        ratio_low=cell.ratio_low,
        ratio_high=cell.ratio_high,
        value=cell.value,
        n=cell.n,
        caveat=cell.caveat,
    )
    return replace(shown, word=UNDECIDED) if shown.undecided else shown


def absent(result: Result, workload: str, column: BrokerColumn, feature: object = None, metric: str = "") -> ScoreCell:
    """Why a broker has nothing here: not run at all, failed, not able to, or not measured."""
    if column.state == "not_run":
        return _empty(column.name, State.NOT_RUN, column.reason or "no reason was recorded", column.next_command)
    capability = impossible(result, workload, column.name, str(feature)) if feature is not None else None
    if capability is not None:
        return _empty(column.name, State.UNSUPPORTED, capability.why or capability.how or "no reason was recorded")
    runs = [run for run in result.runs if run.workload == workload and run.broker == column.name]
    if not runs:
        return _empty(column.name, State.NOT_RUN, "this workload was not run on it", result.command)
    failed = next((run for run in runs if run.state != "done"), None)
    if failed is not None:
        reason = failed.error or f"the run was {failed.state}"
        return _empty(column.name, State.NOT_RUN, f"{failed.state}: {reason}", failed.next_command)
    if column.backend == "external" and metric in AFTER_A_KILL:
        return _empty(column.name, State.NOT_RUN, NEVER_KILLED)
    return _empty(column.name, State.NOT_RUN, "its runs gave no such figure")


def _empty(broker: str, state: State, reason: str, next_command: str = "") -> ScoreCell:
    word = look(state).word
    return ScoreCell(broker, state, word, word, reason=reason, next_command=next_command)


def impossible(result: Result, workload: str, broker: str, feature: str) -> CapabilityCell | None:
    """The capability row that says a broker cannot do ``feature``, if there is one."""
    return next(
        (
            row
            for row in result.capabilities
            if (row.workload, row.broker, row.feature) == (workload, broker, feature) and row.support == "impossible"
        ),
        None,
    )


def judged(result: Result, workload: str, checker: str, broker: str) -> Judged | None:
    """All repeats' verdicts of one rule on one broker as one; None when it was never judged."""
    found = [v for v in result.verdicts if (v.workload, v.checker, v.broker) == (workload, checker, broker)]
    return fold(found) if found else None


def fold(found: Sequence[Verdict]) -> Judged:
    counts: dict[str, int] = {}
    for verdict in found:
        for name, number in verdict.counts.items():
            counts[name] = counts.get(name, 0) + number
    validity = worst(verdict.validity for verdict in found)
    telling = next(verdict for verdict in found if verdict.validity is validity)
    return Judged(
        checker=telling.checker,
        broker=telling.broker,
        validity=validity,
        promised=telling.promised,
        counts=counts,
        runs=len(found),
        runs_broken=sum(verdict.validity is Validity.INVALID for verdict in found),
        summary=telling.summary,
        rule=telling.rule,
        source=telling.source,
    )


def rule_row(result: Result, workload: str, checker: str) -> ScoreRow | None:
    """The row of one rule; None when nobody was judged by it."""
    if not any(v.workload == workload and v.checker == checker for v in result.verdicts):
        return None
    entry = check_entry(checker)
    cells: dict[str, ScoreCell] = {}
    for column in result.brokers:
        one = judged(result, workload, checker, column.name)
        cells[column.name] = absent(result, workload, column, entry.feature) if one is None else _ruled(one)
    return ScoreRow("rule", checker, "", entry.title, entry.short, entry.meaning, "lower", "", cells)


def _ruled(one: Judged) -> ScoreCell:
    return replace(_cell_of(one), words_of=one.runs)


def _cell_of(one: Judged) -> ScoreCell:
    runs = notation.count(one.runs, "run")
    number = one.broken
    figure = "broken" if number is None else f"{number:,}"
    if one.validity is Validity.VALID:
        held = "held" if not number else f"{number:,}"
        return ScoreCell(
            one.broker,
            State.MEASURED,
            "held",
            figure if number is not None else held,
            runs,
            reason=one.summary,
            n=one.runs,
        )
    if one.validity is Validity.UNKNOWN and one.summary.startswith(NOT_RUN):
        return ScoreCell(one.broker, State.NOT_RUN, "not run", "not run", runs, reason=one.summary, n=one.runs)
    if one.validity is Validity.UNKNOWN:
        return ScoreCell(one.broker, State.NOT_COMPARABLE, "unknown", "unknown", runs, reason=one.summary, n=one.runs)
    where = runs if one.runs == 1 else f"{one.runs_broken} of {runs}"
    if not one.promised:
        return ScoreCell(
            one.broker, State.NOT_COMPARABLE, "never promised", figure, where, reason=one.summary, n=one.runs
        )
    return ScoreCell(one.broker, State.INVALID, "broken", figure, where, reason=one.summary, n=one.runs)
