"""How much goes through when publishers send as fast as their window allows?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.history.meta import PhaseMeta
from harness.model.result import Measure

EDGE: Final = 0.1  # share of a long flood left out at either end: filling the window, and its last messages
STEADY_MIN_NS: Final = (
    3_000_000_000  # in a shorter flood acknowledgements come in too few bursts for a window within it
)
CLIENT_BOUND_CORES: Final = 0.9
DECAY_MIN_NS: Final = 900_000_000


@dataclass
class _Tally:
    """Deliveries of one flood to one group: those of the window, all of them, and the last."""

    inside: int = 0
    count: int = 0
    last_ns: int = 0


class Throughput(Checker):
    """Measures ``throughput_acknowledged``, ``throughput_delivered`` (also per group), ``throughput_drained``, ``throughput_decay`` and
    ``replay_throughput``."""

    name = "throughput"
    rule = (
        "In a flood phase of at least 3 s, acknowledgements and first deliveries a second over the middle four fifths"
        " of the publishing time; in a shorter one all of them, from its start until the last. Drained: the phase's "
        "deliveries a second until the last of them came, the backlog included. Decay: acknowledgements in the last "
        "third over those in the first. A flood in which a publisher's process, or for deliveries a consumer's, used 90 % "
        "of a core or more is a lower bound (client-bound)."
    )
    source = "Closed loop with a fixed in-flight window"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        phase_of = case.messages["phase"]
        self._phases: list[tuple[PhaseMeta, Flags]] = [
            (phase, case.messages.published & (phase_of == number))
            for number, phase in case.phases("flood")
            if not phase.warmup and phase.end_ns > phase.start_ns
        ]
        self._tallies: dict[str, dict[str, _Tally]] = defaultdict(dict)
        self._replayed: dict[str, Numbers] = {}

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        if len(view.replay):
            self._replayed[view.name] = view.replay.first_ns[view.replay.delivered]
        for phase, mine in self._phases:
            times = view.deliveries.first_ns[mine]
            self._tallies[phase.name][view.name] = _tally(phase, times[times != NEVER])

    def finish(self) -> Findings:
        measures: list[Measure] = []
        for phase, mine in self._phases:
            measures += self._of_phase(phase, mine)
        measures += self._replays()
        return Findings(measures=measures)

    def _of_phase(self, phase: PhaseMeta, mine: Flags) -> list[Measure]:
        acknowledged_ns = self.case.messages.acknowledged_ns[mine]
        acknowledged_ns = acknowledged_ns[acknowledged_ns != NEVER]
        groups = self._tallies[phase.name]
        whole = _together(list(groups.values()))
        rates = {"throughput_acknowledged": _tally(phase, acknowledged_ns), "throughput_delivered": whole}
        if len(groups) > 1:
            rates |= {f"throughput_delivered_{name}": tally for name, tally in groups.items()}
        measures = [self._measure(phase, name, *_rate(phase, tally)) for name, tally in rates.items() if tally.count]
        if whole.count:
            drained = whole.count / ((whole.last_ns - phase.start_ns) / 1e9)
            measures.append(self._measure(phase, "throughput_drained", drained, whole.count))
        return measures + self._decay(phase, acknowledged_ns)

    def _measure(self, phase: PhaseMeta, metric: str, value: float, samples: int) -> Measure:
        bound, reason = client_bound(self.case, phase, consumers=metric != "throughput_acknowledged")
        state: Literal["ok", "lower_bound"] = "lower_bound" if bound else "ok"
        return self.case.measure(
            metric, value, "msg/s", "higher", phase=phase.name, samples=samples, state=state, reason=reason
        )

    def _decay(self, phase: PhaseMeta, acknowledged_ns: Numbers) -> list[Measure]:
        """Last third over first third, where the phase is long enough for thirds to mean something."""
        if phase.end_ns - phase.start_ns < DECAY_MIN_NS:
            return []
        edges = np.linspace(phase.start_ns, phase.end_ns, 4)
        counts = np.histogram(acknowledged_ns, bins=edges)[0]
        if not counts[0]:
            return []
        ratio, total = counts[2] / counts[0], int(counts.sum())
        return [self.case.measure("throughput_decay", ratio, "ratio", "neither", phase=phase.name, samples=total)]

    def _replays(self) -> list[Measure]:
        """Messages a second of the second reading: from the rewind to its last first delivery."""
        measures = []
        for _, phase in self.case.phases("replay"):
            for times in self._replayed.values():
                whole = (int(times.max()) - phase.start_ns) / 1e9
                if whole > 0:
                    measures.append(
                        self.case.measure(
                            "replay_throughput",
                            len(times) / whole,
                            "msg/s",
                            "higher",
                            phase=phase.name,
                            samples=len(times),
                        )
                    )
        return measures


def _window(phase: PhaseMeta) -> tuple[float, float]:
    length = phase.end_ns - phase.start_ns
    return phase.start_ns + EDGE * length, phase.end_ns - EDGE * length


def _tally(phase: PhaseMeta, times: Numbers) -> _Tally:
    low, high = _window(phase)
    inside = int(np.count_nonzero((times >= low) & (times < high)))
    return _Tally(inside, len(times), int(times.max(initial=0)))


def _together(tallies: list[_Tally]) -> _Tally:
    return _Tally(
        sum(tally.inside for tally in tallies),
        sum(tally.count for tally in tallies),
        max((tally.last_ns for tally in tallies), default=0),
    )


def _rate(phase: PhaseMeta, tally: _Tally) -> tuple[float, int]:
    """Messages a second, and how many that rests on."""
    if phase.end_ns - phase.start_ns >= STEADY_MIN_NS:
        low, high = _window(phase)
        return tally.inside / ((high - low) / 1e9), tally.inside
    return tally.count / ((max(tally.last_ns, phase.start_ns + 1) - phase.start_ns) / 1e9), tally.count


def client_bound(case: Case, phase: PhaseMeta, *, consumers: bool) -> tuple[bool, str]:
    """Whether a publisher, or any client, was at the end of its own strength in the phase, and the words for it."""
    length = phase.end_ns - phase.start_ns
    for one in case.counters:
        publisher = one.worker.startswith("publisher")
        if one.role != "client" or not (publisher or consumers):
            continue
        cores = one.used(one.cpu_ns, phase.start_ns, phase.end_ns) / length
        if cores >= CLIENT_BOUND_CORES:
            who = "a publisher's" if publisher else "a consumer's"
            return (
                True,
                f"client-bound: {who} process used {cores:.0%} of a core, so the broker can do at least this much",
            )
    return False, ""
