"""Is anything delivered that was never sent?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Numbers
from harness.model.verdict import EVIDENCE_MAX

KINDS: Final = ("foreign", "unpublished", "failed_but_delivered", "before_sent")


class Phantom(Checker):
    """Counts: ``foreign`` (not of this run), ``unpublished``, ``failed_but_delivered``, ``before_sent``; ``phantoms`` in all;
    ``unrecorded`` deliveries, whose publish the history lacks."""

    name = "phantom"
    rule = (
        "Every delivery is of a message that a publisher of this run submitted before (on one "
        "clock, or to within the bound of the measured offset between hosts). A "
        "publish whose every attempt was answered FAIL definitely did not happen, so a delivery of it is a phantom; "
        "one that is only unknown (INFO) may come. A message within a publisher's sequences whose outcome is missing "
        "from the history is our own fault, and the verdict unknown. Damaged payloads that bear this run's mark are "
        "the corruption checker's."
    )
    source = "Outcomes OK, FAIL, INFO as in Jepsen histories"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys((*KINDS, "unrecorded", "checked"), 0)
        self._evidence: list[Evidence] = []

    def group(self, view: GroupView) -> None:
        strays, counts = view.strays, self._counts
        foreign = strays.producer < 0
        named = ~foreign & (strays.checksum_ok == 1)
        # a gap among a producer's own sequences: no broker invents that, checksum and mark included
        unrecorded = named & self.case.messages.within(strays.producer, strays.sequence)
        unpublished = named & ~unrecorded
        counts["unrecorded"] += int(np.count_nonzero(unrecorded))
        counts["checked"] += len(view.deliveries) + len(view.replay) + len(strays.producer)
        counts["foreign"] += int(np.count_nonzero(foreign))
        counts["unpublished"] += int(np.count_nonzero(unpublished))
        for row in np.flatnonzero(foreign | named)[: EVIDENCE_MAX - len(self._evidence)].tolist():
            self._evidence.append(
                {
                    "why": "foreign" if foreign[row] else "unpublished" if unpublished[row] else "unrecorded",
                    "producer": int(strays.producer[row]),
                    "sequence": int(strays.sequence[row]),
                    "group": view.name,
                    "received_s": self.case.seconds(strays.received_ns[row]),
                }
            )
        messages, first_ns = self.case.messages, view.deliveries.first_ns
        denied = messages.published & (messages.submissions == 0) & (first_ns != NEVER)
        self._found(view, "failed_but_delivered", np.flatnonzero(denied))
        early = (first_ns < messages.first_submitted_ns - self.case.meta.clock_bound_ns) & ~denied
        self._found(view, "before_sent", np.flatnonzero(early))

    def _found(self, view: GroupView, why: str, numbers: Numbers) -> None:
        self._counts[why] += len(numbers)
        room = numbers[: EVIDENCE_MAX - len(self._evidence)]
        if len(room):
            received_s = (view.deliveries.first_ns[room] - self.case.meta.started_ns) / 1e9
            self._evidence += self.case.evidence(room, why=why, group=view.name, received_s=received_s)

    def finish(self) -> Findings:
        counts = self._counts
        proven = counts["foreign"] + counts["failed_but_delivered"] + counts["before_sent"]
        doubt = "" if counts["checked"] else "nothing was delivered"
        if self.case.meta.complete:
            proven += counts["unpublished"]
        elif not doubt:
            doubt = "the run was cut off, so publishes may be missing from the history"
        if not doubt and counts["unrecorded"]:
            doubt = f"{counts['unrecorded']} deliveries are of messages whose outcome the client never reported: a fault on our side"
        if proven:
            parts = [f"{counts[name]} {name.replace('_', ' ')}" for name in KINDS if counts[name]]
            summary = f"deliveries of what was not sent: {', '.join(parts)}"
        else:
            summary = doubt or f"all {counts['checked']} deliveries are of messages that were sent"
        counts = {"phantoms": proven, **counts}
        validity = decide(proven, doubt)
        return Findings(
            [self.case.verdict(self, validity, summary, promised=True, counts=counts, evidence=self._evidence)]
        )
