"""The document of a sweep (``sweep.json``): how brokers behaved while one parameter grew. Made from a result, and drawn from alone.

Versioned like the result document: ``SWEEP_VERSION`` rises when a field changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from harness.model.result import BrokerColumn, Document, Fingerprint, State
from harness.model.units import format_bytes

SWEEP_VERSION = 1
PARAMETER_WORDS: Mapping[str, str] = {
    "rate": "offered rate",
    "size": "message size",
    "in_flight": "messages in flight",
    "members": "members of each group",
    "partitions": "partitions",
    "prefetch": "prefetch",
    "publishers": "publishers",
}
PARAMETERS = tuple(PARAMETER_WORDS)
LOADS = ("rate", "size")  # more of these is more load, so that there is a highest one that is sustained

Held = Literal["sustained", "not_sustained", "unknown"]


class SweepFigure(Document):
    """One figure of one broker at one value; ``value`` None where there is none, and then ``reason`` says why."""

    metric: str
    phase: str = ""
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    n: int = 0
    state: State = State.NOT_RUN
    reason: str = ""
    caveat: str = ""


class SweepPoint(Document):
    """One broker at one value. ``held`` says whether every run kept up; ``reason`` why not, or why that cannot be told."""

    broker: str
    value: float
    workload: str
    runs: int = 0
    held: Held
    reason: str = ""
    figures: dict[str, SweepFigure] = Field(default_factory=dict)


class SweepAnswer(Document):
    """What one broker sustained: always an interval between two values that were measured, or a bound, never a point in between.

    interval: ``highest`` was sustained and ``first`` was not; all: every value was; bound: ``highest`` was, and of the values above it
    nothing can be said; none: not even the lowest that can be judged; unknown: nothing can be said.
    """

    broker: str
    kind: Literal["interval", "all", "bound", "none", "unknown"]
    highest: float | None = None
    first: float | None = None
    reason: str = ""  # why ``first`` was not sustained, or why nothing can be said
    remark: str = ""  # values that do not fit: unknown below the highest, sustained again above the first


class Sweep(Document):
    sweep_version: int = SWEEP_VERSION
    harness_version: str
    run_id: str
    title: str
    created: str
    command: str
    seconds: float
    state: Literal["done", "interrupted", "partial"]
    seed: int
    repeats: int
    workload: str
    question: str
    tier: str
    tier_sentence: str
    parameter: str
    unit: str
    values: list[float]
    rate_per_s: list[float | None]  # offered in the paced phase at each value
    phase_s: float  # length of the paced phase, or of the flood where there is no paced one
    partitions: int
    limit_ms: float | None = None
    brokers: list[BrokerColumn]
    points: list[SweepPoint]
    answers: list[SweepAnswer]
    fingerprint: Fingerprint


def value_text(parameter: str, value: float) -> str:
    """As a person says it: ``800 msg/s``, ``4 KiB``, ``8``."""
    if parameter == "rate":
        return f"{value:,.9g} msg/s"
    return format_bytes(value) if parameter == "size" else f"{value:,.9g}"
