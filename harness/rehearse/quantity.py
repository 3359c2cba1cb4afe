"""Numbers as a person types a prediction: ``20..60``, ``10k to 50k``, ``95 %``, ``-3 2``, ``110-130 TB``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"[+\-−]?(?:\d[\d_,']*(?:\.\d+)?|\.\d+)(?:[eE][+\-]?\d+)?"
_WORD = r"(?:(?:[kKMG]\s+)?[A-Za-zµ%][A-Za-zµ%/]*)?"
_QUANTITY = rf"{_NUMBER}\s*{_WORD}"
_ONE = re.compile(rf"\s*({_NUMBER})\s*({_WORD})\s*")
_BETWEEN = re.compile(r"\.\.+|…|–|—|;|\bto\b")
_SPACED = re.compile(rf"({_QUANTITY})[\s,]+({_QUANTITY})")
_DASHED = re.compile(rf"({_QUANTITY})\s*-\s*({_QUANTITY})")
_SCALE = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_KINDS = (
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0},
    {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
     "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    {"%": 0.01, "share": 1.0, "fraction": 1.0},
)  # fmt: skip


def convert(value: float, unit: str, wanted: str) -> float | None:
    """``convert(0.25, "share", "%")`` -> 25.0; None where the two units are not of one kind."""
    if unit == wanted or not wanted:
        return value
    table = next((one for one in _KINDS if unit in one and wanted in one), None)
    return None if table is None else value * table[unit] / table[wanted]


@dataclass(frozen=True, slots=True)
class _Typed:
    """``12k`` or ``12 ms``: the number as typed, and the word behind it, which may be a scale, a unit, or both."""

    number: float
    word: str


def _typed(text: str) -> _Typed:
    match = _ONE.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a number such as 250 or 12k, got {text.strip()!r}")
    plain = match[1].replace("−", "-").translate({ord(mark): None for mark in "_,'"})
    return _Typed(float(plain), "".join(match[2].split()))


def _value(one: _Typed, unit: str) -> float:
    """In ``unit``. A bare number is in it already, and so is one with a scale (``12k``) alone."""
    word = one.word
    if word in _SCALE:
        return one.number * _SCALE[word]
    if word == (unit or "%"):
        return one.number
    converted = convert(one.number, word, unit) if unit else None
    if converted is not None:
        return converted
    if word[0] in _SCALE and word[1:] == unit:
        return one.number * _SCALE[word[0]]
    raise ValueError(
        f"the unit here is {unit}, not {word!r}" if unit else f"there is no unit here, and you typed {word!r}"
    )


def parse_number(text: str) -> float:
    """``"12.5k"`` -> 12500.0. Raises ValueError."""
    return _value(_typed(text), "")


def parse_interval(text: str, unit: str = "") -> tuple[float, float]:
    """``"20..60"`` -> (20.0, 60.0), in ``unit``. What follows the high end alone counts for both (``10-50k``). Raises ValueError."""
    bare = " ".join(text.split()).removeprefix("[").removesuffix("]").strip()
    parts = [part for part in _BETWEEN.split(bare) if part.strip()]
    if len(parts) != 2:
        match = _SPACED.fullmatch(bare) or _DASHED.fullmatch(bare)
        if match is None:
            raise ValueError(f"expected two numbers, low and high, such as 20..60, got {text.strip()!r}")
        parts = [match[1], match[2]]
    first, second = _typed(parts[0]), _typed(parts[1])
    if not first.word and second.word and first.number <= second.number:
        first = _Typed(first.number, second.word)
    low, high = _value(first, unit), _value(second, unit)
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
