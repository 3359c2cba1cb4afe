"""Colour, symbol and dash of each broker: fixed by its name, so that every figure of every report shows it alike.

The colours are those of Okabe and Ito, told apart with any of the common colour-vision deficiencies; the dark ones are the same
hues, lighter. Symbol and dash carry the same information without colour; no
symbol is one of those that stand for the state of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """``symbol`` is plotly's name and the SVG symbol's; ``dash`` is plotly's."""

    light: str
    dark: str
    symbol: str
    dash: str


MARKS = (
    Mark("#0072b2", "#56b4e9", "circle", "solid"),
    Mark("#c04f00", "#ff8f3f", "square", "dash"),
    Mark("#007a5a", "#2fc99b", "diamond", "dot"),
    Mark("#a64d86", "#e59cc8", "star", "dashdot"),
    Mark("#8a6d00", "#f0c541", "bowtie", "longdash"),
    Mark("#4b4f9e", "#a3a7f5", "cross", "longdashdot"),
    Mark("#5b6470", "#aab4c0", "hourglass", "solid"),
    Mark("#7a3b2e", "#d69a8c", "pentagon", "dash"),
)
_HOME = {"kafka": 0, "rabbitmq": 1, "pylog": 2, "activemq": 3, "memory": 6, "null": 6}


def marks(names: Sequence[str]) -> dict[str, Mark]:
    """A mark for each name: brokers we know keep theirs, further ones and further modes get the next free one."""
    taken: dict[str, int] = {}
    for name in names:
        home = _HOME.get(name.partition(":")[0].lower())
        if home is not None and home not in taken.values():
            taken[name] = home
    for number, name in enumerate(names):
        if name not in taken:
            free = [index for index in range(len(MARKS)) if index not in taken.values()]
            taken[name] = free[0] if free else number % len(MARKS)
    return {name: MARKS[taken[name]] for name in names}


# Colours that mean something other than a broker; light and dark.
OUTCOMES = {
    "delivered": ("#8fa3b5", "#5f7387"),
    "aside": ("#5f8f7a", "#7fb89f"),
    "lost": ("#b3261e", "#ff6b5e"),
    "duplicate": ("#d79a00", "#f0c541"),
    "unacknowledged": ("#6a51a3", "#b9a5e8"),
}
INK = ("#1c2430", "#e6eaf0")
MUTED = ("#5b6675", "#9aa6b5")
GRID = ("#e3e7ec", "#2a323d")
BAND = ("#dfe5ec", "#2c3642")


def dark_of() -> dict[str, str]:
    """Light colour -> dark colour: the page swaps them when the theme changes."""
    pairs = [(mark.light, mark.dark) for mark in MARKS]
    pairs += [*OUTCOMES.values(), INK, MUTED, GRID, BAND]
    return dict(pairs)
