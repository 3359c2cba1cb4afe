"""What every fault hands back: what was done, when, and what was seen of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RoundTrip = Callable[[float], float | None]
"""The first exchange of the broker's protocol within so many seconds: how long it took in seconds, None without an answer."""


@dataclass(frozen=True, slots=True)
class FaultEvidence:
    """What was done when, and whether it bit. ``detail`` is what was seen of it, in words and figures."""

    kind: str
    at_ns: int
    bit: bool
    detail: Mapping[str, str] = field(default_factory=dict)


def milliseconds(round_trip_s: float | None) -> str:
    """A round trip for ``detail``."""
    return "no answer" if round_trip_s is None else f"{round_trip_s * 1000:.2f} ms"
