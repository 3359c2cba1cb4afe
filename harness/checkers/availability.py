"""How long is the service away after a fault?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Numbers
from harness.history.meta import PhaseMeta
from harness.model.result import Measure


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault that bit, and until when its phase was watched."""

    phase: PhaseMeta
    kind: str
    at_ns: int
    gone_ns: int
    end_ns: int


class Availability(Checker):
    """Measures in s, by the fault's phase: ``recovery_first_*``, ``longest_gap_*``, ``unavailable``."""

    name = "availability"
    rule = (
        "From the moment of a kill to the first acknowledgement, and to the first delivery in the slowest group, of a"
        " message that was sent after its process was seen dead; and the longest time without an acknowledgement, and"
        " without a delivery in the worst group, between the fault and the end of the phase's drain. Unavailable is the"
        " longest time from one acknowledgement, the last before the fault included, to the next. After a crashed "
        "member only deliveries are watched."
    )
    source = "Time to recover, measured by the clients"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._outages = list(_outages(case))
        self._first: dict[int, list[int]] = defaultdict(list)
        self._gaps: dict[int, list[float]] = defaultdict(list)

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        first_ns, sent_ns = view.deliveries.first_ns, self.case.messages.first_submitted_ns
        times: Numbers | None = None
        for number, outage in enumerate(self._outages):
            after = (sent_ns >= outage.gone_ns) & (sent_ns != NEVER)
            self._first[number].append(int(first_ns[after].min(initial=NEVER)))
            times = np.sort(first_ns[first_ns != NEVER]) if times is None else times
            self._gaps[number].append(_longest_gap_s(times, outage))

    def finish(self) -> Findings:
        measures: list[Measure] = []
        messages = self.case.messages
        acknowledged = np.sort(messages.acknowledged_ns[messages.acknowledged]) if self._outages else None
        for number, outage in enumerate(self._outages):
            phase = outage.phase.name
            if outage.kind != "crash" and acknowledged is not None:
                sent = messages.first_submitted_ns
                after = (sent >= outage.gone_ns) & (sent != NEVER)
                first = int(messages.acknowledged_ns[after].min(initial=NEVER))
                if outage.kind == "kill":
                    measures.append(self._recovery("recovery_first_acknowledged", first, outage))
                gap = _longest_gap_s(acknowledged, outage)
                measures.append(self.case.measure("longest_gap_acknowledged", gap, "s", "lower", phase=phase))
                measures.append(self._unavailable(acknowledged, outage))
            slowest = max(self._first[number], default=NEVER)
            measures.append(self._recovery("recovery_first_delivered", slowest, outage))
            worst = max(self._gaps[number], default=0.0)
            measures.append(self.case.measure("longest_gap_delivered", worst, "s", "lower", phase=phase))
        return Findings(measures=measures)

    def _unavailable(self, acknowledged: Numbers, outage: Outage) -> Measure:
        """From the last acknowledgement before to the first after, or the longest wait in between if that was longer."""
        phase = outage.phase.name
        start = int(np.searchsorted(acknowledged, outage.at_ns, side="right"))
        last_ns = int(acknowledged[start - 1]) if start else outage.at_ns
        end = int(np.searchsorted(acknowledged, outage.end_ns, side="right"))
        if outage.phase.drained_ns is None:
            end += 1  # the next phase follows at once: a wait may end in there
        inside = acknowledged[start:end]
        if not len(inside):
            return self.case.measure(
                "unavailable", (outage.end_ns - last_ns) / 1e9, "s", "lower", phase=phase, state="lower_bound",
                reason="it had not come back when the run ended",
            )  # fmt: skip
        longest = float(np.diff(np.concatenate([[last_ns], inside])).max()) / 1e9
        return self.case.measure("unavailable", longest, "s", "lower", phase=phase, samples=len(inside))

    def _recovery(self, metric: str, first_ns: int, outage: Outage) -> Measure:
        if first_ns == NEVER:
            watched = (outage.end_ns - outage.at_ns) / 1e9
            return self.case.measure(
                metric, watched, "s", "lower", phase=outage.phase.name, state="lower_bound",
                reason="it had not come back when the run ended",
            )  # fmt: skip
        return self.case.measure(
            metric, (first_ns - outage.at_ns) / 1e9, "s", "lower", phase=outage.phase.name, samples=1
        )


def _outages(case: Case) -> list[Outage]:
    return [
        Outage(phase, one.kind, one.at_ns, one.gone_ns, phase.drained_ns or phase.end_ns)
        for one in case.breaks
        for phase in case.meta.phases
        if one.kind != "connection" and phase.name == one.phase
    ]


def _longest_gap_s(ordered: Numbers, outage: Outage) -> float:
    """Longest time without any of these moments between the fault and the last message that the phase still brought."""
    inside = ordered[(ordered > outage.at_ns) & (ordered <= outage.end_ns)]
    # quiet after the last message is no outage unless nothing came at all
    edges = np.concatenate([[outage.at_ns], inside]) if len(inside) else np.array([outage.at_ns, outage.end_ns])
    return float(np.diff(edges).max()) / 1e9
