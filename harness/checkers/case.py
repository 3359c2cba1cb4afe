"""What a checker is given beside the messages and the deliveries: the run's marks, and the words for its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from harness.checkers.counters import Counters, read_counters
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import Messages, Numbers, Orders
from harness.checkers.unrest import Break, breaks_of
from harness.history.meta import HistoryMeta, PhaseMeta
from harness.history.view import Event, History
from harness.model.broker import Tier
from harness.model.result import Curve, Measure
from harness.model.verdict import EVIDENCE_MAX, NEVER_KILLED, NOT_RUN, Validity, Verdict
from harness.model.workload import Workload

ENDS_PROCESS = ("kill", "fill")  # a full disk makes some brokers end themselves

Evidence = dict[str, int | float | str | bool | None]


@dataclass(frozen=True)
class Case:
    """One run under judgement. All times are the run's monotonic ns."""

    history: History
    workload: Workload
    messages: Messages
    events: Sequence[Event]

    @property
    def meta(self) -> HistoryMeta:
        return self.history.meta

    @cached_property
    def orders(self) -> Orders:
        return Orders(self.messages)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups that the workload asked for, without the dead letters' reader."""
        return tuple(name for name in self.meta.groups if name in self.workload.needs.groups)

    def phases(self, *kinds: str) -> list[tuple[int, PhaseMeta]]:
        """Phases of these kinds with their numbers; those that the run never got to are not there."""
        return [(number, phase) for number, phase in enumerate(self.meta.phases) if phase.kind in kinds]

    def supports(self, feature: str) -> bool:
        """Whether the broker promised it, natively or emulated."""
        return self.meta.supports.get(feature) != "impossible"

    @cached_property
    def keeps(self) -> bool:
        """Whether what was acknowledged had to outlast everything that broke: in memory alone nothing outlasts its process."""
        return self.meta.tier != Tier.D0 or not any(one.kind in ENDS_PROCESS for one in self.breaks)

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """Kills, crashes and lost connections, in order of time."""
        return breaks_of(self.events, self.meta, self.end_ns)

    @property
    def kills(self) -> tuple[Break, ...]:
        """The times that the broker was killed, evidently."""
        return tuple(one for one in self.breaks if one.kind == "kill")

    @cached_property
    def counters(self) -> list[Counters]:
        """What every sampled process used."""
        return read_counters(self.history)

    @cached_property
    def missed(self) -> str:
        """A fault of a phase that was run and is not known to have bitten, in words; empty when every one did."""
        refused = {
            (event.detail.get("fault"), event.detail.get("phase")): event.detail.get("reason")
            for event in self.events
            if event.kind == "fault_refused"
        }
        bitten = {(one.kind, one.phase) for one in self.breaks}
        for phase in self.workload.phases[: len(self.meta.phases)]:
            if phase.fault is None or phase.fault.kind == "crash" or (phase.fault.kind, phase.name) in bitten:
                continue
            if (phase.fault.kind, phase.name) in refused:
                return (
                    NEVER_KILLED if phase.fault.kind == "kill" else f"{NOT_RUN}{refused[phase.fault.kind, phase.name]}"
                )
            if phase.fault.kind == "kill":
                return "the broker was to be killed and no kill is known to have bitten"
            return f"the fault {phase.fault.kind} of phase {phase.name} is not known to have bitten"
        return ""

    @cached_property
    def doubt(self) -> str:
        """Why nothing can be said about what did not come: the history is cut, or not every group caught up. Empty: it can."""
        if not self.meta.complete:
            return "the run was cut off, so what is missing may never have been sent or read"
        drained = [phase for phase in self.meta.phases if phase.kind != "replay" and phase.drained is not None]
        if not drained:
            return "the run never waited for its groups to catch up"
        if not drained[-1].drained:
            return f"not every group caught up within the deadline of {self.workload.drain_deadline:g} s"
        return ""

    @cached_property
    def end_ns(self) -> int:
        """The end of everything that was waited for."""
        return max((phase.drained_ns or phase.end_ns for phase in self.meta.phases), default=self.meta.started_ns)

    def seconds(self, at_ns: float) -> float:
        """Since the run's start."""
        return (at_ns - self.meta.started_ns) / 1e9

    def evidence(self, numbers: Numbers, **more: Any) -> list[Evidence]:
        """The first of these messages by name, with further columns (arrays of the same length, or one value for all)."""
        rows: list[Evidence] = []
        for place, number in enumerate(numbers[:EVIDENCE_MAX].tolist()):
            row: Evidence = dict(self.messages.names(number))
            for name, column in more.items():
                row[name] = column if isinstance(column, (str, int, float)) else _plain(column[place])
            rows.append(row)
        return rows

    def verdict(
        self,
        checker: Checker | type[Checker],
        validity: Validity,
        summary: str,
        *,
        promised: bool,
        counts: Mapping[str, int],
        evidence: Sequence[Evidence] = (),
    ) -> Verdict:
        return Verdict(
            checker=checker.name,
            workload=self.meta.workload,
            broker=self.meta.broker,
            repeat=self.meta.repeat,
            validity=validity,
            promised=promised,
            rule=checker.rule,
            source=checker.source,
            summary=summary,
            counts={name: int(value) for name, value in counts.items()},
            evidence=list(evidence)[:EVIDENCE_MAX],
        )

    def measure(
        self,
        metric: str,
        value: float,
        unit: str,
        better: Literal["higher", "lower", "neither"],
        *,
        phase: str = "",
        samples: int = 0,
        state: Literal["ok", "invalid", "lower_bound"] = "ok",
        reason: str = "",
    ) -> Measure:
        return Measure(
            workload=self.meta.workload,
            broker=self.meta.broker,
            repeat=self.meta.repeat,
            metric=metric,
            phase=phase,
            value=float(value),
            unit=unit,
            better=better,
            samples=samples,
            state=state,
            reason=reason,
        )

    def curve(
        self, kind: str, x: Sequence[float], y: Sequence[float], x_unit: str, y_unit: str, label: str = ""
    ) -> Curve:
        return Curve(
            workload=self.meta.workload,
            broker=self.meta.broker,
            repeat=self.meta.repeat,
            kind=kind,
            label=label,
            x=[float(value) for value in x],
            y=[float(value) for value in y],
            x_unit=x_unit,
            y_unit=y_unit,
        )


def _plain(value: Any) -> int | float | str | bool | None:
    return value.item() if hasattr(value, "item") else value  # type: ignore[no-any-return]


@dataclass
class Findings:
    """What a checker hands back."""

    verdicts: list[Verdict] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)


class Checker:
    """A pure fold over one run: made with the case, shown every group once, asked for its findings at the end.

    ``rule`` says in words what must hold, ``source`` where that is written. Subclasses override what they need; one that raises anywhere
    gives a verdict UNKNOWN with the error.
    """

    name: ClassVar[str] = ""
    rule: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def __init__(self, case: Case) -> None:
        self.case = case

    @classmethod
    def applies(cls, case: Case) -> bool:
        """Whether the workload asks this question at all."""
        return True

    def group(self, view: GroupView) -> None:
        """Called once for each group, dead letters last."""

    def finish(self) -> Findings:
        return Findings()


def counted(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def decide(broken: int, doubt: str) -> Validity:
    """INVALID when something is known to be broken, UNKNOWN when something may be, else VALID."""
    if broken:
        return Validity.INVALID
    return Validity.UNKNOWN if doubt else Validity.VALID
