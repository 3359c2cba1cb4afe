"""Numbers as a person types a prediction: ``20..60``, ``10k to 50k``, ``95 %``, ``-3 2``."""

from __future__ import annotations

import re

_NUMBER = r"[+\-−]?(?:\d[\d_,']*(?:\.\d*)?|\.\d+)(?:[eE][+\-]?\d+)?"
_ONE = rf"({_NUMBER})\s*([kKMG]?)(?:\s*%)?"
_INTERVAL = re.compile(rf"^\s*\[?\s*{_ONE}(?:\s*(?:\.\.+|…|–|—|-|\bto\b|;|,\s|\s)\s*){_ONE}\s*\]?\s*$")
_SINGLE = re.compile(rf"^\s*{_ONE}\s*$")
_SCALE = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}


def _number(digits: str, suffix: str) -> float:
    plain = digits.replace("−", "-").translate({ord(mark): None for mark in "_,'"})
    return float(plain) * _SCALE[suffix]


def parse_number(text: str) -> float:
    """``"12.5k"`` -> 12500.0. Raises ValueError."""
    match = _SINGLE.match(text)
    if match is None:
        raise ValueError(f"expected a number such as 250 or 12k, got {text.strip()!r}")
    return _number(match.group(1), match.group(2))


def parse_interval(text: str) -> tuple[float, float]:
    """``"20..60"`` -> (20.0, 60.0); a suffix on the high end alone counts for both (``10-50k``). Raises ValueError."""
    match = _INTERVAL.match(text.replace("\u202f", " ").replace("\u00a0", " "))
    if match is None:
        raise ValueError(f"expected two numbers, low and high, such as 20..60, got {text.strip()!r}")
    low_digits, low_suffix, high_digits, high_suffix = match.groups()
    low, high = _number(low_digits, low_suffix), _number(high_digits, high_suffix)
    if not low_suffix and high_suffix and abs(low) < abs(high) / _SCALE[high_suffix]:
        low = _number(low_digits, high_suffix)
    if low > high:
        raise ValueError(f"the low end {low:g} is above the high end {high:g}")
    return low, high


def parse_sureness(text: str) -> float:
    """``"80"``, ``"80 %"`` or ``"0.8"`` -> 0.8. Raises ValueError."""
    bare = text.strip()
    value = parse_number(bare)
    if bare == "1":
        raise ValueError("1: is that 1 % or 100 %? type it with the sign")
    share = value / 100 if value > 1 or "%" in bare else value
    if not 0 <= share <= 1:
        raise ValueError(f"how sure, in percent: 0 to 100, got {bare!r}")
    return share
