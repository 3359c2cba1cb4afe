"""Does a group receive messages in the order they were published in?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import Deliveries, GroupView
from harness.checkers.messages import Numbers, Sections
from harness.model.verdict import EVIDENCE_MAX

ACROSS_MEMBERS_NS: Final = 1_000_000
_FAR: Final = np.iinfo(np.int64).max


class Ordering(Checker):
    """Counts: late messages within a key, within a partition, and over a whole producer (``globally``)."""

    name = "ordering"
    rule = (
        "Among the first deliveries of a group, no message comes after one of the same producer and key with a higher"
        " key sequence. Within one member (one incarnation of it) its own order of receiving counts; across members "
        "the receiving times are compared, and an inversion counts when it exceeds 1 ms, since two processes stamp on"
        " one clock but run when the scheduler lets them. A late message that the publisher had sent more than once "
        "is excused (sent_again). Within a partition the same is asked of the positions that the broker acknowledged;"
        " over a whole producer of the sequence: a finding, unless global order was asked for."
    )
    source = "Order within a partition: Kafka; within a queue: AMQP 0-9-1 section 4.7; message groups: JMSXGroupID"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        names = ("reordered_within_key", "reordered_within_partition", "reordered_globally", "sent_again", "checked")
        self._counts = dict.fromkeys(names, 0)
        self._evidence: list[Evidence] = []

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.needs.order != "none"

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        orders, counts, deliveries = self.case.orders, self._counts, view.deliveries
        late = self._late(deliveries, orders.by_key)
        excused = self.case.messages.attempts[late] > 1
        counts["checked"] += int(np.count_nonzero(deliveries.first >= 0))
        counts["sent_again"] += int(np.count_nonzero(excused))
        counts["reordered_within_key"] += int(np.count_nonzero(~excused))
        within_partition = self._late(deliveries, orders.by_partition)
        counts["reordered_within_partition"] += len(within_partition)
        globally = self._late(deliveries, orders.by_producer)
        globally = globally[self.case.messages.attempts[globally] <= 1]
        counts["reordered_globally"] += len(globally)
        if self.case.workload.needs.order == "global":
            self._note(view, globally, "producer")
        self._note(view, late[~excused], "key")
        self._note(view, within_partition, "partition")

    def _late(self, deliveries: Deliveries, sections: Sections) -> Numbers:
        return late_messages(deliveries, sections, ACROSS_MEMBERS_NS)

    def _note(self, view: GroupView, numbers: Numbers, within: str) -> None:
        numbers = numbers[: max(0, EVIDENCE_MAX - len(self._evidence))]
        rows = view.deliveries.first[numbers]
        messages = self.case.messages
        self._evidence += self.case.evidence(
            numbers,
            group=view.name,
            within=within,
            key=messages["key"][numbers],
            key_sequence=messages["key_sequence"][numbers],
            member=view.deliveries.member[rows] & 0xFF,
            received_s=(view.deliveries.received_ns[rows] - self.case.meta.started_ns) / 1e9,
        )

    def finish(self) -> Findings:
        case, counts = self.case, self._counts
        globally = case.workload.needs.order == "global"
        names = ["reordered_within_key", "reordered_within_partition"] + ["reordered_globally"] * globally
        broken = sum(counts[name] for name in names)
        doubt = "" if counts["checked"] else "nothing was delivered"
        if not doubt and not case.meta.complete:
            doubt = "the run was cut off, so later inversions would not show"
        if broken:
            summary = (
                f"{counts['reordered_within_key']} messages came after a later one of their key, "
                f"{counts['reordered_within_partition']} after a later one of their partition"
            )
            if globally:
                summary += f", {counts['reordered_globally']} after a later one of their producer"
        else:
            summary = doubt or f"{counts['checked']} first deliveries came in order"
            if counts["sent_again"]:
                summary += f"; {counts['sent_again']} that the publisher sent again came late"
        return Findings(
            [
                case.verdict(
                    self,
                    decide(broken, doubt),
                    summary,
                    promised=case.supports("order_per_key"),
                    counts=counts,
                    evidence=self._evidence,
                )
            ]
        )


def late_messages(deliveries: Deliveries, sections: Sections, allowance_ns: int) -> Numbers:
    """Numbers of the messages that were first delivered after a later one of their section, ascending by section.

    Linear in the section's messages: the ranks of arrival are laid out in publishing order, and a message is late when a
    later place has a smaller rank (a running minimum from the back finds that). A delivery to the same member counts by order
    alone, one to another member only if it was more than ``allowance_ns`` before.
    """
    rank = deliveries.first[sections.number]
    came = rank >= 0
    number, rank, section = sections.number[came], rank[came], sections.section[came]
    if len(number) < 2:
        return number[:0]
    suspect = rank > _least_after(rank, section, len(deliveries))
    if not suspect.any():
        return number[:0]
    times = deliveries.received_ns
    # ranks below this are of deliveries more than the allowance earlier
    long_before = np.searchsorted(times, times[rank] - allowance_ns, side="left")
    late = _least_after(rank, section, len(deliveries)) < long_before
    open_cases = suspect & ~late
    if open_cases.any():
        member = deliveries.member[rank]
        for one in np.unique(member[open_cases]).tolist():
            mine = member == one
            own = rank[mine]
            late[mine] |= own > _least_after(own, section[mine], len(deliveries))
    late_numbers: Numbers = number[late]
    return late_numbers


def _least_after(rank: Numbers, section: Numbers, ranks: int) -> Numbers:
    """For each place the smallest rank behind it in its section; ``_FAR`` where there is none. ``ranks`` bounds the values."""
    # adding the section's number keeps sections apart: everything in a later section is larger than all of an earlier one
    lifted = rank + section * np.int64(ranks + 1)
    least = np.minimum.accumulate(lifted[::-1])[::-1]
    behind = np.full(len(rank), _FAR, dtype=np.int64)
    same = section[1:] == section[:-1]
    behind[:-1][same] = least[1:][same] - section[:-1][same] * np.int64(ranks + 1)
    return behind
