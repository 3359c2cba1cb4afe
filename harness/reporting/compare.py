"""Two results side by side: which fields of their fingerprints differ, whether a ratio may be formed, and the ratios.

Forbidden altogether (ResultError, exit code 4): not one workload in common, or every common workload with another text or another
durability tier. A workload that differs while others agree is left out by name. Other differences (machine, versions, settings) are
listed, and stand above the ratios. What a ratio must rise above is the widest of the noise floors and of the spread that the broker's own
runs show in either result; a floor that another broker gave is none of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import ResultError
from harness.model.result import TWIN, Cell, NoiseFloor, Result, State
from harness.reporting import notation
from harness.reporting.markdown import escape
from harness.reporting.metrics import metric as metric_entry
from harness.reporting.states import look
from harness.reporting.text import printable

DOCUMENT_VERSION = 1
CHANGED = "versions or settings differ, as listed: a ratio is that of all these changes together"
SERVER = "server: "  # rows of the parity ledger that repeat a column's settings
_OF_A_COLUMN = {
    "product": "version", "version": "version", "mode": "setting", "client": "version", "backend": "environment",
}  # fmt: skip
_LOOSE_FIELDS = ("load_before", "disk_fsync_ms_p50", "disk_fsync_ms_p99", "warnings", "disk")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which the two results differ. ``weight`` says what it does to a ratio."""

    what: str
    first: str
    second: str
    weight: str  # "environment", "version", "setting", "work", "condition"


@dataclass(frozen=True, slots=True)
class RatioRow:
    """``ratio`` is second over first; low and high are the extremes that the two intervals allow."""

    workload: str
    broker: str
    metric: str
    phase: str
    unit: str
    better: str
    first: float | None
    second: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    noise_low: float | None
    noise_high: float | None
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    first: str
    second: str
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]
    rows: tuple[RatioRow, ...] = field(default=())

    @property
    def same_machine(self) -> bool:
        return not any(difference.weight == "environment" for difference in self.differences)

    @property
    def brokers_changed(self) -> bool:
        """Whether some broker is of another version or set otherwise."""
        return any(difference.weight in ("version", "setting") for difference in self.differences)


def compare(a: Result, b: Result) -> Comparison:
    """``a`` is the baseline. Raises ResultError where no ratio may be formed at all."""
    shared, left_out = _shared_workloads(a, b)
    differences = tuple(_differences(a, b))
    rows = tuple(row for name in shared for row in _rows(a, b, name))
    if not rows:
        raise ResultError(
            f"{a.run_id} and {b.run_id} have no broker and figure in common",
            next_command="harness report RUN --format text",
        )
    return Comparison(_named(a), _named(b), differences, tuple(left_out), rows)


def _named(result: Result) -> str:
    return f"{result.run_id} ({result.created})"


def _shared_workloads(a: Result, b: Result) -> tuple[list[str], list[str]]:
    """Names that may be compared, and a sentence for each that may not."""
    first = {record.name: record for record in a.workloads}
    second = {record.name: record for record in b.workloads}
    shared, refused = [], []
    for name, mine in first.items():
        theirs = second.get(name)
        if theirs is None:
            continue
        if mine.tier != theirs.tier:
            refused.append(f"{name}: durability tier {mine.tier} against {theirs.tier}")
        elif mine.sha256 != theirs.sha256:
            refused.append(f"{name}: the workload differs ({mine.sha256[:12]} against {theirs.sha256[:12]})")
        else:
            shared.append(name)
    if not shared and refused:
        raise ResultError(
            f"no ratio may be formed between {a.run_id} and {b.run_id}: {'; '.join(refused)}", next_command=a.command
        )
    if not shared:
        raise ResultError(
            f"{a.run_id} ({', '.join(first) or 'no workload'}) and {b.run_id} ({', '.join(second) or 'no workload'}) "
            "have no workload in common",
            next_command=a.command,
        )
    return shared, refused


def _differences(a: Result, b: Result) -> list[Difference]:
    found = []
    first, second = a.fingerprint.model_dump(), b.fingerprint.model_dump()
    for name, value in first.items():
        if name == "clients":
            continue
        if value != second[name]:
            weight = "condition" if name in _LOOSE_FIELDS else "environment"
            found.append(Difference(name, _shown(value), _shown(second[name]), weight))
    clients = {**a.fingerprint.clients, **b.fingerprint.clients}
    for name in clients:
        found += _differ(f"client {name}", a.fingerprint.clients.get(name), b.fingerprint.clients.get(name), "version")
    found += _differ("harness version", a.harness_version, b.harness_version, "version")
    found += _differ("seed", a.seed, b.seed, "work")
    found += _differ("repeats", a.repeats, b.repeats, "condition")
    found += _differ("state", a.state, b.state, "condition")
    found += _differ("load from", _load(a), _load(b), "environment")
    mine = {column.name: column for column in a.brokers}
    for column in b.brokers:
        other = mine.get(column.name)
        if other is None or "not_run" in (other.state, column.state):
            continue
        for name, weight in _OF_A_COLUMN.items():
            found += _differ(f"{column.name} {name}", getattr(other, name), getattr(column, name), weight)
        for name in dict.fromkeys([*other.settings, *column.settings]):
            found += _differ(
                f"{column.name} setting {name}", other.settings.get(name), column.settings.get(name), "setting"
            )
        found += _plans_differ(a, b, column.name)
    return found


def _plans_differ(a: Result, b: Result, broker: str) -> list[Difference]:
    """What the adapters planned otherwise, from the parity ledgers; once where all workloads agree."""
    theirs = {(row.workload, row.setting): row.values.get(broker) for row in b.parity}
    pairs = {
        (row.setting, row.values[broker], second): None
        for row in a.parity
        if broker in row.values and not row.setting.startswith(SERVER)
        if (second := theirs.get((row.workload, row.setting))) is not None and second != row.values[broker]
    }
    return [Difference(f"{broker} {setting}", first, second, "setting") for setting, first, second in pairs]


def _load(result: Result) -> str:
    """Where the load came from."""
    engines = {f"{run.load.engine}, {len(run.load.workers)} workers" for run in result.runs if run.load is not None}
    return "; ".join(sorted(engines)) or "the harness's own processes"


def _differ(what: str, first: object, second: object, weight: str) -> list[Difference]:
    return [] if first == second else [Difference(what, _shown(first), _shown(second), weight)]


def _shown(value: object) -> str:
    if value is None or value in ("", []):
        return "none"
    return "; ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _rows(a: Result, b: Result, workload: str) -> list[RatioRow]:
    second = {(c.broker, c.metric, c.phase): c for c in b.cells if c.workload == workload}
    measured_on = {cell.baseline for cell in (*a.cells, *b.cells)} - {""}  # whose own noise the floors are
    rows = []
    for cell in a.cells:
        other = second.get((cell.broker, cell.metric, cell.phase))
        if cell.workload == workload and other is not None:
            spread = _own_spread(cell, other)
            floors = [band for band in (_noise(a, cell), _noise(b, cell)) if band is not None]
            if spread is None and cell.broker.replace(TWIN, "") not in measured_on:
                floors = []
            rows.append(_row(cell, other, floors, spread))
    return rows


def _own_spread(*cells: Cell) -> float | None:
    """The largest ratio between two runs of one of these cells; None where none was repeated."""
    spreads = [
        max(cell.per_run) / min(cell.per_run) for cell in cells if len(cell.per_run) > 1 and min(cell.per_run) > 0
    ]
    return max(spreads, default=None)


def _noise(result: Result, cell: Cell) -> NoiseFloor | None:
    key = (cell.workload, cell.metric, cell.phase)
    return next((band for band in result.noise if (band.workload, band.metric, band.phase) == key), None)


def _row(first: Cell, second: Cell, floors: Sequence[NoiseFloor], spread: float | None) -> RatioRow:
    edges = [1 / band.ratio_low for band in floors] + [band.ratio_high for band in floors]
    edge = max([*edges, *([spread] if spread is not None else [])], default=None)
    low, high = (None, None) if edge is None else (1 / edge, edge)
    ratio = ratio_low = ratio_high = None
    state, reason = _usable(first, second)
    if state is State.MEASURED and first.value is not None and second.value is not None:
        ratio = second.value / first.value
        if first.low and first.high and second.low and second.high:
            ratio_low, ratio_high = second.low / first.high, second.high / first.low
        if ratio_low is None and low is None:
            state, reason = (
                State.NOT_COMPARABLE,
                "single runs without a noise floor of this broker's own: nobody can say what the ratio is worth",
            )
        else:
            ends = (ratio if ratio_low is None else ratio_low, ratio if ratio_high is None else ratio_high)
            state, reason = _judged(ratio, *ends, low, high, first.better)
    return RatioRow(
        workload=first.workload, broker=first.broker, metric=first.metric, phase=first.phase, unit=first.unit,
        better=first.better, first=first.value, second=second.value, ratio=ratio, ratio_low=ratio_low, ratio_high=ratio_high,
        noise_low=low, noise_high=high, state=state, reason=reason,
    )  # fmt: skip


def _usable(first: Cell, second: Cell) -> tuple[State, str]:
    """MEASURED when a ratio may be formed; otherwise the state that forbids it and whose it is."""
    for which, cell in (("first", first), ("second", second)):
        if cell.state in (State.INVALID, State.UNSUPPORTED, State.NOT_RUN, State.LOWER_BOUND):
            return cell.state, f"{which}: {cell.reason or look(cell.state).word}"
        if cell.value is None:
            return State.NOT_COMPARABLE, f"{which}: it has no value"
        if cell.value > 0 and cell.low is not None and cell.low <= 0:
            return State.NOT_COMPARABLE, f"{which}: its interval reaches zero, so it bounds no ratio"
    if first.unit != second.unit:
        return State.NOT_COMPARABLE, f"units differ: {first.unit} against {second.unit}"
    if not first.value or first.value < 0 or not second.value or second.value < 0:
        return State.NOT_COMPARABLE, "a ratio needs two figures above zero"
    return State.MEASURED, ""


def _judged(
    ratio: float, low: float, high: float, noise_low: float | None, noise_high: float | None, better: str
) -> tuple[State, str]:
    band_low = min(1.0, noise_low) if noise_low is not None else 1.0
    band_high = max(1.0, noise_high) if noise_high is not None else 1.0
    if low <= band_high and high >= band_low:
        text = "the intervals overlap" if noise_low is None else "the interval reaches into the noise"
        return State.WITHIN_NOISE, text
    if better == "neither":
        return State.MEASURED, "neither direction is better"
    return (State.BETTER if (math.log(ratio) > 0) == (better == "higher") else State.WORSE), ""


def as_document(comparison: Comparison) -> dict[str, object]:
    """What ``--json`` prints."""
    return {"document": "comparison", "version": DOCUMENT_VERSION, **asdict(comparison)}


def render(comparison: Comparison, console: Console) -> None:
    """As tables; texts from outside are never markup."""
    style = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    console.print(Text(f"{printable(comparison.second)} against {printable(comparison.first)}", style="bold"))
    if not comparison.same_machine:
        console.print(
            Text("! measured in different environments: a ratio may be the machine's, not the broker's", style="yellow")
        )
    if comparison.brokers_changed:
        console.print(Text(f"! {CHANGED}", style="yellow"))
    if comparison.differences:
        table = Table("field", "first", "second", "kind", box=style, pad_edge=False)
        for item in comparison.differences:
            table.add_row(*(Text(printable(text)) for text in (item.what, item.first, item.second, item.weight)))
        console.print(table)
    else:
        console.print("No field of the fingerprints differs.")
    for text in comparison.left_out:
        console.print(Text(f"left out, {printable(text)}", style="yellow"))
    for workload in dict.fromkeys(row.workload for row in comparison.rows):
        rows = [row for row in comparison.rows if row.workload == workload]
        console.print()
        console.print(Text(printable(workload), style="bold"))
        table = Table("broker", "figure", "first", "second", "ratio", "noise", "", box=style, pad_edge=False)
        for row in rows:
            texts = [Text(printable(text)) for text in _texts(row)[1:-1]]
            words = Text(f"{look(row.state).glyph} {look(row.state).word}", style=look(row.state).style)
            table.add_row(*texts, words)
        console.print(table)
        told = dict.fromkeys(row.reason for row in rows if row.reason and row.state is not State.WITHIN_NOISE)
        for reason in told:
            console.print(Text(f"- {printable(reason)}", style="dim"))


def render_markdown(comparison: Comparison) -> str:
    lines = [f"# {escape(comparison.second)} against {escape(comparison.first)}", ""]
    if not comparison.same_machine:
        lines += ["> Measured in different environments: a ratio may be the machine's, not the broker's.", ""]
    if comparison.brokers_changed:
        lines += [f"> {CHANGED[0].upper()}{CHANGED[1:]}.", ""]
    if comparison.differences:
        lines += ["| field | first | second | kind |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {escape(item.what)} | {escape(item.first)} | {escape(item.second)} | {item.weight} |"
            for item in comparison.differences
        ]
    else:
        lines.append("No field of the fingerprints differs.")
    lines += ["", *(f"Left out, {escape(text)}." for text in comparison.left_out), ""]
    lines += ["| workload | broker | figure | first | second | ratio | noise | |", "|" + " --- |" * 8]
    lines += ["| " + " | ".join(escape(text) for text in _texts(row)) + " |" for row in comparison.rows]
    return "\n".join(lines).rstrip() + "\n"


def _texts(row: RatioRow) -> tuple[str, ...]:
    figure = metric_entry(row.metric).title + (f" · {row.phase}" if row.phase else "")
    interval = notation.ratio_span(row.ratio_low, row.ratio_high)
    shown = notation.ratio(row.ratio) + (f" ({interval})" if interval else "") if row.ratio is not None else "no ratio"
    noise = notation.ratio_span(row.noise_low, row.noise_high) or "not measured"
    state = look(row.state)
    words = f"{state.glyph} {state.word}" + (
        f": {row.reason}" if row.reason and row.state is not State.WITHIN_NOISE else ""
    )
    return (
        row.workload, row.broker, figure, notation.quantity(row.first, row.unit), notation.quantity(row.second, row.unit), shown,
        noise, words,
    )  # fmt: skip
