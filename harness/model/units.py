"""Quantities as people type them: ``10k``, ``30s``, ``1KiB``, ``2k/s``, ``5%``."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%/]*)\s*$")
_COUNT = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_SIZE = {
    "": 1, "B": 1, "KB": 1_000, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "k": 1_000,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}  # fmt: skip
_DURATION = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def _split(text: object, what: str, example: str) -> tuple[float, str]:
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise ValueError(f"expected a {what} such as {example}, got {text!r}")
    match = _NUMBER.match(str(text))
    if match is None:
        raise ValueError(f"expected a {what} such as {example}, got {text!r}")
    return float(match.group(1)), match.group(2)


def _scaled(text: object, table: dict[str, int] | dict[str, float], what: str, example: str) -> float:
    number, suffix = _split(text, what, example)
    if suffix not in table:
        known = ", ".join(unit for unit in table if unit)
        raise ValueError(f"unknown unit {suffix!r} in {what} {text!r}; known: {known}")
    return number * table[suffix]


def parse_count(text: object) -> int:
    """``"50k"`` -> 50000. Raises ValueError on anything else than a whole number of things."""
    value = _scaled(text, _COUNT, "count", "50k")
    if value != int(value):
        raise ValueError(f"expected a whole number, got {text!r}")
    return int(value)


def parse_size(text: object) -> int:
    """``"1KiB"`` -> 1024 bytes."""
    return round(_scaled(text, _SIZE, "size", "1KiB"))


def parse_duration_s(text: object) -> float:
    """``"30s"`` -> 30.0 seconds; a bare number is refused, because nobody knows its unit, except zero."""
    number, suffix = _split(text, "duration", "30s")
    if suffix == "":
        if number == 0:
            return 0.0
        raise ValueError(f"a duration needs a unit (ms, s, min, h), got {text!r}")
    return _scaled(text, _DURATION, "duration", "30s")


def parse_rate_per_s(text: object) -> float:
    """``"2k/s"`` -> 2000.0 messages a second; ``"50/min"`` -> 0.833."""
    if not isinstance(text, str) or "/" not in text:
        raise ValueError(f"expected a rate such as 2k/s, got {text!r}")
    count, unit = text.split("/", 1)
    if unit.strip() not in _RATE:
        raise ValueError(f"unknown time unit {unit!r} in rate {text!r}; known: s, min, h")
    return _scaled(count, _COUNT, "rate", "2k/s") / _RATE[unit.strip()]


def parse_share(text: object) -> float:
    """``"5%"`` or ``0.05`` -> 0.05; must lie in 0..1."""
    number, suffix = _split(text, "share", "5%")
    if suffix not in ("", "%"):
        raise ValueError(f"expected a share such as 5%, got {text!r}")
    value = number / 100 if suffix == "%" else number
    if not 0 <= value <= 1:
        raise ValueError(f"a share lies between 0 and 1 (or 0% and 100%), got {text!r}")
    return value


def format_count(value: float) -> str:
    """12345 -> ``12.3k``."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}" if value != int(value) else str(int(value))


def format_bytes(value: float) -> str:
    """1536 -> ``1.5 KiB``."""
    for limit, suffix in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if abs(value) >= limit:
            return f"{value / limit:.3g} {suffix}"
    return f"{value:.0f} B"


def format_duration_s(value: float) -> str:
    """0.0021 -> ``2.1 ms``."""
    if value == 0:
        return "0 s"
    for limit, scale, suffix in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "us")):
        if abs(value) >= limit:
            return f"{value * scale:.3g} {suffix}"
    return f"{value * 1e9:.3g} ns"
