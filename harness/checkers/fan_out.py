"""Does every group get everything that another group got?"""

from __future__ import annotations

import numpy as np

from harness.checkers.absence import Absence
from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.model.verdict import EVIDENCE_MAX


class FanOut(Checker):
    """Counts: ``group_incomplete`` (message, group) pairs, by group ``missing_<group>``; ``unacknowledged_partial`` messages."""

    name = "fan_out"
    rule = (
        "An acknowledged message that came to one group comes to every group, unless it was dead-lettered or may have"
        " expired there. What came to no group at all is loss, and the durability checker's. A message that was never"
        " acknowledged may come to some groups only: a finding, counted apart. Copies that are kept in memory may be lost "
        "with their broker's process."
    )
    source = "Consumer groups: Kafka; fanout exchange: AMQP 0-9-1 section 3.1.3.2; JMS topics"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._absence = Absence.of(case)
        self._times_seen = np.zeros(len(case.messages), dtype=np.uint8)

    @classmethod
    def applies(cls, case: Case) -> bool:
        return len(case.groups) > 1

    def group(self, view: GroupView) -> None:
        self._absence.see(view)
        if not view.is_dead_letters:
            self._times_seen += view.deliveries.delivered

    def finish(self) -> Findings:
        case, absence = self.case, self._absence
        groups = len(absence.missing)
        missing: dict[str, int] = {}
        evidence: list[Evidence] = []
        for name in absence.missing:
            gone = np.flatnonzero(absence.lost(name) & absence.delivered_somewhere)
            missing[f"missing_{name}"] = len(gone)
            evidence += case.evidence(
                gone[: EVIDENCE_MAX - len(evidence)], group=name, groups_reached=self._times_seen[gone]
            )
        total = sum(missing.values())
        complete = int(np.count_nonzero(self._times_seen == groups))
        partial = (
            case.messages.published & ~case.messages.acknowledged & (self._times_seen > 0) & (self._times_seen < groups)
        )
        doubt = case.doubt or ("" if self._times_seen.any() else "nothing was delivered")
        found = 0 if doubt else total
        counts = {
            "group_incomplete": found,
            "complete": complete,
            "undelivered": total,
            "unacknowledged_partial": int(np.count_nonzero(partial)),
            **(missing if found else {}),
        }
        if found:
            short = ", ".join(f"{name[8:]} misses {count}" for name, count in missing.items() if count)
            summary = f"groups miss messages that others got: {short}"
        else:
            summary = doubt or f"{complete} messages came to all {groups} groups"
        promised = case.supports("fan_out") and case.keeps
        return Findings(
            [case.verdict(self, decide(found, doubt), summary, promised=promised, counts=counts, evidence=evidence)]
        )
