"""Is the second reading the same as the first?"""

from __future__ import annotations

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import Deliveries, GroupView
from harness.checkers.messages import Numbers, Sections
from harness.checkers.ordering import ACROSS_MEMBERS_NS, late_messages
from harness.model.verdict import EVIDENCE_MAX


class Replay(Checker):
    """Counts: ``replay_differs`` is the sum of ``missing``, ``reordered`` and ``damaged``; ``extra`` and ``twice`` are told apart."""

    name = "replay"
    rule = (
        "After the rewind the group receives every message of its first reading again, undamaged, and within each key"
        " (or, without keys, each partition) in the same order as the first time. Messages sent more than once may "
        "change places. A message that came twice in the second reading, or that came only then, is a finding. "
        "What is kept in memory may not outlast a killed broker until then."
    )
    source = "Seek to the beginning: Kafka; retained streams"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys(
            ("missing", "reordered", "damaged", "extra", "twice", "first_reading", "second_reading"), 0
        )
        self._evidence: list[Evidence] = []

    @classmethod
    def applies(cls, case: Case) -> bool:
        asked = case.workload.needs.replay is not None and bool(case.phases("replay"))
        return asked and case.supports("replay")

    def group(self, view: GroupView) -> None:
        replay = self.case.workload.needs.replay
        if replay is None or view.name != replay.group:
            return
        first, second = view.deliveries, view.replay
        missing = np.flatnonzero(first.delivered & ~second.delivered)
        damaged = np.unique(second.number[second.checksum_ok == 0])
        late = late_messages(second, self._as_read(first), ACROSS_MEMBERS_NS)
        late = late[self.case.messages.attempts[late] <= 1]
        counts = self._counts
        counts["missing"], counts["damaged"], counts["reordered"] = len(missing), len(damaged), len(late)
        counts["extra"] = int(np.count_nonzero(second.delivered & ~first.delivered))
        counts["twice"] = int(np.count_nonzero(second.count > 1))
        counts["first_reading"] = int(np.count_nonzero(first.delivered))
        counts["second_reading"] = int(np.count_nonzero(second.delivered))
        for why, numbers in (("missing", missing), ("damaged", damaged), ("reordered", late)):
            room = numbers[: EVIDENCE_MAX - len(self._evidence)]
            self._evidence += self.case.evidence(room, why=why, group=view.name)

    def _as_read(self, first: Deliveries) -> Sections:
        """The sections that promise an order, each in the order of the first reading."""
        orders = self.case.orders
        keyed = self.case.workload.messages.key.kind != "none"
        sections = orders.by_key if keyed else orders.by_partition
        rank: Numbers = first.first[sections.number]
        came = rank >= 0
        number, section, rank = sections.number[came], sections.section[came], rank[came]
        order = np.lexsort((rank, section))
        return Sections(number[order], section[order])

    def finish(self) -> Findings:
        case, counts = self.case, self._counts
        doubt = ""
        drained = [phase.drained for _, phase in case.phases("replay")]
        if not counts["first_reading"]:
            doubt = "there was no first reading"
        elif not case.meta.complete:
            doubt = "the run was cut off"
        elif not all(drained):
            doubt = f"the second reading did not end within the deadline of {case.workload.drain_deadline:g} s"
        proven = counts["damaged"] + counts["reordered"] + (0 if doubt else counts["missing"])
        if proven:
            summary = f"of {counts['first_reading']} messages, {counts['missing']} did not come again, "
            summary += f"{counts['reordered']} came in another order, {counts['damaged']} came damaged"
        else:
            summary = doubt or f"all {counts['first_reading']} messages came again in the same order"
        counts = {"replay_differs": proven, **counts}
        validity = decide(proven, doubt)
        promised = case.keeps or counts["damaged"] + counts["reordered"] > 0
        return Findings(
            [case.verdict(self, validity, summary, promised=promised, counts=counts, evidence=self._evidence)]
        )
