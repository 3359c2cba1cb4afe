"""Lines over a run's time: rate with the fault marked, and how long each priority class waited."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from harness.model.result import Curve, FaultRecord, State
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
BEFORE_S = 1.0
AFTER_S = 2.0
WAIT_MIN = 0.01  # the left edge of a log axis
CLASS_DASHES = ("dot", "dash", "solid", "dashdot", "longdash", "longdashdot")


def recovery(drawing: Drawing, workload: str, kind: str, label: str) -> Figure | None:
    """Rate around the kill, the kill at 0: the first repeat of each broker that has both. None without such curves."""
    first: dict[str, tuple[Curve, FaultRecord]] = {}
    for curve in drawing.curves(workload, kind):
        kill = _kill(drawing, curve)
        if curve.label in ("", label) and kill is not None and curve.broker not in first:
            first[curve.broker] = (around(curve, kill, _phase_start_s(drawing, curve, kill)), kill)
    if not first:
        return None
    return Figure(
        id=slug("recovery", workload),
        title=f"{workload_title(workload)}: {label} a second, through the kill",
        sentence=_recovery_sentence(drawing, [(name, kill) for name, (_, kill) in first.items()]),
        table=_recovery_table(drawing, workload),
        plot=_recovery_plot(drawing, [curve for curve, _ in first.values()]),
        height_px=HEIGHT_PX,
    )


def _kill(drawing: Drawing, curve: Curve) -> FaultRecord | None:
    return next(
        (
            fault
            for run in drawing.result.runs
            if (run.workload, run.broker, run.repeat) == (curve.workload, curve.broker, curve.repeat)
            for fault in run.faults
            if fault.kind == "kill" and fault.bit
        ),
        None,
    )


def _phase_start_s(drawing: Drawing, curve: Curve, kill: FaultRecord) -> float:
    return next(
        (
            phase.start_s
            for run in drawing.result.runs
            if (run.workload, run.broker, run.repeat) == (curve.workload, curve.broker, curve.repeat)
            for phase in run.phases
            if phase.name == kill.phase
        ),
        kill.at_s - BEFORE_S,
    )


def around(curve: Curve, kill: FaultRecord, start_s: float) -> Curve:
    """The curve over seconds since the kill, cut to what belongs to it: a little before, and until some time after recovery."""
    back = max(kill.first_acknowledged_s or 0.0, kill.recovered_s or 0.0)
    points = [
        (x - kill.at_s, y)
        for x, y in zip(curve.x, curve.y, strict=True)
        if x >= start_s and -BEFORE_S <= x - kill.at_s <= back + AFTER_S
    ]
    return curve.model_copy(update={"x": [x for x, _ in points], "y": [y for _, y in points]})


def _recovery_plot(drawing: Drawing, curves: list[Curve]) -> dict[str, Any]:
    traces = [line_trace(drawing, curve, first=True) for curve in curves]
    shapes = [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": OUTCOMES["lost"][0], "width": 2, "dash": "dot"},
        }
    ]
    note = {
        "x": 0,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "xanchor": "left",
        "xshift": 4,
        "text": "kill −9",
        "showarrow": False,
        "font": {"color": OUTCOMES["lost"][0], "size": 12},
    }
    layout = {
        "shapes": shapes,
        "annotations": [note],
        "xaxis": {"title": axis_title("seconds since the kill")},
        "yaxis": {"title": axis_title(curves[0].y_unit), "rangemode": "tozero"},
    }
    return plot_of(traces, layout, HEIGHT_PX)


def _recovery_sentence(drawing: Drawing, kills: list[tuple[str, FaultRecord]]) -> str:
    parts = [
        f"{drawing.label(name)} after {notation.quantity(kill.first_acknowledged_s, 's')}"
        for name, kill in kills
        if kill.first_acknowledged_s is not None
    ]
    text = "First repeat of each broker, the kill at 0."
    text += f" The first message was acknowledged again: {notation.listing(parts)}." if parts else ""
    never = [drawing.label(name) for name, kill in kills if kill.first_acknowledged_s is None]
    return text + (f" Not seen again: an acknowledgement by {notation.listing(never)}." if never else "")


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
                sentence=_waits_sentence(first) + _invalid(drawing, workload, broker),
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
                x=[max(value, WAIT_MIN) for value in x],
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
        "xaxis": {
            "type": "log",
            "dtick": 1,
            "exponentformat": "none",
            "title": axis_title(f"{_words(curves[0].x_unit)}, log"),
        },
        "yaxis": {"title": axis_title(_words(curves[0].y_unit)), "rangemode": "tozero"},
    }
    return plot_of(traces, layout, 300)


def _words(unit: str) -> str:
    return {"ms": "waited, ms", "s": "seconds", "share": "share of the class"}.get(unit, unit)


def _waits_sentence(curves: list[Curve]) -> str:
    names = notation.listing([curve.label or "all" for curve in curves])
    return f"Classes {names}, lowest priority first; where priority is served the heavier line lies left of the lighter ones."


def _invalid(drawing: Drawing, workload: str, broker: str) -> str:
    """Why the waits of a broker must not be used; empty where they may."""
    cells = [cell for cell in drawing.result.cells if (cell.workload, cell.broker) == (workload, broker)]
    bad = [cell for cell in cells if cell.metric.startswith("wait_") and cell.state is State.INVALID]
    return f" Invalid: {bad[0].reason}." if bad else ""


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
