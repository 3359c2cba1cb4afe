"""Does everything that is given up on, and nothing else, end among the dead letters?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, counted, decide
from harness.checkers.deliveries import Deliveries, GroupView
from harness.checkers.fate import doomed
from harness.checkers.messages import Flags, Numbers
from harness.model.messages import DispositionKind, Outcome, Reason
from harness.model.verdict import EVIDENCE_MAX

FAULTS: Final = ("dead_letter_missing", "dead_letter_wrong", "dead_letter_twice", "reason_wrong")


class DeadLetter(Checker):
    """Counts: ``FAULTS``, ``doomed``, ``expired``, ``dead_letters``, and ``twice_after_unrest`` which is allowed."""

    name = "dead_letter"
    rule = (
        "An acknowledged message whose every allowed attempt fails (poison), and one that expired before any "
        "delivery, is read from the dead-letter queue exactly once, with the reason: rejected or delivery limit for "
        "the one, expired for the other. Nothing else is there. A second copy is excused when the message was given "
        "up on or sent more than once, or the broker was killed. What is kept in memory may be lost with that."
    )
    source = "Dead-letter exchanges; ActiveMQ.DLQ; KIP-1191 style dead-letter topics"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        count = len(case.messages)
        self._doomed = doomed(case)
        self._delivered = np.zeros(count, dtype=bool)
        self._given_up = np.zeros(count, dtype=np.int64)
        self._uncertain = np.zeros(count, dtype=bool)
        self._dead: Deliveries | None = None
        self._evidence: list[Evidence] = []

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.needs.dead_letter

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            self._dead = view.deliveries
            return
        settles = view.settles
        dead = settles.disposition == DispositionKind.DEAD
        self._delivered |= view.deliveries.delivered
        self._given_up += settles.count(dead)
        self._uncertain |= settles.count(dead & (settles.outcome != Outcome.OK)) > 0

    def finish(self) -> Findings:
        case = self.case
        promised = case.supports("dead_letter")
        if self._dead is None:
            doubt = "nobody read the dead-letter queue"
            verdict = case.verdict(self, decide(0, doubt), doubt, promised=promised, counts={})
            return Findings([verdict])
        marks = self._marks(self._dead)
        counts = {name: int(np.count_nonzero(flags)) for name, flags in marks.items()}
        doubt = case.doubt
        if doubt:
            counts["dead_letter_missing"] = 0
        for name in FAULTS:
            if counts[name]:
                numbers = np.flatnonzero(marks[name])[: EVIDENCE_MAX - len(self._evidence)]
                self._evidence += case.evidence(numbers, why=name, failures=case.messages["failures"][numbers])
        if not doubt and not self._delivered.any() and not len(self._dead):
            doubt = "nothing was delivered"
        broken = sum(counts[name] for name in FAULTS)
        promised = promised and (case.keeps or broken > counts["dead_letter_missing"])
        if broken:
            words = {"dead_letter_missing": "missing", "dead_letter_wrong": "wrongly there", "dead_letter_twice": "there twice",
                     "reason_wrong": "with a wrong reason"}  # fmt: skip
            summary = "dead letters: " + ", ".join(f"{counts[name]} {words[name]}" for name in FAULTS if counts[name])
        elif not doubt and not counts["doomed"] and not len(self._dead):
            summary = "no message was to be given up on, and none was"
        else:
            there = f"{counted(counts['doomed'], 'doomed message')} and {counts['expired']} more that expired"
            twice = (
                f", {counts['twice_after_unrest']} of them twice after a disturbance"
                if counts["twice_after_unrest"]
                else ""
            )
            summary = doubt or f"all {counts['dead_letters']} dead letters are there: {there}{twice}"
        return Findings(
            [
                case.verdict(
                    self, decide(broken, doubt), summary, promised=promised, counts=counts, evidence=self._evidence
                )
            ]
        )

    def _marks(self, dead: Deliveries) -> dict[str, Flags]:
        """Every count as flags over the messages."""
        messages = self.case.messages
        has_ttl = messages["ttl_ms"] > 0
        there = dead.delivered
        expired_unseen = messages.acknowledged & has_ttl & ~self._delivered
        if not (self.case.workload.needs.expiry and self.case.supports("expiry")):
            expired_unseen[:] = False
        owed = (messages.acknowledged & self._doomed & self._delivered) | expired_unseen
        # a doomed message with a time to live may expire between two attempts, which is an end as well
        expired = self._with_reason(dead, Reason.EXPIRED)
        rejected = self._with_reason(dead, Reason.REJECTED) | self._with_reason(dead, Reason.DELIVERY_LIMIT)
        twice = dead.count > 1
        excused = (self._given_up > 1) | self._uncertain | (messages.submissions > 1) | bool(self.case.kills)
        return {
            "dead_letter_missing": owed & ~there,
            "dead_letter_wrong": there & ~self._doomed & ~(has_ttl & expired),
            "dead_letter_twice": twice & ~excused,
            "reason_wrong": there & (self._doomed | has_ttl) & ~rejected & ~(expired & has_ttl),
            "twice_after_unrest": twice & excused,
            "doomed": self._doomed & messages.acknowledged,
            "expired": expired & ~(self._doomed & messages.acknowledged),
            "dead_letters": there,
        }

    def _with_reason(self, dead: Deliveries, reason: Reason) -> Flags:
        flags = np.zeros(len(self.case.messages), dtype=bool)
        numbers: Numbers = dead.number[dead.reason == reason]
        flags[numbers] = True
        return flags
