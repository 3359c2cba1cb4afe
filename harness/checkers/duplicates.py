"""Is anything handed out twice, and who caused it?"""

from __future__ import annotations

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import Flags, Numbers
from harness.checkers.unrest import under_way
from harness.model.messages import Outcome
from harness.model.verdict import EVIDENCE_MAX

CAUSES = ("resend", "unsettled", "unrest", "unexplained")


class Duplicates(Checker):
    """Counts: ``duplicated`` deliveries beyond each message's first, by cause, and whether the broker flagged them."""

    name = "duplicates"
    rule = (
        "A group receives a message again only for a cause: a settlement RETRY asked for it (not a duplicate at all);"
        " the publisher sent it again after an unknown outcome (resend); the earlier delivery was never settled with "
        "success (unsettled); or between the two the broker was killed, a member crashed or a connection was lost "
        "(unrest). At-least-once delivery allows all of these and they are counted; a duplicate without a cause "
        "breaks the rule."
    )
    source = "At-least-once delivery; redelivered flag: AMQP 0-9-1 basic.deliver, JMSRedelivered"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys(("duplicated", "flagged", "unflagged", "cannot_say", "retries", *CAUSES), 0)
        self._evidence: list[Evidence] = []
        self._deliveries = 0

    def group(self, view: GroupView) -> None:
        self._deliveries += len(view.deliveries)
        if view.is_dead_letters:
            return  # the dead-letter checker counts those
        deliveries = view.deliveries
        extra = np.maximum(deliveries.count - 1, 0)
        again = np.flatnonzero(extra)
        if not len(again):
            return
        left = extra[again]
        retried = np.minimum(left, view.settles.retried[again])
        left = left - retried
        self._counts["retries"] += int(retried.sum())
        self._counts["duplicated"] += int(left.sum())
        causes = self._causes(view, again)
        for name in CAUSES[:-1]:
            explained = np.minimum(left, causes[name])
            self._counts[name] += int(explained.sum())
            left = left - explained
        self._counts["unexplained"] += int(left.sum())
        self._note(view, again[left > 0], left[left > 0])
        self._count_flags(view)

    def _causes(self, view: GroupView, again: Numbers) -> dict[str, Numbers]:
        """How many duplicates of each of these messages each cause can explain."""
        deliveries, settles, messages = view.deliveries, view.settles, self.case.messages
        between = under_way(self.case.breaks, deliveries)[again]
        return {
            "resend": np.maximum(messages.submissions[again].astype(np.int64) - 1, 0),
            "unsettled": np.maximum(deliveries.count[again] - settles.confirmed[again], 0),
            "unrest": np.where(between, deliveries.count[again], 0),
        }

    def _count_flags(self, view: GroupView) -> None:
        deliveries = view.deliveries
        later = np.ones(len(deliveries), dtype=bool)
        later[deliveries.first[deliveries.first >= 0]] = False
        wanted: Flags = view.settles.retried == 0
        flags = deliveries.redelivered[later & wanted[deliveries.number]]
        self._counts["flagged"] += int(np.count_nonzero(flags == 1))
        self._counts["unflagged"] += int(np.count_nonzero(flags == 0))
        self._counts["cannot_say"] += int(np.count_nonzero(flags == 2))

    def _note(self, view: GroupView, numbers: Numbers, extra: Numbers) -> None:
        room = EVIDENCE_MAX - len(self._evidence)
        if room > 0 and len(numbers):
            first_s = (view.deliveries.first_ns[numbers[:room]] - self.case.meta.started_ns) / 1e9
            accepted = view.settles.count(view.settles.outcome == Outcome.OK)[numbers[:room]]
            self._evidence += self.case.evidence(
                numbers[:room], group=view.name, extra=extra[:room], settled=accepted, first_received_s=first_s
            )

    def finish(self) -> Findings:
        counts = self._counts | {"deliveries": self._deliveries}
        doubt = "" if self._deliveries else "nothing was delivered"
        if not doubt and not self.case.meta.complete:
            doubt = "the run was cut off, so later duplicates would not show"
        causes = ", ".join(f"{counts[name]} {name}" for name in CAUSES if counts[name])
        if counts["duplicated"]:
            extra = f"{counts['duplicated']} deliver{'y' if counts['duplicated'] == 1 else 'ies'}"
            summary = f"{extra} beyond the first ({causes}); {counts['flagged']} flagged as redelivered"
        else:
            summary = doubt or f"no message came twice in {self._deliveries} deliveries"
        validity = decide(counts["unexplained"], doubt)
        return Findings(
            [self.case.verdict(self, validity, summary, promised=True, counts=counts, evidence=self._evidence)]
        )
