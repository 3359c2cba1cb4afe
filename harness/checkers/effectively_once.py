"""Does the work of every message take effect exactly once, though messages come more than once?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, counted, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.fate import doomed
from harness.model.verdict import EVIDENCE_MAX

EFFECT: Final = 1
PREVENTED: Final = 2


class EffectivelyOnce(Checker):
    """Counts: ``effects_not_once`` is ``no_effect`` plus ``effect_twice``; ``prevented`` second effects, ``effects``."""

    name = "effectively_once"
    rule = (
        "In every group the work of an acknowledged message takes effect exactly once, whoever crashed; of one that "
        "was never acknowledged at most once; of one that fails every attempt, never. Second effects that the "
        "idempotency key prevented are counted. Expiring messages may have no effect. One that is kept in memory "
        "may have none after its broker was killed."
    )
    source = "At-least-once delivery with an idempotency key (effectively once)"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys(("no_effect", "effect_twice", "prevented", "effects", "checked"), 0)
        self._evidence: list[Evidence] = []
        messages = case.messages
        self._doomed = doomed(case)
        self._owed = messages.acknowledged & ~self._doomed & (messages["ttl_ms"] == 0)

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.processing.once

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        settles = view.settles
        effects = settles.count(settles.effect == EFFECT)
        none = self._owed & (effects == 0)
        more = effects > np.where(self._doomed, 0, 1)
        self._counts["checked"] += int(np.count_nonzero(self._owed))
        self._counts["effects"] += int(effects.sum())
        self._counts["prevented"] += int(np.count_nonzero(settles.effect == PREVENTED))
        for why, flags in (("no_effect", none), ("effect_twice", more)):
            numbers = np.flatnonzero(flags)
            self._counts[why] += len(numbers)
            numbers = numbers[: max(0, EVIDENCE_MAX - len(self._evidence))]
            times = view.deliveries.count[numbers]
            self._evidence += self.case.evidence(
                numbers, why=why, group=view.name, effects=effects[numbers], deliveries=times
            )

    def finish(self) -> Findings:
        case, counts = self.case, self._counts
        doubt = case.doubt or ("" if counts["checked"] else "nothing was acknowledged")
        none = 0 if doubt else counts["no_effect"]
        broken = counts["effect_twice"] + none
        if broken:
            summary = f"{none} messages took no effect and {counts['effect_twice']} more than one"
        else:
            summary = (
                doubt
                or f"all {counts['checked']} took effect once; the key prevented {counted(counts['prevented'], 'second effect')}"
            )
        counts = {**counts, "effects_not_once": broken, "no_effect": none}
        validity = decide(broken, doubt)
        promised = case.keeps or counts["effect_twice"] > 0
        return Findings(
            [case.verdict(self, validity, summary, promised=promised, counts=counts, evidence=self._evidence)]
        )
