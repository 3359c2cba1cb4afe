"""Lines over the run's time: what was acknowledged and delivered, how long it took, what was still to do."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.model.messages import DispositionKind
from harness.model.result import POINTS_MAX, Curve

BIN_NS: Final = 100_000_000
Floats = npt.NDArray[np.float64]


class Timelines(Checker):
    """Curves over seconds since the run's start, in bins of 100 ms (wider where that would be more than 600): ``rate`` (acknowledged,
    delivered), ``latency_over_time`` (worst end-to-end latency of the bin), ``backlog`` (one a group)."""

    name = "timelines"
    rule = (
        "Counts of a bin are divided by its length. The backlog of a group is what was acknowledged by the bin's end "
        "less what the group had accepted or given up on for the first time."
    )
    source = "The history's own stamps"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        phases = case.meta.phases
        start = min((phase.start_ns for phase in phases), default=case.meta.started_ns)
        length = max(case.end_ns - start, BIN_NS)
        self._bin_ns = BIN_NS * math.ceil(length / BIN_NS / (POINTS_MAX - 2))
        self._start = start
        self._bins = math.ceil(length / self._bin_ns) + 1
        self._delivered = np.zeros(self._bins, dtype=np.int64)
        self._worst_ns = np.zeros(self._bins, dtype=np.int64)
        paced = [number for number, _ in case.phases("paced", "burst")]
        self._paced: Flags = np.isin(case.messages["phase"], paced)
        acknowledged = case.messages.acknowledged_ns
        self._acknowledged = self._count(acknowledged[acknowledged != NEVER])
        self._curves: list[Curve] = []

    def _places(self, times: Numbers) -> Numbers:
        places: Numbers = np.clip((times - self._start) // self._bin_ns, 0, self._bins - 1)
        return places

    def _count(self, times: Numbers) -> Numbers:
        return np.bincount(self._places(times), minlength=self._bins)

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        first_ns = view.deliveries.first_ns
        self._delivered += self._count(view.deliveries.received_ns)
        came = self._paced & (first_ns != NEVER)
        waited = first_ns[came] - self.case.messages["intended_ns"][came]
        np.maximum.at(self._worst_ns, self._places(first_ns[came]), waited)
        self._curves.append(self._backlog(view))

    def _backlog(self, view: GroupView) -> Curve:
        settles = view.settles
        ends = (settles.disposition == DispositionKind.ACCEPT) | (settles.disposition == DispositionKind.DEAD)
        done = np.full(settles.messages, NEVER, dtype=np.int64)
        rows = np.flatnonzero(ends)[::-1]
        done[settles.number[rows]] = settles.settled_ns[rows]  # the last assignment, the earliest end, stays
        done = np.where(self.case.messages.acknowledged, done, NEVER)
        left = np.cumsum(self._acknowledged) - np.cumsum(self._count(done[done != NEVER]))
        return self._curve("backlog", np.maximum(left, 0), "messages", view.name)

    def _curve(self, kind: str, values: npt.NDArray[Any], unit: str, label: str) -> Curve:
        seconds: Floats = (self._start + np.arange(self._bins) * self._bin_ns - self.case.meta.started_ns) / 1e9
        return self.case.curve(kind, seconds.tolist(), values.astype(np.float64).tolist(), "s", unit, label)

    def finish(self) -> Findings:
        if not self.case.meta.phases:
            return Findings()
        length_s = self._bin_ns / 1e9
        rates = (("acknowledged", self._acknowledged), ("delivered", self._delivered))
        curves = [self._curve("rate", counts / length_s, "msg/s", label) for label, counts in rates]
        if self._paced.any():
            curves.append(self._curve("latency_over_time", self._worst_ns / 1e6, "ms", "worst of the bin"))
        return Findings(curves=curves + self._curves)
