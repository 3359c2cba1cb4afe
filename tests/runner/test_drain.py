"""When a run may end: counts can agree by accident, so what members hold in their hands is asked for too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner import drain
from harness.runner.control import Counter


class Crew:
    """One member, one message acknowledged and done: whatever comes beyond that, the counts cannot tell."""

    def __init__(self, held: list[int], *, blind: bool = True) -> None:
        self.script = held  # what the member holds at each of its looks
        self.count = 0
        self.blind = blind

    def last_activity_ns(self) -> int:
        return 0

    def of_group(self, group: str, counter: Counter) -> int:
        return 1 if counter is Counter.COMPLETED else 0

    def acknowledged(self) -> int:
        return 1

    def doubtful(self) -> int:
        return 1

    def looks(self) -> dict[str, int]:
        self.count += 1
        return {"mailer-0": self.count} if self.blind else {}

    def held(self) -> int:
        return self.script[min(self.count, len(self.script) - 1)]


def drained(crew: Crew, backlogs: list[int], deadline_s: float = 5.0) -> tuple[bool, int]:
    """Whether it ended in time, and how often the broker was asked."""
    asked: list[int] = []

    def backlog(*_: object) -> dict[str, int]:
        asked.append(1)
        return {"mailer": backlogs[min(len(asked), len(backlogs)) - 1]}

    workload: Any = SimpleNamespace(needs=SimpleNamespace(groups={"mailer": 1}, retry=None), drain_deadline=deadline_s)
    parts: Any = (SimpleNamespace(backlog=backlog), None, None, workload, crew)
    return drain.Drain(*parts).wait(lambda: None, last=True), len(asked)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "LOOK_S", 0.001)
    monkeypatch.setattr(drain, "BACKLOG_EVERY_S", 0.002)


def test_a_broker_whose_backlog_counts_everything_is_asked_once() -> None:
    assert drained(Crew([0], blind=False), [0]) == (True, 1)


def test_a_message_in_a_members_hands_keeps_the_run_going() -> None:
    crew = Crew([0, 0, 1, 1, 1, 1, 1, 0])
    assert drained(crew, [0])[0]
    assert crew.count > 8


def test_it_does_not_end_while_a_member_never_lets_go() -> None:
    assert not drained(Crew([1]), [0], deadline_s=0.1)[0]


def test_a_message_that_came_back_while_the_members_were_looked_at_keeps_the_run_going() -> None:
    ended, asked = drained(Crew([0]), [0, 1, 0, 0])
    assert ended
    assert asked == 4


def test_a_member_that_looks_no_more_is_waited_for() -> None:
    crew = Crew([0])
    crew.looks = lambda: {"mailer-0": 7}  # type: ignore[method-assign]
    assert not drained(crew, [0], deadline_s=0.1)[0]
