"""What pylog and Apache Kafka are compared in: one file a suite, each with its questions and how they are measured.

A suite runs in sessions of its own: a fresh broker on a fresh folder, warmed up alike, one broker at a time in the order A B B A.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.bench.loads import Sizes
from harness.brokers.api import Broker

Progress = Callable[[str], None]
CLIENT_BOUND_SHARE = 0.85
"""A client that used this share of one processor or more was what limited the rate."""


@dataclass(frozen=True, slots=True)
class Question:
    """One row: what is measured, in which unit, which way is better, and the ratio that pylog has to reach.

    Where the client was the bottleneck for both brokers (`client_share`, a figure of this name, says so),
    `client_bound_ratio` is asked instead.
    """

    name: str
    unit: str
    higher_is_better: bool
    required_ratio: float | None = 1.0  # None: told for information
    client_bound_ratio: float | None = None
    client_share: str = ""


@dataclass(slots=True)
class Session:
    """One broker under test, warmed up. `remembered` goes from session to session: what one broker's figures decide for both."""

    name: str
    broker: Broker
    host: str
    port: int
    sizes: Sizes
    say: Progress
    remembered: dict[str, float] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """Processor time that the broker has used so far."""
        return self.broker.inspect().cpu_seconds


@dataclass(frozen=True, slots=True)
class Suite:
    """`measure` gives a figure for each question, by its name. `warm_up` is measured the same way and thrown away."""

    name: str
    title: str
    questions: tuple[Question, ...]
    measure: Callable[[Session], Mapping[str, float]]
    warm_up: Callable[[Session], object]
    settings: Mapping[str, str] = field(default_factory=dict)


def suites() -> Mapping[str, Suite]:
    """All of them, by name."""
    from harness.bench.suites import core, fan_out, latency, matrix, recovery, scaling, tools

    return {
        suite.name: suite
        for suite in (
            core.SUITE,
            matrix.SUITE,
            fan_out.SUITE,
            latency.SUITE,
            recovery.SUITE,
            scaling.SUITE,
            tools.SUITE,
        )
    }
