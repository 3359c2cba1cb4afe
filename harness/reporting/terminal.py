"""The scorecard and the answers for a terminal: shape, word, number and interval in every cell; plain where nothing can be coloured."""

from __future__ import annotations

from textwrap import shorten

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.result import Result, State
from harness.reporting import notation
from harness.reporting.answers import answer
from harness.reporting.scorecard import ScoreCell, ScoreRow, rows_of
from harness.reporting.states import look
from harness.reporting.text import clause, printable


def render_terminal(result: Result, console: Console) -> None:
    """Print to ``console``; it decides about colour and width (rich honours NO_COLOR). Texts from outside are never markup."""
    console.print(Text(printable(result.title), style="bold"))
    console.print(Text(_subtitle(result), style="dim"))
    for warning in result.fingerprint.warnings:
        console.print(Text(f"! {printable(warning)}", style="yellow"))
    for record in result.workloads:
        rows = rows_of(result, record.name)
        console.print()
        console.print(Text(f"{record.name}  ({record.tier}: {record.tier_sentence})", style="bold"))
        found = answer(result, record.name)
        console.print(Text(printable(found.headline)))
        if rows:
            console.print(_table(result, rows, plain=not console.is_terminal))
        else:
            console.print(Text("nothing was measured", style="dim"))
        for text in found.sentences:
            console.print(Text("- " + printable(text)))
    _absent(result, console)


def _subtitle(result: Result) -> str:
    parts = [
        result.created,
        notation.count(result.repeats, "repeat"),
        f"seed {result.seed}",
        f"took {notation.seconds(result.seconds)}",
        f"{result.fingerprint.cpu_model}, {notation.count(result.fingerprint.cores, 'core')}",
    ]
    if result.state != "done":
        parts.append(f"{result.state}: some runs are missing")
    return printable(" · ".join(parts))


def _table(result: Result, rows: list[ScoreRow], *, plain: bool) -> Table:
    table = Table(box=box.ASCII2 if plain else box.SIMPLE_HEAD, show_lines=plain, pad_edge=False)
    table.add_column("figure", overflow="fold", min_width=14)
    for column in result.brokers:
        table.add_column(Text(printable(column.label)), overflow="fold", min_width=12)
    for row in rows:
        name = Text(row.short)
        name.append("\n" + ("rule" if row.kind == "rule" else f"{row.better} is better"), style="dim")
        table.add_row(name, *(_cell(cell) for cell in row.cells.values()))
    return table


def _cell(cell: ScoreCell) -> Text:
    style = "green" if cell.icon == "held" else look(cell.state).style
    text = Text()
    text.append(cell.glyph + " ", style=style)
    text.append(cell.figure, style="strike" if cell.struck else "bold" if cell.value is not None else "")
    second = [cell.word] if cell.word != cell.figure else []
    if cell.interval:
        second.append(cell.interval)
    if cell.ratio is not None:
        second.append(notation.ratio(cell.ratio))
    if cell.mark:
        second.append(printable(cell.mark))
    if not second and cell.reason and cell.state is not State.NOT_RUN:
        second.append(shorten(clause(printable(cell.reason)), 60, placeholder="…"))
    if second:
        text.append("\n" + " ".join(second), style="dim" if cell.state in (State.MEASURED, State.NOT_RUN) else style)
    return text


def _absent(result: Result, console: Console) -> None:
    for column in result.brokers:
        if column.state == "not_run":
            console.print()
            console.print(
                Text(f"{printable(column.label)} was not run: {clause(printable(column.reason)) or 'no reason given'}")
            )
            if column.next_command:
                console.print(Text(f"  next: {printable(column.next_command)}", style="dim"))
