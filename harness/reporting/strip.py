"""The forest plot of the scorecard: for each row a strip of marks on one common log axis. Positions only; the template draws.

Drawn as plain SVG, so that it is there before any script has run, on paper, and as sharp on a phone. Right of 1 is better than
the baseline, also where less is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.model.result import State
from harness.reporting import notation
from harness.reporting.figures.ratios import oriented, tick_text
from harness.reporting.scorecard import ScoreRow

WIDTH = 260.0
HEIGHT = 34.0
MARGIN = 14.0
TIMES_MIN = 2.0
TIMES_MAX = 1000.0
TICKS = (2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One broker's ratio: ``x`` of the median, ``x0``..``x1`` of the interval; ``clipped`` when it lies beyond the axis."""

    broker: str
    x: float
    x0: float
    x1: float
    y: float
    clipped: bool
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """``band`` is x and width of the noise; ``words`` replaces the drawing for those who cannot see it."""

    marks: tuple[Mark, ...]
    band: tuple[float, float] | None
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """``times`` is the largest ratio at either end; ``ticks`` are x and text."""

    times: float
    ticks: tuple[tuple[float, str], ...]

    def x(self, ratio: float) -> float:
        share = math.log(min(max(ratio, 1 / self.times), self.times)) / math.log(self.times)
        return round(WIDTH / 2 + share * (WIDTH / 2 - MARGIN), 1)


def axis_of(rows: Iterable[ScoreRow]) -> Axis:
    """One axis for all rows: the smallest round one that holds every median and interval."""
    most = TIMES_MIN
    for row in rows:
        for cell in row.cells.values():
            found = oriented(cell.ratio_low, cell.ratio, cell.ratio_high, row.better)
            if found is not None:
                most = max(most, found[2], 1 / found[0])
    times = next((tick for tick in TICKS if tick >= most), TIMES_MAX)
    bare = Axis(times, ())
    inner = [tick for tick in (times**0.5, times) if tick > 1]
    shown = [_round(tick) for tick in inner]
    values = sorted({1.0, *shown, *(1 / tick for tick in shown)})
    return Axis(times, tuple((bare.x(value), tick_text(value)) for value in values))


def _round(value: float) -> float:
    """To a number that reads well: 3.16 -> 3, 1.41 -> 1.4."""
    return round(value, 1) if value < 2 else float(round(value))


def strip_of(row: ScoreRow, axis: Axis, labels: Mapping[str, str]) -> Strip:
    usable = [
        cell for cell in row.cells.values() if cell.ratio and cell.state not in (State.INVALID, State.NOT_COMPARABLE)
    ]
    marks = []
    for number, cell in enumerate(usable):
        found = oriented(cell.ratio_low, cell.ratio, cell.ratio_high, row.better)
        if found is None:
            continue
        interval = notation.ratio_span(cell.ratio_low, cell.ratio_high)
        words = f"{labels[cell.broker]} {cell.word}, {notation.ratio(cell.ratio)}" + (
            f" ({interval})" if interval else ""
        )
        step = (HEIGHT - 8) / max(len(usable), 1)
        marks.append(
            Mark(
                broker=cell.broker,
                x=axis.x(found[1]),
                x0=axis.x(found[0]),
                x1=axis.x(found[2]),
                y=round(4 + step * (number + 0.5), 1),
                clipped=not 1 / axis.times <= found[1] <= axis.times,
                words=words,
            )
        )
    band = row.noise and oriented(row.noise.ratio_low, 1.0, row.noise.ratio_high, row.better)
    return Strip(
        marks=tuple(marks),
        band=(axis.x(band[0]), round(axis.x(band[2]) - axis.x(band[0]), 1)) if band and marks else None,
        words="; ".join(mark.words for mark in marks),
    )
