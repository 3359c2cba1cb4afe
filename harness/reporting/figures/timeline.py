"""Lines over a run's time: rate with the fault marked, and how long each priority class waited."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from harness.model.result import Curve, FaultRecord
from harness.reporting import notation
from harness.reporting.figures.base import (
    Drawing,
    Figure,
    Table,
    axis_title,
    escape_plot,
    line_trace,
    plot_of,
    slug,
    thin,
    unique,
    workload_title,
)
from harness.reporting.palette import OUTCOMES

HEIGHT_PX = 360
CLASS_DASHES = ("dot", "dash", "solid", "dashdot", "longdash", "longdashdot")


def recovery(drawing: Drawing, workload: str, kind: str) -> Figure | None:
    """Rate over time of the first repeat of each broker, with the kill marked; None without such curves."""
    curves = drawing.curves(workload, kind)
    if not curves:
        return None
    first = [next(c for c in curves if c.broker == name) for name in unique(curve.broker for curve in curves)]
    faults = {curve.broker: _kills(drawing, curve) for curve in first}
    return Figure(
        id=slug("recovery", workload),
        title=f"{workload_title(workload)}: messages a second through the kill",
        sentence=_recovery_sentence(drawing, faults),
        table=_recovery_table(drawing, workload),
        plot=_recovery_plot(drawing, first, faults),
        height_px=HEIGHT_PX,
    )


def _kills(drawing: Drawing, curve: Curve) -> list[FaultRecord]:
    return [
        fault
        for run in drawing.result.runs
        if (run.workload, run.broker, run.repeat) == (curve.workload, curve.broker, curve.repeat)
        for fault in run.faults
        if fault.kind == "kill"
    ]


def _recovery_plot(drawing: Drawing, curves: list[Curve], faults: dict[str, list[FaultRecord]]) -> dict[str, Any]:
    traces = [line_trace(drawing, curve, first=True) for curve in curves]
    marks = [(fault.at_s, name) for name, found in faults.items() for fault in found]
    if marks:
        traces.append(
            go.Scatter(
                x=[at for at, _ in marks],
                y=[0.0] * len(marks),
                mode="markers",
                name="kill −9",
                marker={"symbol": "x-thin-open", "size": 13, "color": OUTCOMES["lost"][0], "line": {"width": 3}},
                text=[escape_plot(drawing.label(name)) for _, name in marks],
                hovertemplate="%{text} killed at %{x:.2f} s<extra></extra>",
            )
        )
    shapes = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": drawing.marks[name].light, "width": 1, "dash": drawing.marks[name].dash},
            "opacity": 0.6,
        }
        for at, name in marks
    ]
    layout = {
        "shapes": shapes,
        "xaxis": {"title": axis_title("seconds since the start of the run")},
        "yaxis": {"title": axis_title(curves[0].y_unit), "rangemode": "tozero"},
    }
    return plot_of(traces, layout, HEIGHT_PX)


def _recovery_sentence(drawing: Drawing, faults: dict[str, list[FaultRecord]]) -> str:
    parts = [
        f"{drawing.label(name)} after {notation.quantity(fault.first_acknowledged_s, 's')}"
        for name, found in faults.items()
        for fault in found
        if fault.first_acknowledged_s is not None
    ]
    text = "First repeat of each broker; the vertical lines are the kills."
    return text + (f" The first message was acknowledged again: {notation.listing(parts)}." if parts else "")


def _recovery_table(drawing: Drawing, workload: str) -> Table:
    rows = []
    for run in drawing.result.runs:
        if run.workload != workload:
            continue
        for fault in run.faults:
            evidence = "; ".join(f"{key} {value}" for key, value in fault.evidence.items())
            bit = "yes" if fault.bit else "no: says nothing about durability"
            rows.append(
                (
                    f"{drawing.label(run.broker)}, repeat {run.repeat + 1}",
                    fault.kind,
                    notation.quantity(fault.at_s, "s"),
                    bit,
                    notation.quantity(fault.recovered_s, "s"),
                    notation.quantity(fault.first_acknowledged_s, "s"),
                    evidence or "none",
                )
            )
    columns = ("run", "fault", "at", "did it bite?", "ready again after", "first acknowledged after", "evidence")
    return Table(columns, tuple(rows))


def waits(drawing: Drawing, workload: str, kind: str) -> list[Figure]:
    """One figure a broker: cumulative share of each class's messages by the time they waited. First repeat."""
    curves = [curve for curve in drawing.curves(workload, kind) if curve.y]
    figures = []
    for broker in unique(curve.broker for curve in curves):
        here = [curve for curve in curves if curve.broker == broker]
        first = [curve for curve in here if curve.repeat == here[0].repeat]
        figures.append(
            Figure(
                id=slug("wait", workload, broker),
                title=f"{workload_title(workload)}: waiting by class on {drawing.label(broker)}",
                sentence=_waits_sentence(first),
                table=_waits_table(first),
                plot=_waits_plot(drawing, broker, first),
                height_px=300,
            )
        )
    return figures


def _waits_plot(drawing: Drawing, broker: str, curves: list[Curve]) -> dict[str, Any]:
    mark = drawing.marks[broker]
    traces = []
    for number, curve in enumerate(curves):
        x, y = thin(curve)
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                name=escape_plot(curve.label or "all"),
                line={
                    "color": mark.light,
                    "dash": CLASS_DASHES[number % len(CLASS_DASHES)],
                    "width": 1.6 + 0.7 * number,
                },
            )
        )
    layout = {
        "xaxis": {"title": axis_title(f"{_words(curves[0].x_unit)}")},
        "yaxis": {"title": axis_title(_words(curves[0].y_unit)), "rangemode": "tozero"},
    }
    return plot_of(traces, layout, 300)


def _words(unit: str) -> str:
    return {"ms": "waited, ms", "s": "seconds", "share": "share of the class"}.get(unit, unit)


def _waits_sentence(curves: list[Curve]) -> str:
    names = notation.listing([curve.label or "all" for curve in curves])
    return f"Classes {names}, lowest priority first; where priority is served the heavier line lies left of the lighter ones."


def _waits_table(curves: list[Curve]) -> Table:
    rows = tuple(
        (
            curve.label or "all",
            str(len(curve.x)),
            notation.quantity(curve.x[-1], curve.x_unit),
            notation.quantity(curve.y[-1], curve.y_unit),
        )
        for curve in curves
    )
    return Table(("class", "points", "last at", "value there"), rows)
