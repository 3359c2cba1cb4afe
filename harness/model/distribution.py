"""Distributions as a workload file writes them: ``lognormal(1KiB, 0.3)``, ``zipf(users=10k, s=1.1)``, ``5ms``.

Here is only their meaning; sampling them is the plan's work, from the seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.model.units import parse_count

_CALL = re.compile(r"^\s*([a-z_]+)\s*\(([^)]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Spread:
    """A positive quantity: ``constant`` (low), ``uniform`` (low..high), ``lognormal`` (median low, sigma), ``exponential`` (mean low)."""

    kind: str
    low: float
    high: float = 0.0
    sigma: float = 0.0

    @property
    def mean(self) -> float:
        import math

        if self.kind == "uniform":
            return (self.low + self.high) / 2
        if self.kind == "lognormal":
            return self.low * math.exp(self.sigma**2 / 2)
        return self.low


@dataclass(frozen=True, slots=True)
class KeySpread:
    """Which key a message has: ``none``, ``uniform`` over n keys, or ``zipf`` over n keys with exponent s."""

    kind: str
    keys: int = 0
    exponent: float = 0.0


def _arguments(text: str) -> tuple[str, list[str], dict[str, str]] | None:
    match = _CALL.match(text)
    if match is None:
        return None
    positional: list[str] = []
    named: dict[str, str] = {}
    for piece in (part.strip() for part in match.group(2).split(",") if part.strip()):
        if "=" in piece:
            name, value = piece.split("=", 1)
            named[name.strip()] = value.strip()
        else:
            positional.append(piece)
    return match.group(1), positional, named


def parse_spread(text: object, quantity: Callable[[object], float]) -> Spread:
    """``text`` with its quantities read by ``quantity`` (parse_size, parse_duration_s). Raises ValueError."""
    call = _arguments(text) if isinstance(text, str) else None
    if call is None:
        return Spread("constant", quantity(text))
    kind, positional, named = call
    if named:
        raise ValueError(f"{kind}(...) takes no named arguments, got {sorted(named)}")
    if kind == "constant" and len(positional) == 1:
        return Spread("constant", quantity(positional[0]))
    if kind == "uniform" and len(positional) == 2:
        low, high = quantity(positional[0]), quantity(positional[1])
        if low > high:
            raise ValueError(f"uniform(low, high) needs low <= high, got {text!r}")
        return Spread("uniform", low, high)
    if kind == "lognormal" and len(positional) == 2:
        sigma = float(positional[1])
        if not 0 <= sigma <= 3:
            raise ValueError(f"lognormal(median, sigma) needs sigma in 0..3, got {text!r}")
        return Spread("lognormal", quantity(positional[0]), sigma=sigma)
    if kind == "exponential" and len(positional) == 1:
        return Spread("exponential", quantity(positional[0]))
    raise ValueError(
        f"unknown distribution {text!r}; known: constant(x), uniform(low, high), lognormal(median, sigma), exponential(mean)"
    )


def parse_keys(text: object) -> KeySpread:
    """``none``, ``uniform(10k)`` or ``zipf(users=10k, s=1.1)``. Raises ValueError."""
    if text in ("none", None):
        return KeySpread("none")
    call = _arguments(text) if isinstance(text, str) else None
    if call is not None:
        kind, positional, named = call
        counts = [value for name, value in named.items() if name != "s"] + positional
        if kind in ("uniform", "zipf") and len(counts) == 1:
            keys = parse_count(counts[0])
            if not 1 <= keys <= 10_000_000:
                raise ValueError(f"between 1 and 10M keys, got {text!r}")
            if kind == "uniform" and "s" not in named:
                return KeySpread("uniform", keys)
            if kind == "zipf":
                exponent = float(named.get("s", "1.0"))
                if not 0 < exponent <= 4:
                    raise ValueError(f"zipf needs an exponent s in 0..4, got {text!r}")
                return KeySpread("zipf", keys, exponent)
    raise ValueError(f"unknown keys {text!r}; known: none, uniform(n), zipf(n, s=1.1)")
