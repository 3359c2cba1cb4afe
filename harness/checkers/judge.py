"""Judging one history: every checker over every group, one group in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.checkers.case import Case, Checker, Findings
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import index_messages
from harness.checkers.registry import ALL
from harness.errors import HarnessError
from harness.history.view import History
from harness.model.messages import DEAD_LETTERS
from harness.model.result import Curve, Measure
from harness.model.verdict import Validity, Verdict
from harness.model.workload import Workload


@dataclass
class Judgement:
    """All that one history says."""

    verdicts: list[Verdict] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def add(self, findings: Findings) -> None:
        self.verdicts += findings.verdicts
        self.measures += findings.measures
        self.curves += findings.curves


def judge(folder: Path, workload: Workload, *, checkers: Sequence[type[Checker]] = ALL) -> Judgement:
    """Verdicts, measures and curves of the history in ``folder``.

    Cost is linear in its rows; memory is proportional to the messages and the largest group's deliveries. Raises HistoryError for
    a history that cannot be read; a checker that fails gives a verdict UNKNOWN instead.
    """
    history = History(folder)
    case = Case(history, workload, index_messages(history), history.events())
    judgement = Judgement()
    panel = _Panel(case, judgement)
    for kind in checkers:
        panel.seat(kind)
    # dead letters last: they excuse what the groups miss
    names = history.meta.groups
    for number in sorted(range(len(names)), key=lambda number: names[number] == DEAD_LETTERS):
        panel.show(GroupView(history, case.messages, number))
    panel.close()
    return judgement


class _Panel:
    """The checkers at work. One that raises leaves, with a verdict UNKNOWN."""

    def __init__(self, case: Case, judgement: Judgement) -> None:
        self._case = case
        self._judgement = judgement
        self._seated: list[Checker] = []

    def seat(self, kind: type[Checker]) -> None:
        try:
            if kind.applies(self._case):
                self._seated.append(kind(self._case))
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - a crashed checker must not cost the others' findings
            self._crashed(kind, error)

    def show(self, view: GroupView) -> None:
        for checker in list(self._seated):
            try:
                checker.group(view)
            except HarnessError:
                raise
            except Exception as error:  # noqa: BLE001
                self._seated.remove(checker)
                self._crashed(type(checker), error)

    def close(self) -> None:
        for checker in self._seated:
            try:
                findings = checker.finish()
            except HarnessError:
                raise
            except Exception as error:  # noqa: BLE001
                self._crashed(type(checker), error)
                continue
            self._judgement.add(findings)

    def _crashed(self, kind: type[Checker], error: Exception) -> None:
        self._judgement.verdicts.append(
            self._case.verdict(
                kind, Validity.UNKNOWN, f"the checker failed: {type(error).__name__}: {error}", promised=True, counts={}
            )
        )
