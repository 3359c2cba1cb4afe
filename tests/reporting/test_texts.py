"""Terminal, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.model.result import Result
from harness.reporting.answers import answer
from harness.reporting.csv import COLUMNS, cells_csv, write_csv
from harness.reporting.html import render_html
from harness.reporting.markdown import render_markdown
from harness.reporting.terminal import render_terminal
from tests.reporting.factory import make_result


def terminal(result: Result, *, width: int = 120, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, no_color=not colour, color_system="truecolor" if colour else None,
        highlight=False,
    )  # fmt: skip
    render_terminal(result, console)
    return out.getvalue()


def test_terminal_shows_shape_word_number_and_interval() -> None:
    text = terminal(make_result())
    assert "▲ 12.4" in text
    assert "better" in text
    assert "≈ 20.4" in text
    assert "○ not run" in text
    assert "✓ 0" in text
    assert "Replay decides" in text
    assert "next: python -m harness.brokers.install --brokers activemq" in text


def test_terminal_is_plain_where_there_is_none() -> None:
    assert "\x1b" not in terminal(make_result())
    assert "\x1b[" in terminal(make_result(), colour=True)


def test_terminal_never_reads_markup_or_control_characters() -> None:
    result = make_result()
    result.title = "[red]title[/red] \x1b[31m\x07"
    result.brokers[3].reason = "[link=x]no[/link]\x1b]0;owned\x07"
    text = terminal(result, width=300)
    assert "[red]title[/red]" in text
    assert "[link=x]no[/link]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_terminal_fits_its_width(width: int) -> None:
    assert max(len(line) for line in terminal(make_result(), width=width).splitlines()) <= width


def test_markdown_has_a_table_a_workload_and_no_html() -> None:
    text = render_markdown(make_result())
    assert text.count("| figure | kafka | pylog | rabbitmq | activemq |") == 3
    assert "**Replay decides" in text
    assert "<script" not in text.replace("\\<", "")
    assert "~~9.00" in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") == 6, line


def test_a_caveat_stands_beside_its_figure_everywhere() -> None:
    result = make_result()
    assert "cold" not in render_markdown(result) + terminal(result)
    assert 'class="caveat"' not in render_html(result)
    for cell in result.cells:
        if cell.broker == "kafka" and cell.metric == "end_to_end_latency_p99":
            cell.caveat = "cold: 2 s after its start"
    assert "baseline · cold |" in render_markdown(result)
    assert "baseline" in terminal(result)
    assert "cold" in terminal(result)
    page = render_html(result)
    assert '<span class="caveat" title="cold: 2 s after its start">cold</span>' in page
    assert '<span class="reason">cold: 2 s after its start</span>' in page
    assert '<li class="caveat"' in page
    assert "while cold: " in answer(result, "clickstream_fanout").text
    assert "cold: 2 s after its start" in cells_csv(result)


def test_csv_holds_every_cell() -> None:
    result = make_result()
    rows = list(csv.DictReader(io.StringIO(cells_csv(result))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(result.cells)
    assert float(rows[0]["value"]) == result.cells[0].value
    assert rows[0]["tier"] == "D1"


def test_csv_has_no_formulas(tmp_path: Path) -> None:
    result = make_result()
    result.cells[0].reason = "=HYPERLINK(1)"
    result.cells[1].reason = "-1+1"
    write_csv(result, tmp_path / "deep" / "cells.csv")
    text = (tmp_path / "deep" / "cells.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK(1)" in text
    assert "'-1+1" in text
    assert ",-" not in text
