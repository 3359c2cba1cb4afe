"""Figures against a parameter that grows: points with their intervals, log axes, the first value that was not sustained marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from harness.model.result import Cell, State
from harness.model.sweep import PARAMETER_WORDS, Sweep, SweepFigure, SweepPoint, value_text
from harness.reporting.figures.base import (
    Figure,
    Table,
    axis_title,
    cell_text,
    escape_plot,
    plot_of,
    slug,
)
from harness.reporting.figures.latency import log_ticks
from harness.reporting.palette import MUTED, OUTCOMES, Mark, marks

HEIGHT_PX = 360
SCALING = ("members", "publishers")
ROOM = 1.6  # of a log axis above the highest point, for a mark without a figure


@dataclass(frozen=True, slots=True)
class Kind:
    """One figure of the page: the document's name for it, its title, and what it means."""

    name: str
    title: str
    sentence: str


KINDS: Sequence[Kind] = (
    Kind("latency_p99", "p99 end to end", "Ninety-nine of a hundred first deliveries came within it, counted from the intended time."),
    Kind("latency_p50", "p50 end to end", "Half of the first deliveries came within it, counted from the intended time."),
    Kind("throughput_out", "Throughput out", ""),
    Kind("throughput_in", "Throughput in", ""),
    Kind("broker_cpu", "Broker processor time a message", "All its processes, the phase and its drain, for each acknowledged message."),
)  # fmt: skip
_THROUGHPUT: Mapping[str, str] = {
    "acknowledged_in_time": "Acknowledged by 500 ms after the phase, as a rate; the dotted line is what was offered.",
    "delivered_in_time": "Come to the slowest group by 500 ms after the phase, as a rate; the dotted line is what was offered.",
    "throughput_acknowledged": "Acknowledged a second while flooded through a fixed window (closed loop).",
    "throughput_delivered": "First deliveries a second to all groups together while flooded through a fixed window (closed loop).",
}


def sweep_figures(sweep: Sweep) -> tuple[Figure, ...]:
    """Those of which any broker has a value."""
    return tuple(figure for kind in KINDS if (figure := _figure(sweep, kind)) is not None)


def _figure(sweep: Sweep, kind: Kind) -> Figure | None:
    found = [point.figures[kind.name] for point in sweep.points if kind.name in point.figures]
    drawn = [one for one in found if one.value is not None]
    if not drawn:
        return None
    return Figure(
        id=slug("sweep", kind.name),
        title=f"{kind.title} against {PARAMETER_WORDS[sweep.parameter]}",
        sentence=_sentence(sweep, kind, drawn),
        table=_table(sweep, kind),
        plot=_plot(sweep, kind, drawn),
        height_px=HEIGHT_PX,
    )


def _sentence(sweep: Sweep, kind: Kind, drawn: Sequence[SweepFigure]) -> str:
    parts = [kind.sentence or _THROUGHPUT.get(drawn[0].metric, "")]
    interval = next((one.interval for one in drawn if one.interval), "")
    parts.append(f"Lines at the points: {interval}." if interval else "One run a point: no interval.")
    if any(_is_open(sweep, point, kind.name) for point in sweep.points):
        parts.append("Hollow: not sustained, or not to be judged.")
    return " ".join(part for part in parts if part)


def figure_text(figure: SweepFigure | None) -> str:
    """``12.3 ms (11.2–14.0)``, or why there is none."""
    if figure is None or (figure.value is None and not figure.reason):
        return "none"
    if figure.value is None:
        return "none"
    cell = Cell(workload="", broker="", metric=figure.metric, state=figure.state, value=figure.value, low=figure.low,
                high=figure.high, unit=figure.unit)  # fmt: skip
    return cell_text(cell) + (f", {figure.caveat.partition(':')[0]}" if figure.caveat else "")


def _table(sweep: Sweep, kind: Kind) -> Table:
    labels = {column.name: column.label for column in sweep.brokers}
    rows = tuple(
        (value_text(sweep.parameter, value), *(figure_text(_at(sweep, name, value, kind.name)) for name in labels))
        for value in sweep.values
    )
    return Table((PARAMETER_WORDS[sweep.parameter], *labels.values()), rows)


def _at(sweep: Sweep, broker: str, value: float, name: str) -> SweepFigure | None:
    point = next((one for one in sweep.points if (one.broker, one.value) == (broker, value)), None)
    return None if point is None else point.figures.get(name)


def _is_open(sweep: Sweep, point: SweepPoint, name: str) -> bool:
    """A figure to be read with care; a late generator spoils what it offered, and no flood."""
    figure = point.figures.get(name)
    if figure is None or figure.value is None:
        return False
    flooded = figure.metric.startswith("throughput_")
    return figure.state is State.INVALID or point.held == "not_sustained" or (point.held == "unknown" and not flooded)


def _plot(sweep: Sweep, kind: Kind, drawn: Sequence[SweepFigure]) -> dict[str, Any]:
    look = marks([column.name for column in sweep.brokers])
    traces: list[Any] = []
    ends = [number for one in drawn for number in (one.value, one.low, one.high) if number is not None and number > 0]
    offered = [rate for rate in sweep.rate_per_s if rate is not None]
    served = drawn[0].metric in ("acknowledged_in_time", "delivered_in_time")
    if served:
        ends += offered
    limit = sweep.limit_ms if kind.name == "latency_p99" else None
    ends += [limit] if limit is not None else []
    top = max(ends, default=1.0) * ROOM
    if served:
        traces.append(_reference(sweep.values, [rate or 0.0 for rate in sweep.rate_per_s], "offered"))
    elif kind.name.startswith("throughput") and sweep.parameter in SCALING:
        traces += _ideal(sweep, kind)
    for column in sweep.brokers:
        points = [one for one in sweep.points if one.broker == column.name]
        traces += _broker(sweep, kind, points, escape_plot(column.label), look[column.name])
    traces += _broken(sweep, kind, top)
    ticks = log_ticks(ends)
    layout: dict[str, Any] = {
        "xaxis": {
            "type": "log",
            "title": axis_title(PARAMETER_WORDS[sweep.parameter] + (", msg/s" if sweep.parameter == "rate" else "")),
            "tickvals": list(sweep.values),
            "ticktext": [value_text(sweep.parameter, value).removesuffix(" msg/s") for value in sweep.values],
            "range": _range(sweep.values, 0.12),
        },
        "yaxis": {
            "type": "log",
            "title": axis_title({"us": "µs"}.get(drawn[0].unit, drawn[0].unit)),
            "tickvals": ticks,
            "ticktext": [f"{tick:,g}" for tick in ticks],
            "range": [math.log10(min(ends, default=1.0) / ROOM), math.log10(top)],
        },
        "shapes": _lines(sweep, limit),
        "annotations": _words(sweep, limit),
    }
    return plot_of(traces, layout, HEIGHT_PX)


def _range(values: Sequence[float], margin: float) -> list[float]:
    """A log axis over the values, with room for the symbols at its ends."""
    low, high = math.log10(values[0]), math.log10(values[-1])
    room = max((high - low) * margin, 0.08)
    return [low - room, high + room]


def _broker(sweep: Sweep, kind: Kind, points: Sequence[SweepPoint], label: str, mark: Mark) -> list[go.Scatter]:
    shown = [(one, figure) for one in points if (figure := one.figures.get(kind.name)) and figure.value is not None]
    if not shown:
        return []
    figures = [figure for _, figure in shown]
    values = [figure.value or 0.0 for figure in figures]
    up = [
        max(0.0, figure.high - value) if figure.high is not None else 0.0
        for figure, value in zip(figures, values, strict=True)
    ]
    down = [
        max(0.0, value - figure.low) if figure.low is not None else 0.0
        for figure, value in zip(figures, values, strict=True)
    ]
    hollow = [_is_open(sweep, one, kind.name) for one, _ in shown]
    return [
        go.Scatter(
            x=[one.value for one, _ in shown],
            y=values,
            mode="lines+markers",
            name=label,
            line={"color": mark.light, "dash": mark.dash, "width": 2},
            marker={
                "symbol": [mark.symbol + ("-open" if is_open else "") for is_open in hollow],
                "size": 10,
                "color": mark.light,
                "line": {"width": 1.6, "color": mark.light},
            },
            error_y={
                "type": "data", "symmetric": False, "array": up, "arrayminus": down,
                "color": mark.light, "thickness": 1.4, "width": 4,
            },
            text=[escape_plot(f"{value_text(sweep.parameter, one.value)}: {figure_text(figure)}") for one, figure in shown],
            hovertemplate=f"{label}<br>%{{text}}<extra></extra>",
        )
    ]  # fmt: skip


def _broken(sweep: Sweep, kind: Kind, top: float) -> list[go.Scatter]:
    """A cross at each broker's first value that was not sustained; at the upper edge where it has no figure."""
    x, y, text = [], [], []
    for answer in sweep.answers:
        if answer.first is None:
            continue
        figure = _at(sweep, answer.broker, answer.first, kind.name)
        x.append(answer.first)
        y.append(figure.value if figure is not None and figure.value else top / 1.15)
        label = next((one.label for one in sweep.brokers if one.name == answer.broker), answer.broker)
        text.append(escape_plot(f"{label}: {value_text(sweep.parameter, answer.first)} not sustained"))
    if not x:
        return []
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            name="first not sustained",
            marker={"symbol": "x-thin", "size": 17, "color": OUTCOMES["lost"][0], "line": {"width": 2.6, "color": OUTCOMES["lost"][0]}},
            text=text,
            hovertemplate="%{text}<extra></extra>",
        )
    ]  # fmt: skip


def _reference(x: Sequence[float], y: Sequence[float], name: str) -> go.Scatter:
    line = {"color": MUTED[0], "dash": "dot", "width": 1.2}
    return go.Scatter(x=list(x), y=list(y), mode="lines", name=name, line=line, hoverinfo="skip")


def _ideal(sweep: Sweep, kind: Kind) -> list[go.Scatter]:
    """In proportion to the parameter, from the first value of the first broker that has one."""
    for column in sweep.brokers:
        figure = _at(sweep, column.name, sweep.values[0], kind.name)
        if figure is not None and figure.value:
            y = [figure.value * value / sweep.values[0] for value in sweep.values]
            return [_reference(sweep.values, y, f"ideal for {escape_plot(column.label)}")]
    return []


def _shown_partitions(sweep: Sweep) -> bool:
    return sweep.parameter == "members" and sweep.values[0] <= sweep.partitions <= sweep.values[-1]


def _lines(sweep: Sweep, limit: float | None) -> list[dict[str, Any]]:
    line = {"color": MUTED[0], "dash": "dash", "width": 1}
    found = []
    if limit is not None:
        found.append({"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit, "line": line})
    if _shown_partitions(sweep):
        place = sweep.partitions
        found.append({"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": place, "x1": place, "line": line})
    return found


def _words(sweep: Sweep, limit: float | None) -> list[dict[str, Any]]:
    plain = {"showarrow": False, "font": {"size": 11, "color": MUTED[0]}}
    found = []
    if limit is not None:
        text = {"text": f"limit {limit:g} ms", "xref": "paper", "x": 0, "y": math.log10(limit), "xanchor": "left"}
        found.append({**plain, **text, "yanchor": "bottom"})
    if _shown_partitions(sweep):
        text = {"text": "as many members as partitions", "yref": "paper", "y": 1, "xanchor": "right", "textangle": 0}
        found.append({**plain, **text, "x": math.log10(sweep.partitions), "yanchor": "top"})
    return found
