"""Texts of a card with the figures of a finding in them; without one they say so instead of naming a number. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.claims.rules import interval, look_up, number
from harness.model.claim import PLACEHOLDER, Figure
from harness.model.units import format_duration_s

NOT_MEASURED = "not measured here"
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


def fill(text: str, measured: Mapping[str, Figure] | None) -> str:
    """``{metric}`` (or ``{metric / other metric}``) replaced by the figure with its interval."""

    def figure_of(match: re.Match[str]) -> str:
        metric, _, of = match[1].partition(" / ")
        figure = look_up(measured or {}, metric, of or None)
        return NOT_MEASURED if figure is None or not figure.usable else shown(figure)

    return PLACEHOLDER.sub(figure_of, text)


def shown(figure: Figure) -> str:
    """``1.4 ms [1.2 ms to 1.5 ms]``, in the unit that reads best."""
    low, high = figure.low, figure.high
    if figure.unit in _SECONDS or figure.unit == "B":
        middle = _scaled(figure.value, figure.unit)
        if low is None or high is None or low == high:
            return middle
        return f"{middle} [{_scaled(low, figure.unit)} to {_scaled(high, figure.unit)}]"
    return number(figure.value, figure.unit) + interval(low, high)


def format_decimal(value: float) -> str:
    """121e12 -> ``121 T``: in powers of ten, as disks and links are sold."""
    for limit, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g} {prefix}"
    return f"{value:.3g} "


def _scaled(value: float, unit: str) -> str:
    if unit == "B":
        return f"{format_decimal(value)}B"
    return format_duration_s(value * _SECONDS[unit]) if value >= 0 else "-" + format_duration_s(-value * _SECONDS[unit])
