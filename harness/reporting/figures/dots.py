"""Figures over runs: a point at the median, a line for its interval, a small tick for every run."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from harness.model.result import Cell, State
from harness.reporting import notation
from harness.reporting.figures.base import (
    Drawing,
    Figure,
    Table,
    axis_title,
    cell_text,
    escape_plot,
    plot_of,
    slug,
    unique,
    workload_title,
)
from harness.reporting.metrics import metric as metric_entry
from harness.reporting.palette import INK

ROW_PX = 30
UNITS = {"us": "µs", "B": "bytes", "B/B": "bytes per byte", "ratio": "times"}


def dots(drawing: Drawing, section: str, workload: str, metrics: tuple[str, ...]) -> Figure | None:
    """One row a broker and metric (and phase); None when there is no cell at all."""
    cells = [cell for name in metrics for cell in drawing.cells(workload, name)]
    if not cells:
        return None
    shown = [cell for cell in cells if cell.value is not None]
    unit = shown[0].unit if shown else ""
    title = f"{workload_title(workload)}: {metric_entry(metrics[0]).title.lower()}"
    plot = _plot(drawing, shown, unit) if shown else {}
    height = 90 + ROW_PX * max(2, len(shown))
    return Figure(
        id=slug(section, workload),
        title=title,
        sentence=_sentence(drawing, cells),
        table=table_of(drawing, cells),
        plot=plot,
        height_px=height,
    )


def _row_name(drawing: Drawing, cell: Cell, shown: list[Cell]) -> str:
    """The broker, and of metric and phase what is needed to tell the rows apart."""
    parts = [drawing.label(cell.broker)]
    if len({other.metric for other in shown}) > 1:
        parts.append(metric_entry(cell.metric).short)
    if len({other.phase for other in shown if other.metric == cell.metric}) > 1:
        parts.append(cell.phase or "whole run")
    return " · ".join(parts)


def _plot(drawing: Drawing, shown: list[Cell], unit: str) -> dict[str, Any]:
    names = [escape_plot(_row_name(drawing, cell, shown)) for cell in shown]
    traces = [_runs_trace(shown, names)]
    for broker in unique(cell.broker for cell in shown):
        rows = [(cell, name) for cell, name in zip(shown, names, strict=True) if cell.broker == broker]
        traces.append(_trace(drawing, broker, rows))
    height = 90 + ROW_PX * max(2, len(shown))
    layout = {
        "showlegend": False,
        "xaxis": {"title": axis_title(UNITS.get(unit, unit) or "count"), "rangemode": "tozero"},
        "yaxis": {"categoryorder": "array", "categoryarray": list(reversed(unique(names))), "type": "category"},
    }
    return plot_of(traces, layout, height)


def _trace(drawing: Drawing, broker: str, rows: list[tuple[Cell, str]]) -> go.Scatter:
    mark = drawing.marks[broker]
    values = [cell.value or 0.0 for cell, _ in rows]
    above = [
        max(0.0, (cell.high if cell.high is not None else value) - value)
        for (cell, _), value in zip(rows, values, strict=True)
    ]
    below = [
        max(0.0, value - (cell.low if cell.low is not None else value))
        for (cell, _), value in zip(rows, values, strict=True)
    ]
    return go.Scatter(
        x=values,
        y=[name for _, name in rows],
        mode="markers",
        name=escape_plot(drawing.label(broker)),
        marker={
            "symbol": [mark.symbol + ("-open" if cell.state is State.INVALID else "") for cell, _ in rows],
            "size": 12,
            "color": mark.light,
        },
        error_x={"type": "data", "array": above, "arrayminus": below, "color": mark.light, "thickness": 2, "width": 5},
        text=[escape_plot(cell_text(cell)) for cell, _ in rows],
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _runs_trace(shown: list[Cell], names: list[str]) -> go.Scatter:
    points = [(value, name) for cell, name in zip(shown, names, strict=True) for value in cell.per_run]
    return go.Scatter(
        x=[value for value, _ in points],
        y=[name for _, name in points],
        mode="markers",
        name="one run",
        marker={"symbol": "line-ns-open", "size": 10, "color": INK[0], "line": {"width": 1}},
        opacity=0.55,
        hovertemplate="%{y}, one run: %{x:,.4g}<extra></extra>",
    )


def _sentence(drawing: Drawing, cells: list[Cell]) -> str:
    """Best and worst by median, of the first metric and phase that has two valid figures."""
    valid = [cell for cell in cells if cell.value is not None and cell.state is not State.INVALID]
    for key in unique(f"{cell.metric}\n{cell.phase}" for cell in valid):
        group = [cell for cell in valid if f"{cell.metric}\n{cell.phase}" == key]
        if len(group) < 2:
            continue
        ordered = sorted(group, key=lambda cell: cell.value or 0.0, reverse=group[0].better == "higher")
        best, last = ordered[0], ordered[-1]
        entry = metric_entry(best.metric)
        kind = f" Lines are the {best.interval}; ticks are single runs." if best.interval else ""
        words = ("lowest", "highest") if best.better != "higher" else ("highest", "lowest")
        return (
            f"{entry.title}: {words[0]} for {drawing.label(best.broker)} with {_figure(best)}, "
            f"{words[1]} for {drawing.label(last.broker)} with {_figure(last)}.{kind}"
        )
    if valid:
        return f"{metric_entry(valid[0].metric).title}: {drawing.label(valid[0].broker)} with {cell_text(valid[0])}."
    return f"{metric_entry(cells[0].metric).title}: no valid figure."


def _figure(cell: Cell) -> str:
    bound = "at least " if cell.state is State.LOWER_BOUND else ""
    return bound + notation.quantity(cell.value, cell.unit)


def table_of(drawing: Drawing, cells: list[Cell]) -> Table:
    rows = tuple(
        (
            drawing.label(cell.broker),
            metric_entry(cell.metric).title,
            cell.phase or "whole run",
            cell_text(cell),
            cell.interval or "none",
            notation.ratio(cell.ratio) if cell.ratio is not None else "no ratio",
            str(cell.n),
        )
        for cell in cells
    )
    return Table(("broker", "figure", "phase", "median (interval)", "interval is", "to baseline", "runs"), rows)
