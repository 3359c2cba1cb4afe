"""Was the load generator honest: did it send when it meant to, and as much as it meant to?

A late message is the generator's fault only when nothing else held it up. The broker holds it up while the in-flight window is full
or the connection is gone; such waiting belongs into the broker's latency and is not lag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.messages import Numbers
from harness.checkers.quantiles import BEYOND_MIN, quantile_of
from harness.history.view import Columns, Event

LAG_LIMIT_NS: Final = 1_000_000
ACHIEVED_MIN: Final = 0.99
LATE_NS: Final = (
    100_000_000  # what went out later than this after its time was not offered at the rate that was asked for
)

StateOfMeasure = Literal["ok", "invalid", "lower_bound"]


@dataclass(frozen=True, slots=True)
class Honesty:
    """One phase: how late the generator itself was, and which share of the offered messages went out in time."""

    lag_ns: Numbers  # ascending
    offered: int
    in_time: int
    paced: bool
    broken_off: bool  # a fault lies in the phase: being late is what it is about

    @property
    def quantile(self) -> float:
        """p99, or the highest quantile that has ten samples beyond it; the median of even fewer."""
        return max(0.5, min(0.99, 1.0 - BEYOND_MIN / max(1, len(self.lag_ns))))

    @property
    def judged_lag_ns(self) -> int:
        """The lag at that quantile."""
        return quantile_of(self.lag_ns, self.quantile)

    @property
    def remark(self) -> str:
        """What the figure is where it is not p99."""
        return "" if self.quantile == 0.99 else f"at p{self.quantile * 100:.3g}: too few samples lie beyond p99"

    @property
    def judgement(self) -> tuple[StateOfMeasure, str]:
        """State and reason of every latency of the phase."""
        if not self.paced or not len(self.lag_ns):
            return "ok", ""
        if self.judged_lag_ns > LAG_LIMIT_NS:
            lag = f"{self.judged_lag_ns / 1e6:.3g} ms late at p{self.quantile * 100:.3g}"
            return "invalid", f"generator-bound: the load generator itself was {lag} (limit 1 ms)"
        if not self.broken_off and self.in_time < ACHIEVED_MIN * self.offered:
            share = self.in_time / max(1, self.offered)
            return (
                "lower_bound",
                f"only {share:.1%} of the offered messages went out in time, so the load was lower than asked",
            )
        return "ok", ""


class Pacing:
    """Computed once for all checkers that need it."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @cached_property
    def phases(self) -> dict[int, Honesty]:
        """By phase number: paced and burst phases."""
        case = self._case
        columns = case.history.columns(
            "publish", ["producer", "attempt", "intended_ns", "submitted_ns", "settled_ns", "phase", "channel"]
        )
        own = columns.pop("channel") == 0
        if not own.all():
            columns = {name: column[own] for name, column in columns.items()}
        allowed = _allowed_ns(columns, case)
        first = columns["attempt"] == 0
        found: dict[int, Honesty] = {}
        for number, phase in case.phases("paced", "burst"):
            mine = first & (columns["phase"] == number)
            sent = mine & (columns["submitted_ns"] > 0)
            faults = [
                one.at_ns for one in case.breaks if phase.start_ns <= one.at_ns <= (phase.drained_ns or phase.end_ns)
            ]
            judged = sent & (columns["intended_ns"] < min(faults)) if faults else sent
            lag = np.sort(columns["submitted_ns"][judged] - allowed[judged])
            late = columns["submitted_ns"][sent] - columns["intended_ns"][sent]
            gave_up = _gave_up(case.events, number)
            found[number] = Honesty(
                lag_ns=np.maximum(lag, 0),
                offered=max(int(np.count_nonzero(mine)), phase.offered) + gave_up,
                in_time=int(np.count_nonzero(late <= LATE_NS)),
                paced=phase.kind == "paced",
                broken_off=bool(faults),
            )
        return found


def _gave_up(events: Sequence[Event], phase: int) -> int:
    return sum(int(e.detail.get("unsent", 0)) for e in events if e.kind == "gave_up" and e.detail.get("phase") == phase)


def _allowed_ns(columns: Columns, case: Case) -> Numbers:
    """The earliest moment at which each attempt could have been submitted: its intended time, or later when its window was full.

    In order of submission, attempt number i of a publisher with window w can only go once i - w + 1 others are settled.
    """
    allowed = columns["intended_ns"].copy()
    for producer in np.unique(columns["producer"]).tolist():
        mine = np.flatnonzero((columns["producer"] == producer) & (columns["submitted_ns"] > 0))
        order = mine[np.lexsort((columns["intended_ns"][mine], columns["submitted_ns"][mine]))]
        settled = np.sort(columns["settled_ns"][mine])
        for number, phase in enumerate(case.workload.phases):
            window = phase.flood.in_flight if phase.flood is not None else case.workload.window
            place = np.flatnonzero(columns["phase"][order] == number)
            full = place >= window
            rows = order[place[full]]
            allowed[rows] = np.maximum(allowed[rows], settled[place[full] - window])
    return allowed


class Generator(Checker):
    """Measures ``generator_lag_p99`` (ms, paced phases) and ``offered_in_time`` (share)."""

    name = "generator"
    rule = (
        "Lag is the time from a message's intended time, or from the moment its in-flight window had room if that was"
        " later, to its submission; in a phase with a fault, of messages meant before it. Above 1 ms at p99 the "
        "phase's latencies are invalid (generator-bound); where ten samples do not lie beyond p99, the highest "
        "quantile beyond which they do takes its place. With less than 99 % of the offered messages sent within 100 "
        "ms of their time the latencies are lower bounds."
    )
    source = "Coordinated omission: open-loop load with intended times"

    def finish(self) -> Findings:
        case = self.case
        findings = Findings()
        for number, honesty in Pacing(case).phases.items():
            if not len(honesty.lag_ns) or not honesty.paced:
                continue
            state, reason = honesty.judgement
            name = case.meta.phases[number].name
            findings.measures.append(
                case.measure(
                    "generator_lag_p99", honesty.judged_lag_ns / 1e6, "ms", "lower",
                    phase=name, samples=len(honesty.lag_ns), state="ok", reason=reason if state == "invalid" else honesty.remark,
                )
            )  # fmt: skip
            findings.measures.append(
                case.measure(
                    "offered_in_time", honesty.in_time / max(1, honesty.offered), "share", "higher",
                    phase=name, samples=honesty.offered,
                )
            )  # fmt: skip
        return findings
