"""Is nothing delivered past its time to live, and nothing thrown away before?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.model.messages import Reason
from harness.model.verdict import EVIDENCE_MAX

LATE_NS: Final = 50_000_000
EARLY_NS: Final = 5_000_000


class Expiry(Checker):
    """Counts: ``expired_delivered`` (late), ``expired_early``, ``expired`` as the dead letters say, ``redelivered_late``."""

    name = "expiry"
    rule = (
        "A message with a time to live is not delivered for the first time later than that after the last moment at "
        "which its clock can have started (the acknowledgement), plus 50 ms on its way to the member; and it is not "
        "dead-lettered as expired before its intended time plus the time to live, less 5 ms. Messages without one "
        "never expire. Redeliveries after the time are a finding."
    )
    source = "AMQP 0-9-1 basic expiration; JMSExpiration"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        messages = case.messages
        ttl_ns = messages["ttl_ms"].astype(np.int64) * 1_000_000
        self._has: Flags = ttl_ns > 0
        started = np.where(messages.acknowledged, messages.acknowledged_ns, messages.settled_ns)
        self._latest_ns: Numbers = started + ttl_ns + LATE_NS
        self._earliest_ns: Numbers = messages["intended_ns"] + ttl_ns - EARLY_NS
        self._counts = dict.fromkeys(("expired_delivered", "expired_early", "expired", "redelivered_late"), 0)
        self._evidence: list[Evidence] = []

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.needs.expiry

    def group(self, view: GroupView) -> None:
        deliveries = view.deliveries
        if view.is_dead_letters:
            expired = deliveries.reason == Reason.EXPIRED
            number = deliveries.number[expired]
            self._counts["expired"] += len(number)
            early = ~self._has[number] | (deliveries.received_ns[expired] < self._earliest_ns[number])
            self._found(view, "expired_early", number[early], deliveries.received_ns[expired][early])
            return
        first_ns = deliveries.first_ns
        late = np.flatnonzero(self._has & (first_ns != NEVER) & (first_ns > self._latest_ns))
        self._found(view, "expired_delivered", late, first_ns[late])
        again = self._has & (deliveries.last_ns > self._latest_ns) & (first_ns <= self._latest_ns)
        self._counts["redelivered_late"] += int(np.count_nonzero(again))

    def _found(self, view: GroupView, why: str, numbers: Numbers, at_ns: Numbers) -> None:
        self._counts[why] += len(numbers)
        room = max(0, EVIDENCE_MAX - len(self._evidence))
        shown, at_ns = numbers[:room], at_ns[:room]
        age_ms = (at_ns - self.case.messages["intended_ns"][shown]) / 1e6
        self._evidence += self.case.evidence(
            shown, why=why, group=view.name, age_ms=age_ms, ttl_ms=self.case.messages["ttl_ms"][shown]
        )

    def finish(self) -> Findings:
        case = self.case
        checked = int(np.count_nonzero(self._has))
        counts = {**self._counts, "checked": checked}
        broken = counts["expired_delivered"] + counts["expired_early"]
        doubt = case.doubt or ("" if checked else "no message had a time to live")
        if broken:
            summary = f"of {checked} messages with a time to live, {counts['expired_delivered']} came too late "
            summary += f"and {counts['expired_early']} were given up too early"
        else:
            summary = doubt or f"of {checked} messages with a time to live none came too late or was given up too early"
        promised = case.supports("expiry")
        validity = decide(broken, doubt)
        return Findings(
            [case.verdict(self, validity, summary, promised=promised, counts=counts, evidence=self._evidence)]
        )
