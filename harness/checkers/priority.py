"""Do urgent messages overtake those that wait, and how long does each class wait?"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, counted, decide
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import NEVER, Flags, Numbers
from harness.checkers.pacing import Pacing, StateOfMeasure
from harness.checkers.quantiles import quantile_of, supported
from harness.model.result import Curve, Measure
from harness.model.verdict import EVIDENCE_MAX

GRACE_NS: Final = 5_000_000
ON_ITS_WAY_NS_MAX: Final = 100_000_000  # a process that wants to run waits no longer for a processor than this
POINTS: Final = 120
COUNTS: Final = ("inverted", "inverted_elsewhere", "inversions", "overtaken_max", "inverted_in_flood", "checked")
WAIT_QUANTILES: Final = {"p50": 0.5, "p95": 0.95}


class Priority(Checker):
    """Counts: ``inverted`` messages, ``inversions`` beyond the allowance, the largest (``overtaken_max``), the ``allowance``.
    ``inverted_elsewhere`` are those whose own member was handed no more of lower classes meanwhile than it may hold: others were.

    Measures ``wait_<class>_p50`` and ``_p95`` (ms, intended time to first delivery); curves ``wait``, one a class.
    """

    name = "priority"
    rule = (
        "While a message waits (acknowledged, not yet delivered), no more messages of lower classes are delivered for"
        " the first time to its group than the members may hold already: prefetch times members. The first 5 ms after"
        " the acknowledgement do not count, since a broker hands out what it has before the news arrives; nor do the last"
        " 100 ms at most in which the member that gets it has nothing to do: it is on its way there. Paced and "
        "burst phases count; in a flood it is a finding. Waits run from the intended "
        "time, in phases in which the broker is not killed, and are invalid where the load generator was late there, lower"
        " bounds where it offered less than asked."
    )
    source = "AMQP 0-9-1 section 3.1.10 priorities; JMSPriority"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys(COUNTS, 0)
        self._evidence: list[Evidence] = []
        self._findings = Findings()
        phases = [number for number, _ in case.phases("paced", "burst")]
        self._judged: Flags = np.isin(case.messages["phase"], phases)
        killed = [number for number in phases if (fault := case.workload.phases[number].fault) and fault.kill]
        self._waited = [number for number in phases if number not in killed]
        self._calm: Flags = np.isin(case.messages["phase"], self._waited)

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.needs.priority_levels > 1

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        needs = self.case.workload.needs
        allowance = needs.prefetch * needs.groups[view.name]
        messages, first_ns = self.case.messages, view.deliveries.first_ns
        came = first_ns != NEVER
        waited = came & messages.acknowledged
        level = messages["class"]
        sent_ns = _sent_ns(view)
        for number in range(1, needs.priority_levels):
            waiting = np.flatnonzero(waited & (level == number))
            lower = np.flatnonzero(came & (level < number))
            since, until = messages.acknowledged_ns[waiting] + GRACE_NS, sent_ns[waiting]
            overtaken = _between(first_ns[lower], since, until)
            served = np.zeros(len(waiting), dtype=np.int64)  # of lower classes by the member that gets the message
            for member in np.unique(view.first_member[lower]).tolist():
                mine = view.first_member[waiting] == member
                theirs = lower[view.first_member[lower] == member]
                served[mine] = _between(first_ns[theirs], since[mine], until[mine])
            self._count(view, waiting, overtaken, served, allowance)
        self._waits(view, waited, first_ns)

    def _count(self, view: GroupView, waiting: Numbers, overtaken: Numbers, served: Numbers, allowance: int) -> None:
        counts = self._counts
        beyond = overtaken > allowance
        judged = self._judged[waiting]
        counts["checked"] += int(np.count_nonzero(judged))
        counts["inverted"] += int(np.count_nonzero(beyond & judged))
        counts["inverted_elsewhere"] += int(
            np.count_nonzero(beyond & judged & (served <= self.case.workload.needs.prefetch))
        )
        counts["inverted_in_flood"] += int(np.count_nonzero(beyond & ~judged))
        counts["inversions"] += int((overtaken - allowance)[beyond & judged].sum())
        counts["overtaken_max"] = max(counts["overtaken_max"], int(overtaken[judged].max(initial=0)))
        worst = np.flatnonzero(beyond & judged)[: EVIDENCE_MAX - len(self._evidence)]
        numbers = waiting[worst]
        self._evidence += self.case.evidence(
            numbers,
            group=view.name,
            level=self.case.messages["class"][numbers],
            overtaken_by=overtaken[worst],
            by_own_member=served[worst],
            waited_ms=(view.deliveries.first_ns[numbers] - self.case.messages.acknowledged_ns[numbers]) / 1e6,
        )

    def _waits(self, view: GroupView, waited: Flags, first_ns: Numbers) -> None:
        case, messages = self.case, self.case.messages
        several = len(case.groups) > 1
        for number, name in enumerate(case.workload.class_names):
            mine = waited & self._calm & (messages["class"] == number)
            # brokers acknowledge at different moments, some after they have delivered: the intended time is the same for all
            waits = np.sort(first_ns[mine] - messages["intended_ns"][mine])
            if not len(waits):
                continue
            metric = f"wait_{name}" + (f"_{view.name}" if several else "")
            self._findings.measures += self._quantiles(metric, waits)
            self._findings.curves.append(self._curve(f"{name} ({view.name})" if several else name, waits))

    @cached_property
    def _judgement(self) -> tuple[StateOfMeasure, str]:
        """The worst that the load generator has to answer for in the phases whose waits are measured."""
        found = [honesty.judgement for number, honesty in Pacing(self.case).phases.items() if number in self._waited]
        return next((one for state in ("invalid", "lower_bound") for one in found if one[0] == state), ("ok", ""))

    def _quantiles(self, metric: str, waits: Numbers) -> list[Measure]:
        state, reason = self._judgement
        return [
            self.case.measure(
                f"{metric}_{name}",
                quantile_of(waits, q) / 1e6,
                "ms",
                "lower",
                samples=len(waits),
                state=state,
                reason=reason,
            )
            for name, q in WAIT_QUANTILES.items()
            if supported(len(waits), q)
        ]

    def _curve(self, label: str, waits: Numbers) -> Curve:
        """Cumulative share of the class by the time it waited."""
        places = np.unique(np.linspace(0, len(waits) - 1, min(POINTS, len(waits))).astype(np.int64))
        share = (places + 1) / len(waits)
        return self.case.curve("wait", (waits[places] / 1e6).tolist(), share.tolist(), "ms", "share", label)

    def finish(self) -> Findings:
        case, counts = self.case, self._counts
        needs = case.workload.needs
        counts["allowance"] = max((needs.prefetch * needs.groups[name] for name in case.groups), default=0)
        doubt = "" if counts["checked"] else "no message above the lowest class was acknowledged and delivered"
        if not doubt and not case.meta.complete:
            doubt = "the run was cut off"
        if counts["inverted"]:
            summary = (
                f"{counted(counts['inverted'], 'message')} waited while more than {counts['allowance']} of lower classes were "
                f"delivered (worst: {counts['overtaken_max']}): {counts['inverted_elsewhere']} of them waited for a member that "
                "kept the rule while others served what they had"
            )
        else:
            summary = (
                doubt
                or f"none of {counts['checked']} urgent messages was overtaken by more than {counts['allowance']} others"
            )
        self._findings.verdicts.append(
            case.verdict(
                self,
                decide(counts["inverted"], doubt),
                summary,
                promised=case.supports("priority"),
                counts=counts,
                evidence=self._evidence,
            )
        )
        return self._findings


def _between(times: Numbers, since: Numbers, until: Numbers) -> Numbers:
    """How many of ``times`` lie after each ``since`` and before its ``until``."""
    ordered = np.sort(times)
    found = np.searchsorted(ordered, until, side="left") - np.searchsorted(ordered, since, side="right")
    counted: Numbers = np.maximum(found, 0)
    return counted


def _sent_ns(view: GroupView) -> Numbers:
    """When each message was at the latest on its way to the member that first got it. Shape (messages,); NEVER without a delivery.

    A member that has just settled what it had is free: from then on a message may be between broker and member, or wait for the
    member's process to run.
    """
    sent: Numbers = view.deliveries.first_ns.copy()
    settles = view.settles
    for member in np.unique(settles.member).tolist():
        free = settles.settled_ns[settles.member == member]
        mine = np.flatnonzero(view.first_member == member)
        before = np.searchsorted(free, sent[mine], side="right") - 1
        idle = np.where(before >= 0, sent[mine] - free[before], 0)
        sent[mine] -= np.minimum(idle, ON_ITS_WAY_NS_MAX)
    return sent
