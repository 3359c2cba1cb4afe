"""The forest plot: each figure's ratio to the baseline with its interval on a log axis, over the band of the noise."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from harness.model.result import State
from harness.reporting import notation
from harness.reporting.figures.base import (
    Drawing,
    Figure,
    Table,
    axis_title,
    escape_plot,
    plot_of,
    slug,
    workload_title,
)
from harness.reporting.palette import BAND, INK
from harness.reporting.scorecard import ScoreCell, ScoreRow, figure_row

ROW_PX = 44
_OWN = ("generator_lag", "offered_in_time", "acknowledged_in_time", "delivered_in_time", "longest_gap")


def oriented(
    low: float | None, middle: float | None, high: float | None, better: str
) -> tuple[float, float, float] | None:
    """A ratio so that more than 1 is better than the baseline: where less is better it is turned over. None without one."""
    if middle is None or middle <= 0:
        return None
    bottom = low if low is not None and low > 0 else middle
    top = high if high is not None and high > 0 else middle
    return (1 / top, 1 / middle, 1 / bottom) if better == "lower" else (bottom, middle, top)


def ratio_rows(drawing: Drawing, workload: str) -> list[ScoreRow]:
    """Every metric and phase of a workload in which some broker has a ratio."""
    keys = dict.fromkeys(
        (cell.metric, cell.phase)
        for cell in drawing.result.cells
        if cell.workload == workload and cell.ratio is not None and cell.better != "neither" and drawn(cell.metric)
    )
    return [figure_row(drawing.result, workload, metric, phase) for metric, phase in keys]


def drawn(metric: str) -> bool:
    """Whether a metric belongs in the figure; single groups, quantiles between and the generator's own are in the tables alone."""
    return (
        not metric.startswith("throughput_delivered_")
        and not metric.endswith(("_p90", "_p95"))
        and not metric.startswith(_OWN)
    )


def forest(drawing: Drawing, workload: str) -> Figure | None:
    rows = ratio_rows(drawing, workload)
    if not rows:
        return None
    height = 110 + ROW_PX * len(rows)
    return Figure(
        id=slug("ratios", workload),
        title=f"{workload_title(workload)}: ratios to {drawing.label(rows[0].baseline)}",
        sentence=_sentence(drawing, rows),
        table=_table(drawing, rows),
        plot=_plot(drawing, rows, height),
        height_px=height,
    )


def _name(row: ScoreRow) -> str:
    return row.short + (f" · {row.phase}" if row.phase else "")


def _plot(drawing: Drawing, rows: list[ScoreRow], height: int) -> dict[str, Any]:
    brokers = [name for name in drawing.brokers() if any(_oriented(row, name) for row in rows)]
    shapes: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        band = row.noise and oriented(row.noise.ratio_low, 1.0, row.noise.ratio_high, row.better)
        if band:
            shapes.append(
                {
                    "type": "rect",
                    "layer": "below",
                    "x0": band[0],
                    "x1": band[2],
                    "y0": -index - 0.45,
                    "y1": -index + 0.45,
                    "fillcolor": BAND[0],
                    "line": {"width": 0},
                }
            )
    shapes.append(
        {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": INK[0], "width": 1}}
    )
    traces = [_trace(drawing, rows, name, number, len(brokers)) for number, name in enumerate(brokers)]
    found = [one for row in rows for name in brokers if (one := _oriented(row, name)) is not None]
    most = max((max(one[2], 1 / one[0]) for one in found), default=2.0)
    ticks, edge = ticks_for(most), math.log10(max(most * 1.1, 1.6))
    layout = {
        "shapes": shapes,
        "xaxis": {
            "type": "log",
            "title": axis_title("← worse · better →"),
            "tickvals": ticks,
            "ticktext": [tick_text(tick) for tick in ticks],
            "tickangle": 0,
            "range": [-edge, edge],
        },
        "yaxis": {
            "tickvals": [-index for index in range(len(rows))],
            "ticktext": [escape_plot(_name(row)) for row in rows],
            "range": [-len(rows) + 0.4, 0.6],
            "showgrid": False,
        },
    }
    return plot_of(traces, layout, height)


def ticks_for(most: float) -> list[float]:
    """At most seven round ratios, alike on both sides of 1, whose outermost is about ``most`` or more."""
    for steps in ((1.5, 2), (2, 3), (2, 5), (3, 10), (5, 30), (10, 100), (10, 100, 1000), (100, 10_000)):
        if steps[-1] >= most:
            break
    return [*(1 / step for step in reversed(steps)), 1, *(float(step) for step in steps)]


def tick_text(tick: float) -> str:
    if tick >= 1:
        return f"{tick:g}×"
    times = 1 / tick
    return f"1/{round(times, 1) if times < 2 else round(times):g}"


def _oriented(row: ScoreRow, broker: str) -> tuple[float, float, float] | None:
    cell = row.cells[broker]
    if cell.state in (State.INVALID, State.NOT_COMPARABLE):
        return None
    return oriented(cell.ratio_low, cell.ratio, cell.ratio_high, row.better)


def _trace(drawing: Drawing, rows: list[ScoreRow], broker: str, number: int, of: int) -> go.Scatter:
    mark = drawing.marks[broker]
    offset = (number - (of - 1) / 2) * min(0.25, 0.8 / max(of, 1))
    points = [(index, row, found) for index, row in enumerate(rows) if (found := _oriented(row, broker)) is not None]
    return go.Scatter(
        x=[found[1] for _, _, found in points],
        y=[-index - offset for index, _, _ in points],
        mode="markers",
        name=escape_plot(drawing.label(broker)),
        marker={"symbol": mark.symbol, "size": 10, "color": mark.light},
        error_x={
            "type": "data",
            "array": [found[2] - found[1] for _, _, found in points],
            "arrayminus": [found[1] - found[0] for _, _, found in points],
            "color": mark.light,
            "thickness": 2,
            "width": 4,
        },
        text=[
            escape_plot(f"{_name(row)}: {row.cells[broker].word}, as measured {_as_measured(row.cells[broker])}")
            for _, row, _ in points
        ],
        hovertemplate="%{text}<extra>" + escape_plot(drawing.label(broker)) + "</extra>",
    )


def _as_measured(cell: ScoreCell) -> str:
    interval = notation.ratio_span(cell.ratio_low, cell.ratio_high)
    return notation.ratio(cell.ratio) + (f" ({interval})" if interval else "")


def _sentence(drawing: Drawing, rows: list[ScoreRow]) -> str:
    counts = {State.BETTER: 0, State.WORSE: 0, State.WITHIN_NOISE: 0}
    for row in rows:
        for cell in row.cells.values():
            if cell.ratio is not None and cell.state in counts:
                counts[cell.state] += 1
    baseline = drawing.label(rows[0].baseline)
    undecided = sum(cell.undecided for row in rows for cell in row.cells.values() if cell.ratio is not None)
    of_them = f" ({undecided} of them undecided)" if undecided else ""
    return (
        f"Of {sum(counts.values())} ratios to {baseline}, {counts[State.BETTER]} are better, {counts[State.WORSE]} worse and "
        f"{counts[State.WITHIN_NOISE]} within the noise{of_them}. Right of the line is better, also where less is better; the grey band "
        f"is how far {baseline} differs from itself. A ratio is held against the noise of its two brokers, which may be wider."
    )


def _table(drawing: Drawing, rows: list[ScoreRow]) -> Table:
    body = []
    for row in rows:
        noise = notation.ratio_span(row.noise.ratio_low, row.noise.ratio_high) + "×" if row.noise else "not measured"
        for name, cell in row.cells.items():
            if cell.ratio is not None:
                body.append((_name(row), drawing.label(name), _as_measured(cell), noise, cell.word, str(cell.n)))
    return Table(("figure", "broker", "ratio as measured (interval)", "noise", "state", "runs"), tuple(body))
