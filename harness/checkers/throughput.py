"""How much goes through when publishers send as fast as their window allows?"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.client_load import publisher_load
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.history.meta import PhaseMeta
from harness.model.result import Measure

EDGE: Final = 0.1  # share of a flood left out at either end: filling the window, and its last messages
CLIENT_BOUND_CORES: Final = 0.9
DECAY_MIN_S: Final = 0.9


class Throughput(Checker):
    """Measures ``throughput_acknowledged``, ``throughput_delivered`` (also per group), ``throughput_drained`` and ``throughput_decay``."""

    name = "throughput"
    rule = (
        "In a flood phase, acknowledgements and first deliveries a second over the middle four fifths of the "
        "publishing time. Drained: the phase's deliveries a second from its start until the last of them came, the "
        "backlog included. Decay: acknowledgements in the last third over those in the first. A flood in which a "
        "publisher's process used 90 % of a core or more is a lower bound (client-bound)."
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
        self._inside: dict[str, dict[str, int]] = defaultdict(dict)
        self._all: dict[str, int] = defaultdict(int)
        self._last_ns: dict[str, int] = defaultdict(int)
        self._replayed: dict[str, Numbers] = {}

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        if len(view.replay):
            self._replayed[view.name] = view.replay.first_ns[view.replay.delivered]
        for phase, mine in self._phases:
            times = view.deliveries.first_ns[mine]
            times = times[times != NEVER]
            low, high = _window(phase)
            self._inside[phase.name][view.name] = int(np.count_nonzero((times >= low) & (times < high)))
            self._all[phase.name] += len(times)
            if len(times):
                self._last_ns[phase.name] = max(self._last_ns[phase.name], int(times.max()))

    def finish(self) -> Findings:
        measures: list[Measure] = []
        for phase, mine in self._phases:
            measures += self._of_phase(phase, mine)
        measures += self._replays()
        return Findings(measures=measures)

    def _of_phase(self, phase: PhaseMeta, mine: Flags) -> list[Measure]:
        case = self.case
        low, high = _window(phase)
        seconds = (high - low) / 1e9
        acknowledged_ns = case.messages.acknowledged_ns[mine]
        acknowledged = int(np.count_nonzero((acknowledged_ns >= low) & (acknowledged_ns < high)))
        bound, reason = client_bound(case, phase)
        state = "lower_bound" if bound else "ok"
        rates = {"throughput_acknowledged": acknowledged}
        groups = self._inside[phase.name]
        rates["throughput_delivered"] = sum(groups.values())
        if len(groups) > 1:
            rates |= {f"throughput_delivered_{name}": count for name, count in groups.items()}
        measures = [
            case.measure(
                name, count / seconds, "msg/s", "higher",
                phase=phase.name, samples=count, state=state, reason=reason,  # type: ignore[arg-type]
            )
            for name, count in rates.items()
        ]  # fmt: skip
        if self._all[phase.name]:
            whole = (self._last_ns[phase.name] - phase.start_ns) / 1e9
            measures.append(
                case.measure(
                    "throughput_drained", self._all[phase.name] / whole, "msg/s", "higher",
                    phase=phase.name, samples=self._all[phase.name], state=state, reason=reason,  # type: ignore[arg-type]
                )
            )  # fmt: skip
        return measures + self._decay(phase, acknowledged_ns)

    def _decay(self, phase: PhaseMeta, acknowledged_ns: Numbers) -> list[Measure]:
        """Last third over first third, where the phase is long enough for thirds to mean something."""
        if (phase.end_ns - phase.start_ns) / 1e9 < DECAY_MIN_S:
            return []
        edges = np.linspace(phase.start_ns, phase.end_ns, 4)
        counts = np.histogram(acknowledged_ns[acknowledged_ns != NEVER], bins=edges)[0]
        if not counts[0]:
            return []
        return [
            self.case.measure(
                "throughput_decay",
                counts[2] / counts[0],
                "ratio",
                "neither",
                phase=phase.name,
                samples=int(counts.sum()),
            )
        ]

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


def client_bound(case: Case, phase: PhaseMeta) -> tuple[bool, str]:
    """Whether a publisher was at the end of its own strength in the phase, and the words for it."""
    cores = publisher_load(case, phase.start_ns, phase.end_ns)
    if cores < CLIENT_BOUND_CORES:
        return False, ""
    return (
        True,
        f"client-bound: a publisher's process used {cores:.0%} of a core, so the broker can do at least this much",
    )
