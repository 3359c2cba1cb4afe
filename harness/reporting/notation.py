"""Numbers as people read them: three significant digits, a unit, thousands apart; what is missing is a word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

MISSING = "none"

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_RATE_UNITS = {"1/s", "/s", "per_s", "msg/s", "messages/s", "messages per second"}
_COUNT_UNITS = {"", "1", "count", "messages", "msg"}
_SHARE_UNITS = {"share", "fraction"}
_TIMES_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "seconds": 1.0}


def significant(value: float, digits: int = 3, *, exact: bool = False) -> str:
    """``1234567`` -> ``1,230,000``; ``0.012345`` -> ``0.0123``; ``0`` -> ``0``; with ``exact`` whole numbers below a million stay."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    if exact and float(value).is_integer() and abs(value) < 1_000_000:
        return minus(f"{int(value):,}")
    exponent = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - exponent)
    if rounded and math.floor(math.log10(abs(rounded))) > exponent:
        exponent += 1
    decimals = max(0, digits - 1 - exponent)
    if decimals > 9:
        return minus(f"{value:.2e}")
    return minus(f"{rounded:,.{decimals}f}")


def minus(text: str) -> str:
    """A true minus sign, so that it lines up and is read out."""
    return "−" + text[1:] if text.startswith("-") else text


def _scaled(reference: float, unit: str) -> tuple[float, str]:
    """Factor and unit in which ``reference`` is best read."""
    size = abs(reference)
    if unit in _TIMES_S:
        seconds = size * _TIMES_S[unit]
        for limit, name, factor in ((1e-3, "µs", 1e6), (1.0, "ms", 1e3), (math.inf, "s", 1.0)):
            if 0 < seconds < limit:
                return _TIMES_S[unit] * factor, name
        return (1.0, unit) if seconds == 0 else (_TIMES_S[unit], "s")
    if unit in ("B", "bytes"):
        step = 0 if size < 1024 else min(len(_BINARY) - 1, int(math.log(size, 1024)))
        return 1 / 1024**step, _BINARY[step]
    if unit in _RATE_UNITS:
        return 1.0, "msg/s"
    if unit in _SHARE_UNITS:
        return 100.0, "%"
    if unit in ("ratio", "x", "×", "B/B"):
        return 1.0, "×"
    return (1.0, "") if unit in _COUNT_UNITS else (1.0, unit)


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """``quantity(0.0123, "s")`` -> ``12.3 ms``; ``quantity(None, "ms")`` -> ``none``."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return significant(value)
    factor, name = _scaled(value, unit)
    text = significant(value * factor, digits, exact=name == "")
    if name in ("", "×", "%"):
        return text + ("\u202f" + name if name else "")
    return f"{text}\u00a0{name}"


def span(low: float | None, high: float | None, unit: str, like: float | None = None) -> str:
    """``span(11.2, 14.0, "ms")`` -> ``11.2–14.0``, in the unit that ``like`` is shown in; empty when there is none."""
    if low is None or high is None:
        return ""
    factor, name = _scaled(high if like is None else like, unit)
    exact = name == ""
    return f"{significant(low * factor, exact=exact)}–{significant(high * factor, exact=exact)}"


def percent(share: float) -> str:
    """``0.9514`` -> ``95 %``, ``0.00299`` -> ``0.3 %``; never 0 for what is not, with a space that does not break."""
    return f"{share * 100:.0f}\u202f%" if share >= 0.01 or not share else f"{significant(share * 100, 1)}\u202f%"


def ratio(value: float | None) -> str:
    """``0.4231`` -> ``0.423×``."""
    return MISSING if value is None else significant(value) + "×"


def ratio_span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{significant(low)}–{significant(high)}"


def seconds(value: float | None) -> str:
    """A duration of a run: ``93.2`` -> ``1 min 33 s``."""
    if value is None:
        return MISSING
    if value < 60:
        return quantity(value, "s")
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(iso: str) -> str:
    """``2026-01-02T03:04:05+00:00`` -> ``2026-01-02 03:04 UTC``; anything else as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = " UTC" if when.utcoffset() == timedelta(0) else ""
    return when.strftime("%Y-%m-%d %H:%M") + zone


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``count(1, "run")`` -> ``1 run``; ``count(4200, "message")`` -> ``4,200 messages``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]
