"""Did the broker keep up with the rate: was what was offered also taken and handed out while it was offered?"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import Flags
from harness.checkers.pacing import Pacing
from harness.checkers.throughput import client_bound
from harness.history.meta import PhaseMeta

GRACE_NS: Final = (
    500_000_000  # after the schedule's end: what was under way, and a pause of the broker's at the wrong moment
)


class Goodput(Checker):
    """Measures by paced phase without a fault: ``acknowledged_in_time``, ``delivered_in_time`` (shares; of the slowest group)."""

    name = "goodput"
    rule = (
        "Of the messages that a paced phase offered, the share that was acknowledged, and the share that had come to "
        "every group for the first time, no later than 500 ms after the schedule's end: a broker that cannot keep up "
        "is left with a backlog there, whether or not it works it off later. What may expire is owed to nobody and left out "
        "of the deliveries; phases with a fault are not judged. Where a publisher's process, or for deliveries a consumer's, "
        "used 90 % of a core or more, it is a lower bound (client-bound)."
    )
    source = "Open-loop goodput: what was served of what was offered, in each group apart"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._phases: list[tuple[int, PhaseMeta, int, Flags]] = []
        published, phase_of = case.messages.published, case.messages["phase"]
        for number, phase in case.phases("paced"):
            planned_s = case.workload.phases[number].for_ or 0.0
            end_ns = phase.start_ns + round(planned_s * 1e9)
            shaken = any(phase.start_ns <= one.at_ns <= (phase.drained_ns or phase.end_ns) for one in case.breaks)
            if not phase.warmup and not shaken and case.workload.phases[number].fault is None:
                self._phases.append((number, phase, end_ns + GRACE_NS, published & (phase_of == number)))
        self._lasting = case.messages["ttl_ms"] == 0
        self._came: dict[int, list[int]] = defaultdict(list)

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        for number, _, until_ns, mine in self._phases:
            came = mine & self._lasting & (view.deliveries.first_ns <= until_ns)
            self._came[number].append(int(np.count_nonzero(came)))

    def finish(self) -> Findings:
        findings = Findings()
        pacing = Pacing(self.case).phases if self._phases else {}
        for number, phase, until_ns, mine in self._phases:
            offered = pacing[number].offered
            owed = offered - int(np.count_nonzero(mine & ~self._lasting))
            taken = int(np.count_nonzero(mine & (self.case.messages.acknowledged_ns <= until_ns)))
            shares = {"acknowledged_in_time": (taken, offered)}
            if self._came[number]:
                shares["delivered_in_time"] = (min(self._came[number]), owed)
            for metric, (some, whole) in shares.items():
                if whole > 0:
                    bound, reason = client_bound(self.case, phase, consumers=metric == "delivered_in_time")
                    findings.measures.append(
                        self.case.measure(
                            metric, some / whole, "share", "higher", phase=phase.name, samples=whole,
                            state="lower_bound" if bound else "ok", reason=reason,
                        )
                    )  # fmt: skip
        return findings
