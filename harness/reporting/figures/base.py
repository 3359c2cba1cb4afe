"""What every figure shares: its sentence and its table, the layout, the marks of the brokers. Plotly draws, Python decides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from harness.model.result import Cell, Curve, Result
from harness.reporting import notation
from harness.reporting.palette import GRID, INK, MUTED, Mark

CURVE_POINTS_MAX = 210  # of a line in a figure; the embedded result keeps what was recorded
TRANSPARENT = "rgba(0,0,0,0)"


@dataclass(frozen=True, slots=True)
class Table:
    """Column titles and rows of ready text; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the page: what it shows in a sentence, the drawing as plotly's JSON, and the same as a table."""

    id: str
    title: str
    sentence: str
    table: Table
    plot: Mapping[str, Any] = field(default_factory=dict)
    height_px: int = 320

    @property
    def plot_json(self) -> str:
        return json.dumps(self.plot, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a figure is drawn from."""

    result: Result
    marks: Mapping[str, Mark]

    def label(self, broker: str) -> str:
        return next((column.label for column in self.result.brokers if column.name == broker), broker)

    def brokers(self) -> list[str]:
        return [column.name for column in self.result.brokers]

    def cells(self, workload: str, metric: str) -> list[Cell]:
        """Cells of one metric in the brokers' order; those of phases follow one another."""
        order = {name: number for number, name in enumerate(self.brokers())}
        found = [cell for cell in self.result.cells if cell.workload == workload and cell.metric == metric]
        return sorted(found, key=lambda cell: (cell.phase, order.get(cell.broker, len(order))))

    def curves(self, workload: str, kind: str) -> list[Curve]:
        order = {name: number for number, name in enumerate(self.brokers())}
        found = [curve for curve in self.result.curves if curve.workload == workload and curve.kind == kind]
        return sorted(found, key=lambda curve: (order.get(curve.broker, len(order)), curve.repeat))


def plot_of(traces: Sequence[Any], layout: Mapping[str, Any], height_px: int) -> dict[str, Any]:
    """A validated plotly figure as plain data: unknown properties raise here, not in a reader's browser."""
    figure = go.Figure(data=list(traces), layout=_layout(layout, height_px))
    document = figure.to_plotly_json()
    document["layout"].pop("template", None)
    return _plain(document)  # type: ignore[no-any-return]


def _layout(extra: Mapping[str, Any], height_px: int) -> dict[str, Any]:
    axis = {
        "gridcolor": GRID[0],
        "linecolor": GRID[0],
        "zeroline": False,
        "automargin": True,
        "tickfont": {"color": MUTED[0], "size": 12},
        "fixedrange": False,
    }
    base: dict[str, Any] = {
        "template": "none",
        "height": height_px,
        "margin": {"l": 8, "r": 16, "t": 8, "b": 40},
        "paper_bgcolor": TRANSPARENT,
        "plot_bgcolor": TRANSPARENT,
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK[0]},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
        "hoverlabel": {"font": {"size": 12}},
        "hovermode": "closest",
        "dragmode": False,
    }
    merged = {**base, **extra}
    for name in ("xaxis", "yaxis"):
        merged[name] = {**axis, **extra.get(name, {})}
    return merged


def axis_title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"color": MUTED[0], "size": 12}}


def _plain(value: Any) -> Any:
    """Lists and numbers that JSON has: numbers to five significant digits, what is not finite as null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return value
    number = float(value)
    return float(f"{number:.5g}") if math.isfinite(number) else None


def thin(curve: Curve, points_max: int = CURVE_POINTS_MAX) -> tuple[list[float], list[float]]:
    """At most ``points_max`` points of a curve, in order; each bucket keeps its lowest and its highest point."""
    size = len(curve.x)
    if size <= points_max:
        return list(curve.x), list(curve.y)
    buckets = max(1, points_max // 2)
    kept: set[int] = {0, size - 1}
    for bucket in range(buckets):
        indexes = range(bucket * size // buckets, max(bucket * size // buckets + 1, (bucket + 1) * size // buckets))
        kept.add(min(indexes, key=curve.y.__getitem__))
        kept.add(max(indexes, key=curve.y.__getitem__))
    order = sorted(kept)[: points_max + 2]
    return [curve.x[index] for index in order], [curve.y[index] for index in order]


def line_trace(drawing: Drawing, curve: Curve, *, first: bool, name: str = "", faint: bool = False) -> go.Scatter:
    """A curve of one run: the broker's colour, dash and symbol; only the first of a group is in the legend."""
    mark = drawing.marks[curve.broker]
    x, y = thin(curve, CURVE_POINTS_MAX // 3 if faint else CURVE_POINTS_MAX)
    label = name or drawing.label(curve.broker)
    every = max(1, len(x) // 8)
    sizes = [7 if index % every == every // 2 else 0 for index in range(len(x))]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines" if faint else "lines+markers",
        name=escape_plot(label),
        legendgroup=escape_plot(label),
        showlegend=first,
        opacity=0.4 if faint else 1.0,
        line={"color": mark.light, "dash": mark.dash, "width": 1.2 if faint else 2.2},
        marker={"symbol": mark.symbol, "size": sizes if not faint else 0, "color": mark.light, "line": {"width": 0}},
    )


def escape_plot(text: str) -> str:
    """Plotly reads a little HTML in its texts; text from elsewhere must not be any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cell_text(cell: Cell) -> str:
    """``12.3 ms (11.2–14.0)`` or the state in words with its reason."""
    from harness.reporting.states import look

    if cell.value is None:
        return f"{look(cell.state).word}: {cell.reason}" if cell.reason else look(cell.state).word
    interval = notation.span(cell.low, cell.high, cell.unit, like=cell.value)
    text = notation.quantity(cell.value, cell.unit) + (f" ({interval})" if interval else "")
    return f"{text}, {look(cell.state).word}" if cell.state.value in ("invalid", "lower_bound") else text


def workload_title(name: str) -> str:
    return name.replace("_", " ")


def slug(*parts: str) -> str:
    """An id for the page: letters, digits and dashes only."""
    text = "-".join(parts).lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)


def unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
