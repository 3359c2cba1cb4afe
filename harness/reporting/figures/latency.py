"""Latency from the intended time: quantiles on an axis that spreads the tail, log(1/(1-q)), and the p50 and p99 as a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.model.result import Curve, State
from harness.reporting import notation
from harness.reporting.figures.base import (
    Drawing,
    Figure,
    Table,
    axis_title,
    cell_text,
    line_trace,
    plot_of,
    slug,
    unique,
    workload_title,
)
from harness.reporting.metrics import metric as metric_entry

HEIGHT_PX = 380
REPEATS_DRAWN = 5
AT_MOST = f", {REPEATS_DRAWN} lines a broker at most"
CALM_PHASES = ("paced", "steady")
QUANTILES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of latency: the curve that shows it, the metrics that belong in its table."""

    curve: str
    metrics: tuple[str, ...]
    words: str


def latency(drawing: Drawing, workload: str, kind: Kind) -> Figure | None:
    """None when the workload has neither curve nor figure of this kind."""
    phase = main_phase(drawing, workload, kind)
    curves = [curve for curve in drawing.curves(workload, kind.curve) if curve.label == phase]
    cells = [cell for name in kind.metrics for cell in drawing.cells(workload, name)]
    if not curves and not cells:
        return None
    return Figure(
        id=slug("latency", kind.curve, workload),
        title=f"{workload_title(workload)}: {kind.words}" + (f", phase {phase}" if phase else ""),
        sentence=_sentence(drawing, curves, kind),
        table=_table(drawing, workload, kind),
        plot=_plot(drawing, curves) if curves else {},
        height_px=HEIGHT_PX,
    )


def main_phase(drawing: Drawing, workload: str, kind: Kind) -> str:
    """The phase that is drawn: the usual names first, then the first one without a fault. The others are in the table."""
    found = unique(curve.label for curve in drawing.curves(workload, kind.curve))
    faults = {fault.phase for run in drawing.result.runs if run.workload == workload for fault in run.faults}
    calm = [name for name in found if name not in faults]
    return next((name for name in CALM_PHASES if name in calm), (calm or found or [""])[0])


def tail_axis(curve: Curve) -> Curve:
    """``x`` as 1/(1-q), which a log axis spreads evenly over the nines. A quantile of 1 has no place and is left out."""
    points = [(1 / (1 - q), y) for q, y in zip(curve.x, curve.y, strict=True) if 0 <= q < 1 and y > 0]
    return curve.model_copy(update={"x": [x for x, _ in points], "y": [y for _, y in points]})


def _plot(drawing: Drawing, curves: list[Curve]) -> dict[str, Any]:
    traces = []
    seen: Counter[str] = Counter()
    for curve in curves:
        lines = seen[curve.broker]
        seen[curve.broker] += 1
        if lines < REPEATS_DRAWN:
            traces.append(line_trace(drawing, tail_axis(curve), first=lines == 0, faint=lines > 0))
    ticks = log_ticks([y for curve in curves for y in curve.y if y > 0])
    layout = {
        "hovermode": "closest",
        "xaxis": {
            "type": "log",
            "title": axis_title("share of messages that were at least this fast"),
            "tickvals": [1 / (1 - q) for q in QUANTILES],
            "ticktext": [f"{q * 100:g} %" for q in QUANTILES],
        },
        "yaxis": {
            "type": "log",
            "title": axis_title(f"latency, {curves[0].y_unit}"),
            "tickvals": ticks,
            "ticktext": [f"{tick:,g}" for tick in ticks],
        },
    }
    return plot_of(traces, layout, HEIGHT_PX)


def log_ticks(values: Sequence[float]) -> list[float]:
    """Round values over the range: 1-2-5 over little more than a decade, 1-3 over a few, powers of ten beyond."""
    if not values:
        return [1.0]
    low, high = math.log10(min(values)), math.log10(max(values))
    steps = (1, 2, 5) if high - low < 1.7 else (1, 3) if high - low < 3.2 else (1,)
    exponents = range(math.floor(low) - 1, math.ceil(high) + 1)
    return [float(f"{step}e{exponent}") for exponent in exponents for step in steps]


def _sentence(drawing: Drawing, curves: list[Curve], kind: Kind) -> str:
    if not curves:
        return "No distribution was recorded; the figures are in the table."
    ends = []
    for broker in unique(curve.broker for curve in curves):
        first = next(curve for curve in curves if curve.broker == broker)
        if first.y:
            share = f"{first.x[-1] * 100:.4g} %"
            bad = _invalid(drawing, first, kind)
            ends.append(f"{drawing.label(broker)} {notation.quantity(first.y[-1], first.y_unit)} at {share}{bad}")
    return (
        f"Counted from the intended time. Each line ends where fewer than ten samples lie beyond it: {notation.listing(ends)}. "
        f"Faint lines are further repeats{AT_MOST}."
    )


def _invalid(drawing: Drawing, curve: Curve, kind: Kind) -> str:
    """The word that belongs beside a curve whose figures must not be used."""
    cells = [cell for name in kind.metrics for cell in drawing.cells(curve.workload, name)]
    mine = [cell for cell in cells if (cell.broker, cell.phase) == (curve.broker, curve.label)]
    return " (invalid)" if any(cell.state is State.INVALID for cell in mine) else ""


def _table(drawing: Drawing, workload: str, kind: Kind) -> Table:
    groups = {name: found for name in kind.metrics if (found := drawing.cells(workload, name))}
    keys = unique(f"{cell.phase}\n{cell.broker}" for cells in groups.values() for cell in cells)
    rows = []
    for key in keys:
        phase, broker = key.split("\n")
        texts = []
        for cells in groups.values():
            match = next((cell for cell in cells if (cell.phase, cell.broker) == (phase, broker)), None)
            texts.append(cell_text(match) if match else "too few samples")
        rows.append((drawing.label(broker), phase or "whole run", *texts))
    columns = tuple(metric_entry(name).short for name in groups)
    return Table(("broker", "phase", *columns), tuple(rows))
