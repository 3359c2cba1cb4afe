"""The page, the sentences and the terminal's table of a sweep. Everything comes from its document; nothing is interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.model.sweep import LOADS, PARAMETER_WORDS, Sweep, SweepAnswer, SweepFigure, SweepPoint, value_text
from harness.reporting import notation
from harness.reporting.figures.base import Figure, Table, workload_title
from harness.reporting.figures.sweep import figure_text, sweep_figures
from harness.reporting.html import environment, frame, script_json, write_page
from harness.reporting.page import BrokerHead, facts_of, heads_of, machine_of
from harness.reporting.text import clause, printable, sentence

HELD = {"sustained": "sustained", "not_sustained": "not sustained", "unknown": "cannot be told"}
COLUMNS = {
    "latency_p50": "p50",
    "latency_p99": "p99",
    "throughput_in": "throughput in",
    "throughput_out": "throughput out",
    "broker_cpu": "broker CPU",
}


@dataclass(frozen=True, slots=True)
class SweepPage:
    """Everything the template needs beside the document."""

    answers: tuple[tuple[BrokerHead, str, str], ...]  # broker, headline, what else there is to say
    figures: tuple[Figure, ...]
    table: Table
    facts: tuple[str, ...]
    machine: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def write_sweep_html(sweep: Sweep, path: Path) -> None:
    """Raises DiskFull."""
    write_page(render_sweep_html(sweep), path)


def render_sweep_html(sweep: Sweep) -> str:
    embedded = script_json(sweep.model_dump_json())
    return (
        environment()
        .get_template("sweep.html.j2")
        .render(
            sweep=sweep,
            page=sweep_page(sweep),
            embedded=Markup(embedded),  # noqa: S704 - JSON whose <, > and & are escaped
            **frame(),
        )
    )


def sweep_page(sweep: Sweep) -> SweepPage:
    heads = heads_of(sweep.brokers)
    return SweepPage(
        answers=tuple(
            (head, headline(sweep, answer), details(sweep, answer))
            for head, answer in zip(heads, sweep.answers, strict=True)
        ),
        figures=sweep_figures(sweep),
        table=data_table(sweep),
        facts=facts_of(sweep),
        machine=machine_of(sweep),
        notes=notes(sweep),
    )


# -- sentences ----------------------------------------------------------------------------------------------------------


def headline(sweep: Sweep, answer: SweepAnswer) -> str:
    """The answer of one broker: between which two values its limit lies, or how far it was followed."""
    kept = _kept(sweep, answer)
    if sweep.parameter in LOADS or answer.kind in ("none", "unknown"):
        return kept
    scaling = _growth(sweep, answer, "throughput_out")
    return f"{scaling} {kept}" if scaling else kept


def _kept(sweep: Sweep, answer: SweepAnswer) -> str:
    highest, first = _text(sweep, answer.highest), _text(sweep, answer.first)
    why = clause(answer.reason)
    if answer.kind == "interval":
        return f"Sustained {highest}, did not sustain {first}: {why}."
    if answer.kind == "all":
        each = "Sustained the highest value," if answer.remark else "Sustained every value, up to"
        return f"{each} {highest}" + (": a lower bound." if sweep.parameter in LOADS else ".")
    if answer.kind == "bound":
        return f"Sustained {highest}: a lower bound. Above it nothing can be said: {why}."
    if answer.kind == "none":
        return f"Sustained none: not even {first}: {why}."
    return sentence(f"Nothing can be said: {why}" if why else "Nothing can be said")


def _text(sweep: Sweep, value: float | None) -> str:
    return "" if value is None else value_text(sweep.parameter, value)


def details(sweep: Sweep, answer: SweepAnswer) -> str:
    parts = [_growth(sweep, answer, "latency_p99") or _growth(sweep, answer, "latency_p50"), sentence(answer.remark)]
    return " ".join(part for part in parts if part)


def _growth(sweep: Sweep, answer: SweepAnswer, name: str) -> str:
    """How a figure went over the values that were sustained, by its first and its last one."""
    points = [one for one in sweep.points if one.broker == answer.broker and one.held == "sustained"]
    pairs = [(one, figure) for one in points if (figure := one.figures.get(name)) and figure.value is not None]
    if answer.first is not None:
        pairs = [(one, figure) for one, figure in pairs if one.value < (answer.first or 0.0)]
    if not pairs:
        return ""
    words = {"throughput_out": "Throughput out"}.get(name, COLUMNS[name])
    (low, before), (high, after) = pairs[0], pairs[-1]
    if low is high:
        return f"{words} {_quantity(before)} at {_text(sweep, low.value)}."
    return (
        f"{words} {_quantity(before)} at {_text(sweep, low.value)}, {_quantity(after)} at {_text(sweep, high.value)}."
    )


def _quantity(figure: SweepFigure) -> str:
    return notation.quantity(figure.value, figure.unit)


def notes(sweep: Sweep) -> tuple[str, ...]:
    """What was called sustained here, and what these runs could not have seen."""
    limit = f", and p99 was at most {sweep.limit_ms:g} ms" if sweep.limit_ms is not None else ""
    rule = (
        "A value is sustained when in every run of it nothing acknowledged was lost, every group caught up within the "
        "drain's deadline, at least 99 % of what was offered went out in time and was acknowledged and delivered to every "
        f"group by 500 ms after the phase{limit}. Where the load generator itself was more than 1 ms late at p99, or a run is "
        "missing, it cannot be told. The limit lies between the two values that are named; nothing is interpolated."
    )
    order = (
        "In each repeat a broker is freshly started on an empty data folder and goes through the values in ascending order, "
        "each with queues or topics of its own; brokers alternate in balanced order. What a value leaves warm, the next one "
        "finds warm."
    )
    found = [rule, order]
    if any(rate is not None for rate in sweep.rate_per_s) and sweep.phase_s:
        share = 0.01 + 0.5 / sweep.phase_s
        found.append(
            f"The paced phase lasts {sweep.phase_s:g} s: an overload of less than about {notation.percent(share)} is worked off within "
            "the half second after it and not seen as one, though p99 shows it. A longer --duration narrows that."
        )
    return tuple(found)


# -- tables -------------------------------------------------------------------------------------------------------------


def _names(sweep: Sweep) -> list[str]:
    there = {name for point in sweep.points for name in point.figures}
    return [name for name in COLUMNS if name in there]


def data_table(sweep: Sweep) -> Table:
    """A row for each broker and value."""
    names = _names(sweep)
    labels = {column.name: column.label for column in sweep.brokers}
    rows = tuple(
        (
            labels.get(point.broker, point.broker),
            value_text(sweep.parameter, point.value),
            HELD[point.held],
            *(figure_text(point.figures.get(name)) for name in names),
            str(point.runs),
            clause(point.reason) or _remark(point),
        )
        for point in sweep.points
    )
    columns = ("broker", PARAMETER_WORDS[sweep.parameter], "kept up", *(COLUMNS[name] for name in names), "runs", "why")
    return Table(columns, rows)


def _remark(point: SweepPoint) -> str:
    """The first thing that a figure has to say for itself."""
    return next((clause(one.reason or one.caveat) for one in point.figures.values() if one.reason or one.caveat), "")


def render_sweep_terminal(sweep: Sweep, console: Console) -> None:
    """Answers first, then the table. Texts from outside are never markup."""
    console.print(Text(printable(sweep.title), style="bold"))
    console.print(Text(printable(f"{workload_title(sweep.workload)}: {sweep.question}")))
    console.print(
        Text(f"tier {sweep.tier}: {sweep.tier_sentence}; {notation.count(sweep.repeats, 'run')} a value", style="dim")
    )
    for warning in sweep.fingerprint.warnings:
        console.print(Text(f"! {printable(warning)}", style="yellow"))
    console.print()
    labels = {column.name: column.label for column in sweep.brokers}
    for answer in sweep.answers:
        text = Text(printable(labels.get(answer.broker, answer.broker)), style="bold")
        text.append(": " + printable(headline(sweep, answer)), style="not bold")
        console.print(text)
        more = details(sweep, answer)
        if more:
            console.print(Text("  " + printable(more), style="dim"))
        column = next(one for one in sweep.brokers if one.name == answer.broker)
        if column.next_command:
            console.print(Text("  next: " + printable(column.next_command), style="dim"))
    console.print()
    console.print(_terminal_table(sweep, plain=not console.is_terminal))


def _terminal_table(sweep: Sweep, *, plain: bool) -> RichTable:
    found = data_table(sweep)
    table = RichTable(box=box.ASCII2 if plain else box.SIMPLE_HEAD, pad_edge=False)
    for column in found.columns[:-1]:
        table.add_column(column, overflow="fold")
    for row in found.rows:
        table.add_row(*(Text(printable(text)) for text in row[:-1]))
    return table
