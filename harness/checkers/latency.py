"""How long did it take, counted from the moment each message was meant to be sent?"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.checkers.pacing import Pacing
from harness.checkers.quantiles import quantile_curve, quantile_of, supported

QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


class Latency(Checker):
    """Measures ``publish_latency_*`` and ``end_to_end_latency_*`` in ms; curves of the same names over the quantile."""

    name = "latency"
    rule = (
        "Publish latency runs from a message's intended time to its first acknowledgement; end-to-end latency to its "
        "first delivery in each group, one sample a group. Only paced and burst phases count, warm-up excluded. A "
        "message that was never acknowledged counts at its last outcome; one that should have come and did not counts"
        " at the end of the last drain of the run. Quantiles are exact, and shown only where at least ten samples lie beyond."
    )
    source = "Open-loop measurement from intended times"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        published = case.messages.published
        phase_of = case.messages["phase"]
        self._phases = [
            (number, phase, published & (phase_of == number))
            for number, phase in case.phases("paced", "burst")
            if not phase.warmup
        ]
        self._samples: dict[int, list[Numbers]] = defaultdict(list)
        self._dead = np.zeros(len(case.messages), dtype=bool)
        self._absent: dict[int, list[Numbers]] = defaultdict(list)

    def group(self, view: GroupView) -> None:
        messages = self.case.messages
        if view.is_dead_letters:
            self._dead |= view.deliveries.delivered
            return
        first_ns = view.deliveries.first_ns
        for number, _, mine in self._phases:
            came = mine & (first_ns != NEVER)
            self._samples[number].append(first_ns[came] - messages["intended_ns"][came])
            self._absent[number].append(np.flatnonzero(mine & (first_ns == NEVER)))

    def finish(self) -> Findings:
        findings = Findings()
        pacing = Pacing(self.case).phases
        for number, phase, mine in self._phases:
            state, reason = pacing[number].judgement
            for metric, samples, failed in (
                ("publish_latency", *self._published(mine)),
                ("end_to_end_latency", *self._delivered(number)),
            ):
                if not len(samples):
                    continue
                samples.sort()
                words = f"{failed} of {len(samples)} failed and count at their timeout" if failed else ""
                for name, quantile in QUANTILES.items():
                    if supported(len(samples), quantile):
                        findings.measures.append(
                            self.case.measure(
                                f"{metric}_{name}", quantile_of(samples, quantile) / 1e6, "ms", "lower",
                                phase=phase.name, samples=len(samples), state=state, reason=reason or words,
                            )
                        )  # fmt: skip
                x, y = quantile_curve(samples)
                if len(x):
                    findings.curves.append(
                        self.case.curve(metric, x.tolist(), (y / 1e6).tolist(), "quantile", "ms", phase.name)
                    )
        return findings

    def _published(self, mine: Flags) -> tuple[Numbers, int]:
        messages = self.case.messages
        failed = mine & ~messages.acknowledged
        done_ns = np.where(failed, messages.settled_ns, messages.acknowledged_ns)[mine]
        return done_ns - messages["intended_ns"][mine], int(np.count_nonzero(failed))

    def _delivered(self, number: int) -> tuple[Numbers, int]:
        """Samples of all groups; those that never came, unless expired or dead-lettered, count at the end of the last drain."""
        messages = self.case.messages
        parts = self._samples.pop(number, [])
        may_expire = messages["ttl_ms"] > 0
        failed = 0
        for numbers in self._absent.pop(number, []):
            owed = numbers[~self._dead[numbers] & ~may_expire[numbers]]
            failed += len(owed)
            # what never came waits until the last moment at which anybody looked for it
            parts.append(np.maximum(self.case.end_ns - messages["intended_ns"][owed], 0))
        return (np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)), failed
