"""Does what a consumer did not finish come back?"""

from __future__ import annotations

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import Flags, Numbers
from harness.model.messages import DispositionKind
from harness.model.verdict import EVIDENCE_MAX


class Redelivery(Checker):
    """Counts: ``unfinished`` messages, ``abandoned`` deliveries, ``came_back`` messages."""

    name = "redelivery"
    rule = (
        "A message that was delivered to a group is in the end accepted or given up on by some member of it: when a "
        "member dies, abandons it or loses its connection before settling, the broker hands it out again. Dead-"
        "lettered and expiring messages are excused."
    )
    source = "AMQP 0-9-1 section 4.8.1 acknowledgements; JMS client acknowledge; Kafka committed offsets"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._dead = np.zeros(len(case.messages), dtype=bool)
        self._open: dict[str, Numbers] = {}
        self._members: dict[str, Numbers] = {}
        self._counts = {"checked": 0, "abandoned": 0, "came_back": 0}

    def group(self, view: GroupView) -> None:
        deliveries, settles = view.deliveries, view.settles
        if view.is_dead_letters:
            self._dead |= deliveries.delivered
            return
        unfinished: Flags = deliveries.delivered & ~settles.finished
        self._open[view.name] = np.flatnonzero(unfinished)
        self._counts["checked"] += int(np.count_nonzero(deliveries.delivered))
        given_back = settles.disposition == DispositionKind.ABANDON
        self._counts["abandoned"] += int(np.count_nonzero(given_back))
        self._counts["came_back"] += int(np.count_nonzero(settles.finished & (settles.count(given_back) > 0)))

    def finish(self) -> Findings:
        case = self.case
        excused = self._dead | (case.messages["ttl_ms"] > 0)
        evidence: list[Evidence] = []
        total = 0
        for name, numbers in self._open.items():
            left = numbers[~excused[numbers]]
            total += len(left)
            evidence += case.evidence(left[: EVIDENCE_MAX - len(evidence)], group=name)
        doubt = case.doubt or ("" if self._counts["checked"] else "nothing was delivered")
        unfinished = 0 if doubt else total
        if unfinished:
            summary = f"{unfinished} messages were delivered, never finished, and never handed out again"
        else:
            each = "messages" if len(self._open) == 1 else f"deliveries of a message to one of {len(self._open)} groups"
            summary = doubt or f"all {self._counts['checked']} {each} were finished"
        counts = {"unfinished": unfinished, "open": total, **self._counts}
        validity = decide(unfinished, doubt)
        promised = case.supports("redelivery") and case.keeps
        return Findings([case.verdict(self, validity, summary, promised=promised, counts=counts, evidence=evidence)])
