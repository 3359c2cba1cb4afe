"""Are failed messages tried again as often as planned, and not before their delay?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import Deliveries, GroupView, Settles
from harness.checkers.fate import doomed, planned_retries
from harness.checkers.messages import Flags, Numbers
from harness.checkers.quantiles import quantile_of, supported
from harness.checkers.unrest import under_way
from harness.model.messages import DispositionKind, Outcome
from harness.model.verdict import EVIDENCE_MAX

EARLY_NS: Final = 2_000_000
FAULTS: Final = ("too_early", "attempt_wrong", "retries_wrong")


class Retry(Checker):
    """Counts: ``FAULTS``, ``retries``, ``checked`` messages, ``disturbed`` ones (not judged). Measure ``retry_lateness_p50`` in ms."""

    name = "retry"
    rule = (
        "A message that fails n times by plan is settled RETRY min(n, max) times and then accepted or given up on; "
        "delivery number k carries attempt k; and it comes no earlier than its backoff after the moment at which the "
        "member can have begun to settle the one before (2 ms are allowed for rounding). Judged are messages without "
        "a disturbance: sent once, no fault in their time, and every delivery settled with success. The others may "
        "begin anew once for each disturbance, and no more."
    )
    source = "Retry policies with backoff; delayed redelivery"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._counts = dict.fromkeys((*FAULTS, "retries", "checked", "disturbed"), 0)
        self._evidence: list[Evidence] = []
        self._late: list[Numbers] = []
        self._planned = planned_retries(case)
        policy = case.workload.needs.retry
        steps = policy.max if policy is not None else 0
        self._delays_ns = np.array(
            [policy.delay_ms(step) * 1_000_000 for step in range(steps)] if policy else [], dtype=np.int64
        )

    @classmethod
    def applies(cls, case: Case) -> bool:
        return case.workload.needs.retry is not None and case.supports("delayed_retry")

    def group(self, view: GroupView) -> None:
        if view.is_dead_letters:
            return
        deliveries, settles = view.deliveries, view.settles
        asked = (settles.retried > 0) | (self._planned > 0)
        told_once = settles.count(settles.outcome == Outcome.OK) == deliveries.count
        calm = told_once & (np.bincount(settles.number, minlength=settles.messages) == deliveries.count)
        calm &= (self.case.messages.submissions == 1) & ~under_way(self.case.breaks, deliveries)
        self._counts["retries"] += int(settles.retried.sum())
        self._counts["disturbed"] += int(np.count_nonzero(asked & deliveries.delivered & ~calm))
        judged: Flags = asked & calm & deliveries.delivered
        self._counts["checked"] += int(np.count_nonzero(judged))
        self._check_counts(view, judged)
        self._check_endless(view, judged)
        self._check_steps(view, judged)

    def _check_counts(self, view: GroupView, judged: Flags) -> None:
        """As many RETRY settlements as planned, and the end that was planned; expired messages may have had fewer."""
        settles = view.settles
        given_up = settles.count(settles.disposition == DispositionKind.DEAD) > 0
        may_end_early = self.case.messages["ttl_ms"] > 0
        wrong = (settles.retried != self._planned) | (given_up != doomed(self.case))
        wrong &= judged & ~(may_end_early & (settles.retried <= self._planned))
        if self.case.doubt:
            wrong &= settles.retried > self._planned
        self._found(view, "retries_wrong", np.flatnonzero(wrong))

    def _check_endless(self, view: GroupView, judged: Flags) -> None:
        """A disturbance may make the attempts begin anew, but each only once: more retries than that are wrong all the same."""
        messages, deliveries = self.case.messages, view.deliveries
        faults = sum(one.kind != "connection" for one in self.case.breaks)
        unsettled = np.maximum(deliveries.count - view.settles.confirmed, 0)
        most = self._planned * (messages.submissions.astype(np.int64) + faults + unsettled)
        self._found(
            view, "retries_wrong", np.flatnonzero(deliveries.delivered & ~judged & (view.settles.retried > most))
        )

    def _check_steps(self, view: GroupView, judged: Flags) -> None:
        """Delivery k of each message against the settlement of delivery k - 1."""
        got = _by_message(view.deliveries.number, judged)
        said = _settled(view.deliveries, got, view.settles, _by_message(view.settles.number, judged))
        number = view.deliveries.number[got]
        if not len(number) or len(got) != len(said):
            return
        step = np.arange(len(number)) - np.searchsorted(number, number, side="left")
        self._found(view, "attempt_wrong", np.unique(number[view.deliveries.attempt[got] != step]))
        again = np.flatnonzero(step > 0)
        before = again - 1
        again, before = again[step[again] <= len(self._delays_ns)], before[step[again] <= len(self._delays_ns)]
        delay = self._delays_ns[step[again] - 1]
        begun = self._begun_ns(view.deliveries, view.settles, got, said)[before]
        received = view.deliveries.received_ns[got]
        early = received[again] < begun + delay - EARLY_NS
        self._found(view, "too_early", np.unique(number[again][early]))
        self._late.append(received[again] - view.settles.settled_ns[said][before] - delay)

    def _begun_ns(self, deliveries: Deliveries, settles: Settles, got: Numbers, said: Numbers) -> Numbers:
        """When each settlement can have begun at the earliest: after the delivery, the member's settlement before, and the work."""
        order = np.lexsort((settles.settled_ns, settles.member))
        previous = np.zeros(len(settles), dtype=np.int64)
        earlier, later = order[:-1], order[1:]
        same = settles.member[earlier] == settles.member[later]
        distinct = same & (settles.settled_ns[earlier] < settles.settled_ns[later])
        previous[later[distinct]] = settles.settled_ns[earlier[distinct]]
        work_ns = self.case.messages["work_us"][settles.number[said]].astype(np.int64) * 1000
        return np.maximum(deliveries.received_ns[got], previous[said]) + work_ns

    def _found(self, view: GroupView, why: str, numbers: Numbers) -> None:
        self._counts[why] += len(numbers)
        room = numbers[: max(0, EVIDENCE_MAX - len(self._evidence))]
        self._evidence += self.case.evidence(
            room, why=why, group=view.name, planned=self._planned[room], retried=view.settles.retried[room]
        )

    def finish(self) -> Findings:
        case, counts = self.case, self._counts
        broken = sum(counts[name] for name in FAULTS)
        doubt = case.doubt or ("" if counts["checked"] else "no message failed, so nothing was tried again")
        if broken:
            words = {"too_early": "came before their delay", "attempt_wrong": "carried a wrong attempt",
                     "retries_wrong": "were not tried as often as planned"}  # fmt: skip
            summary = "of the failing messages " + ", ".join(
                f"{counts[name]} {words[name]}" for name in FAULTS if counts[name]
            )
        else:
            apart = f" ({counts['disturbed']} disturbed ones are not judged)" if counts["disturbed"] else ""
            held = f"all {counts['checked']} failing messages{apart} were tried again as planned, none before its delay"
            summary = doubt or held
        findings = Findings(
            [case.verdict(self, decide(broken, doubt), summary, promised=True, counts=counts, evidence=self._evidence)]
        )
        late = np.sort(np.concatenate(self._late)) if self._late else np.zeros(0, dtype=np.int64)
        if supported(len(late), 0.5):
            value = quantile_of(late, 0.5) / 1e6
            findings.measures.append(case.measure("retry_lateness_p50", value, "ms", "lower", samples=len(late)))
        return findings


def _by_message(number: Numbers, judged: Flags) -> Numbers:
    """Rows of judged messages, by message and, within one, in order of time."""
    rows = np.flatnonzero(judged[number])
    ordered: Numbers = rows[np.argsort(number[rows], kind="stable")]
    return ordered


def _settled(deliveries: Deliveries, got: Numbers, settles: Settles, said: Numbers) -> Numbers:
    """The settlement of each delivery, both given by message: its member's own.

    Not the next in time: a retry that is copied can be delivered, and settled by another member, before the call that copied it returns.
    """
    if len(got) != len(said):
        return said
    paired = np.empty_like(said)
    paired[np.lexsort((deliveries.member[got], deliveries.number[got]))] = said[
        np.lexsort((settles.member[said], settles.number[said]))
    ]
    return paired
