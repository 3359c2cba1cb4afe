"""Is anything lost that the broker had acknowledged?"""

from __future__ import annotations

import numpy as np

from harness.checkers.absence import Absence
from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import GroupView
from harness.model.verdict import EVIDENCE_MAX, Validity


class Durability(Checker):
    """Counts: ``lost`` messages (in at least one group; ``lost_<group>`` in each), ``acknowledged``, ``unacknowledged_delivered``."""

    name = "durability"
    rule = (
        "A message whose publish was acknowledged (outcome OK) is delivered at least once to every group, broker "
        "killed or not, unless it lies in the dead-letter queue or had a time to live. A damaged delivery counts as "
        "one. A message that was never acknowledged and comes all the same is a finding and no failure; outcomes INFO"
        " (unknown) are counted apart."
    )
    source = "Publisher acknowledgements: Kafka KIP-98 and acks, AMQP 0-9-1 publisher confirms, STOMP 1.2 RECEIPT"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._absence = Absence.of(case)

    def group(self, view: GroupView) -> None:
        self._absence.see(view)

    def finish(self) -> Findings:
        case, messages = self.case, self.case.messages
        anywhere = np.zeros(len(messages), dtype=bool)
        unseen = np.zeros(len(messages), dtype=bool)
        counts: dict[str, int] = {}
        expired = 0
        evidence: list[Evidence] = []
        for name in self._absence.missing:
            gone = self._absence.lost(name)
            anywhere |= gone
            unseen |= self._absence.missing[name]
            expired += int(np.count_nonzero(self._absence.expired_unseen(name)))
            counts[f"lost_{name}"] = int(np.count_nonzero(gone))
            numbers = np.flatnonzero(gone)[:EVIDENCE_MAX]
            evidence += case.evidence(
                numbers, group=name, acknowledged_s=(messages.acknowledged_ns[numbers] - case.meta.started_ns) / 1e9
            )
        missing = int(np.count_nonzero(anywhere))
        aside = int(np.count_nonzero(unseen & ~anywhere))
        acknowledged = int(np.count_nonzero(messages.acknowledged))
        sent = messages.published & (messages.submissions > 0)
        unknown = sent & ~messages.acknowledged
        lost = 0 if case.doubt else missing
        counts = {
            "lost": lost,
            "acknowledged": acknowledged,
            "delivered": int(np.count_nonzero(messages.acknowledged & self._absence.delivered_somewhere & ~anywhere)),
            "published": int(np.count_nonzero(messages.published)),
            "unacknowledged": int(np.count_nonzero(messages.published & ~messages.acknowledged)),
            "unknown": int(np.count_nonzero(unknown)),
            "unrecorded": int(np.count_nonzero(~messages.published)),
            "unacknowledged_delivered": int(np.count_nonzero(unknown & self._absence.delivered_somewhere)),
            "dead_lettered": int(np.count_nonzero(self._absence.dead_lettered)),
            "expired_unseen": expired,
            "undelivered": missing,
            "kills": len(case.kills),
            **(counts if lost else {}),
        }
        doubt = case.doubt
        if not doubt and not acknowledged:
            doubt = "nothing was acknowledged, so nothing could be lost"
        if not doubt and case.missed:
            doubt = f"{case.missed}, so survival was not tested"
        return Findings(
            [
                case.verdict(
                    self,
                    decide(lost, doubt),
                    self._summary(lost, missing, acknowledged, aside, doubt),
                    promised=case.keeps,
                    counts=counts,
                    evidence=evidence,
                )
            ]
        )

    def _summary(self, lost: int, missing: int, acknowledged: int, aside: int, doubt: str) -> str:
        """``aside`` messages never came to some group, and did not have to."""
        case = self.case
        how = ", ".join([f"tier {case.meta.tier}", *_in_words([one.kind for one in case.breaks])])
        if decide(lost, doubt) is Validity.INVALID:
            return f"{lost} of {acknowledged} acknowledged messages were never delivered ({how})"
        if doubt:
            seen = f"; {missing} acknowledged messages have not come so far" if missing else ""
            return f"{doubt}{seen}"
        groups = len(self._absence.missing)
        where = "the group" if groups == 1 else f"all {groups} groups"
        if not aside:
            return f"all {acknowledged} acknowledged messages were delivered to {where} ({how})"
        return (
            f"none of {acknowledged} acknowledged messages was lost: {acknowledged - aside} were delivered to {where}, "
            f"{aside} were dead-lettered, or free to expire, before ({how})"
        )


_WORDS = {
    "kill": "broker killed",
    "pause": "broker paused",
    "cut": "link cut",
    "slow": "link slowed",
    "fill": "disk full",
}


def _in_words(kinds: list[str]) -> list[str]:
    """What was broken on purpose, and how often."""
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds) if kind in _WORDS}
    return [_WORDS[kind] + (f" {count} times" if count > 1 else "") for kind, count in counts.items()]
