"""The rows of `harness bench pylog` as one offline page: the table, and how both brokers grow, on one chart an axis."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

BROKERS = (("kafka", "Apache Kafka", "#c25b12", "square", "dash"), ("pylog", "pylog", "#1f6fb2", "circle", "solid"))
AXES = {"partitions": "partitions", "connections": "connections, one request in flight each", "bytes": "bytes a record"}
FIGURES = (("rate", "rate"), ("p50", "p50, us"), ("p99", "p99, us"))
_ROW = re.compile(r"(partitions|connections|bytes)=(\d+) (rate|p50|p99)")


def write_page(document: Mapping[str, Any], path: Path) -> None:
    """One self-contained file; everything that is text is escaped."""
    rows = [
        {**row, "kafka_text": _figure(row["kafka_median"]), "pylog_text": _figure(row["pylog_median"])}
        for row in document["rows"]
    ]
    figures = [
        {"title": f"Growth with {AXES[axis]}", "sentence": _sentence(axis, document["rows"]), "html": html}
        for axis, html in _charts(document["rows"])
    ]
    page = (
        Environment(autoescape=True)
        .from_string(resources.files(__package__).joinpath("pylog_page.html.j2").read_text(encoding="utf-8"))
        .render(
            pairs=len(document["order"]) // 2,
            order=" ".join(document["order"]),
            environment=", ".join(f"{name}: {value}" for name, value in document["environment"].items()),
            versions=document["versions"],
            figures=figures,
            rows=rows,
            document=json.dumps(document).replace("<", "\\u003c"),
        )
    )
    if figures:
        page = page.replace("</head>", f"<script>{get_plotlyjs()}</script></head>", 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _series(rows: Sequence[Mapping[str, Any]], axis: str, figure: str) -> dict[int, Mapping[str, Any]]:
    found = {}
    for row in rows:
        match = _ROW.fullmatch(row["name"])
        if match and (match.group(1), match.group(3)) == (axis, figure):
            found[int(match.group(2))] = row
    return found


def _charts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    charts = []
    for axis, axis_title in AXES.items():
        if not _series(rows, axis, "rate"):
            continue
        figure = make_subplots(rows=1, cols=len(FIGURES), subplot_titles=[title for _, title in FIGURES])
        for column, (name, _) in enumerate(FIGURES, start=1):
            series = _series(rows, axis, name)
            for broker, label, colour, symbol, dash in BROKERS:
                values = [statistics.median(row[broker]) for row in series.values()]
                figure.add_trace(
                    go.Scatter(
                        x=list(series),
                        y=values,
                        name=label,
                        legendgroup=broker,
                        showlegend=column == 1,
                        mode="lines+markers",
                        line={"color": colour, "dash": dash},
                        marker={"symbol": symbol, "size": 9},
                        error_y={
                            "type": "data",
                            "symmetric": False,
                            "array": [max(row[broker]) - mid for row, mid in zip(series.values(), values, strict=True)],
                            "arrayminus": [
                                mid - min(row[broker]) for row, mid in zip(series.values(), values, strict=True)
                            ],
                        },
                    ),
                    row=1,
                    col=column,
                )
        figure.update_xaxes(type="log", title=axis_title)
        figure.update_yaxes(type="log")
        figure.update_layout(template="plotly_white", height=380, margin={"l": 50, "r": 20, "t": 40, "b": 50})
        charts.append((axis, figure.to_html(full_html=False, include_plotlyjs=False, config={"responsive": True})))
    return charts


def _sentence(axis: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The chart in words."""
    series = _series(rows, axis, "rate")
    parts = [f"{value:,}: {row['ratio_median']:.2f}" for value, row in series.items()]
    return f"Rate of pylog over Kafka's at {AXES[axis]} of {', '.join(parts)}."


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
