"""What became of the messages: delivered, acknowledged and lost, delivered twice, delivered though never acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from harness.model.verdict import Validity
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
from harness.reporting.palette import OUTCOMES
from harness.reporting.scorecard import judged


@dataclass(frozen=True, slots=True)
class Fate:
    """One segment: its name, colour and pattern, and the counts (checker, count) it may be found under, first wins."""

    key: str
    title: str
    pattern: str
    sources: tuple[tuple[str, str], ...]


def durability(drawing: Drawing, workload: str, tier: str, fates: Sequence[Fate]) -> Figure | None:
    """Stacked bars, one a broker, over all repeats; None when nobody was judged."""
    table = {name: found for name in drawing.brokers() if (found := fates_of(drawing, workload, name, fates))}
    if not table:
        return None
    if not any(row.get("aside") for row in table.values()):
        fates = [fate for fate in fates if fate.key != "aside"]
    height = 140 + 40 * len(table)
    return Figure(
        id=slug("durability", workload),
        title=f"{workload_title(workload)}: what became of the messages, tier {tier}",
        sentence=_sentence(drawing, workload, table),
        table=_table(drawing, table, fates),
        plot=_plot(drawing, workload, table, fates, height),
        height_px=height,
    )


def fates_of(drawing: Drawing, workload: str, broker: str, fates: Sequence[Fate]) -> dict[str, int]:
    """Fate -> messages over all repeats; fates that no verdict counts are left out."""
    found: dict[str, int] = {}
    one = judged(drawing.result, workload, "durability", broker)
    if one is not None and "acknowledged" in one.counts:
        gone = one.counts.get("undelivered", one.counts.get("lost", 0))
        found["delivered"] = one.counts.get("delivered", one.counts["acknowledged"] - gone)
        found["aside"] = one.counts["acknowledged"] - gone - found["delivered"]
    for fate in fates:
        for checker, name in fate.sources:
            one = judged(drawing.result, workload, checker, broker)
            if one is not None and name in one.counts:
                found[fate.key] = one.counts[name]
                break
    return found


def _plot(
    drawing: Drawing, workload: str, table: Mapping[str, Mapping[str, int]], fates: Sequence[Fate], height: int
) -> dict[str, Any]:
    brokers = list(table)
    labels = [escape_plot(drawing.label(name)) for name in brokers]
    traces = [
        go.Bar(
            y=labels,
            x=[table[name].get(fate.key, 0) for name in brokers],
            name=fate.title,
            orientation="h",
            marker={
                "color": OUTCOMES[fate.key][0],
                "pattern": {"shape": fate.pattern, "size": 6, "solidity": 0.35},
                "line": {"width": 0},
            },
            hovertemplate="%{y}, " + fate.title + ": %{x:,}<extra></extra>",
        )
        for fate in fates
        if any(table[name].get(fate.key) is not None for name in brokers)
    ]
    notes = [
        {
            "x": sum(table[name].values()),
            "y": label,
            "text": escape_plot(_note(table[name], bool(doubtful(drawing, workload, name)))),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
            "font": {"size": 12},
        }
        for name, label in zip(brokers, labels, strict=True)
    ]
    most = max(sum(row.values()) for row in table.values())
    layout = {
        "barmode": "stack",
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 12},
        },
        "annotations": notes,
        "xaxis": {"title": axis_title("messages over all repeats"), "range": [0, max(1, most) * 1.3]},
        "yaxis": {"categoryorder": "array", "categoryarray": list(reversed(labels)), "type": "category"},
    }
    return plot_of(traces, layout, height)


def _note(row: Mapping[str, int], doubtful: bool) -> str:
    parts = [f"{row[key]:,} {word}" for key, word in (("lost", "lost"), ("duplicate", "twice")) if row.get(key)]
    if doubtful:
        parts.insert(0, "losses unknown")
    return ", ".join(parts) or "none lost"


def doubtful(drawing: Drawing, workload: str, broker: str) -> str:
    """Why it cannot be told whether the broker lost anything; empty where it can."""
    one = judged(drawing.result, workload, "durability", broker)
    return (one.summary or "no reason given") if one is not None and one.validity is Validity.UNKNOWN else ""


def _sentence(drawing: Drawing, workload: str, table: Mapping[str, Mapping[str, int]]) -> str:
    """Who lost, who did not, and of whom it cannot be told; then what came twice."""
    unknown = [drawing.label(name) for name in table if doubtful(drawing, workload, name)]
    losers = [f"{drawing.label(name)} lost {row['lost']:,}" for name, row in table.items() if row.get("lost")]
    safe = [drawing.label(n) for n, row in table.items() if not row.get("lost") and not doubtful(drawing, workload, n)]
    parts = [f"{notation.listing(losers)} that had been acknowledged."] if losers else []
    if safe:
        parts.append(f"Nothing acknowledged was lost by {notation.listing(safe)}.")
    if unknown:
        parts.append(f"Whether {notation.listing(unknown)} lost anything could not be told: see the rules above.")
    twice = [f"{drawing.label(name)} {row['duplicate']:,}" for name, row in table.items() if row.get("duplicate")]
    if twice:
        parts.append(f"Delivered more than once: {notation.listing(twice)}; at-least-once delivery allows that.")
    return " ".join(parts)


def _table(drawing: Drawing, table: Mapping[str, Mapping[str, int]], fates: Sequence[Fate]) -> Table:
    rows = tuple(
        (drawing.label(name), *(f"{row[fate.key]:,}" if fate.key in row else "not counted" for fate in fates))
        for name, row in table.items()
    )
    return Table(("broker", *(fate.title for fate in fates)), rows)
