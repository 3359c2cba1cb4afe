"""The answers and the scorecard as Markdown, for a README or a pull request. Texts from outside cannot become markup."""

from __future__ import annotations

import re

from harness.model.result import Result, State
from harness.reporting import notation
from harness.reporting.answers import answer
from harness.reporting.scorecard import ScoreCell, ScoreRow, rows_of
from harness.reporting.text import clause, printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def render_markdown(result: Result) -> str:
    """One document, ending with a line break."""
    lines = [f"# {escape(result.title)}", "", _subtitle(result), ""]
    for record in result.workloads:
        found = answer(result, record.name)
        lines += [f"## {escape(record.name.replace('_', ' '))}", "", f"*{escape(record.question)}*", ""]
        lines += [f"**{escape(found.headline)}**", "", f"Tier {record.tier}: {escape(record.tier_sentence)}.", ""]
        lines += _table(result, rows_of(result, record.name))
        lines += [f"- {escape(text)}" for text in found.sentences]
        lines.append("")
    lines += ["## How to do it again", "", *_code(result.command), ""]
    lines += [f"> {escape(warning)}" for warning in result.fingerprint.warnings]
    return "\n".join(lines).rstrip() + "\n"


def render_tables(result: Result) -> str:
    """Headline and table of each workload, for a page that has headings of its own."""
    lines = [
        f"{result.created} · {notation.count(result.repeats, 'repeat')} · took {notation.seconds(result.seconds)}",
        "",
    ]
    for record in result.workloads:
        lines += [f"**{escape(record.name.replace('_', ' '))}**", "", escape(answer(result, record.name).headline), ""]
        lines += _table(result, rows_of(result, record.name))
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    """One line in which nothing is Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(printable(text).split())).replace("&", "&amp;")


def _code(text: str) -> list[str]:
    return ["    " + printable(text)]


def _subtitle(result: Result) -> str:
    where = f"{result.fingerprint.cpu_model}, {notation.count(result.fingerprint.cores, 'core')}, {result.fingerprint.kernel}"
    text = f"{result.created} · {notation.count(result.repeats, 'repeat')} · seed {result.seed} · {where}"
    return escape(text + ("" if result.state == "done" else f" · {result.state}: some runs are missing"))


def _table(result: Result, rows: list[ScoreRow]) -> list[str]:
    if not rows:
        return ["Nothing was measured.", ""]
    header = ["figure", *(escape(column.label) for column in result.brokers)]
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    for row in rows:
        direction = "rule" if row.kind == "rule" else {"lower": "↓", "higher": "↑", "neither": ""}[row.better]
        cells = [f"{escape(row.short)} {direction}".strip(), *(_cell(cell) for cell in row.cells.values())]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _cell(cell: ScoreCell) -> str:
    figure = escape(cell.figure)
    parts = [f"{cell.glyph} " + (f"~~{figure}~~" if cell.struck else figure)]
    if cell.interval:
        parts.append(f"({escape(cell.interval)})")
    if cell.word != cell.figure:
        parts.append(escape(cell.word))
    if cell.ratio is not None:
        parts.append(notation.ratio(cell.ratio))
    if cell.mark:
        parts.append(f"· {escape(cell.mark)}")
    if cell.reason and cell.value is None and cell.glyph != "✓" and cell.state is not State.NOT_RUN:
        parts.append(f"– {escape(clause(cell.told))}")
    return " ".join(parts)
