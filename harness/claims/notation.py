"""Figures as sentences have them: three significant digits, powers of ten, times in the unit that reads best. Pure."""

from __future__ import annotations

import math

from harness.model.units import format_duration_s

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def decimal(value: float) -> str:
    """121e12 -> ``121 T``, 1500 -> ``1.5 k``, 3 -> ``3 ``: to be followed by a unit."""
    for limit, prefix in _PREFIXES:
        if abs(value) >= limit:
            return f"{value / limit:.3g} {prefix}"
    return f"{value:.3g} "


def quantity(value: float | None, unit: str) -> str:
    """``121 TB``, ``1.4 ms``, ``12k``, ``8.6k msg/s``; ``nothing`` for None."""
    if value is None:
        return "nothing"
    if math.isinf(value):
        return "unbounded"
    if unit in _SECONDS:
        text = format_duration_s(abs(value) * _SECONDS[unit])
        return f"-{text}" if value < 0 else text
    if unit.startswith("B") and unit != "B/B":
        return f"{decimal(value)}{unit}"
    return f"{decimal(value).replace(' ', '')} {unit}".strip()


def span(low: float | None, high: float | None, unit: str) -> str:
    """`` [3 to 5 ms]``; empty for what is exact or has no interval."""
    if low is None or high is None or low == high:
        return ""
    return f" [{quantity(low, unit)} to {quantity(high, unit)}]"
