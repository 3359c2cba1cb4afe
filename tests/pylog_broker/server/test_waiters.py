from __future__ import annotations

from typing import Any

from harness.pylog_broker.timers import Timers
from harness.pylog_broker.waiters import Waiters


def _waiters() -> tuple[Timers, Waiters, list[str]]:
    timers = Timers()
    return timers, Waiters(timers), []


def test_only_whoever_misses_nothing_more_is_answered() -> None:
    timers, waiters, answered = _waiters()
    one, two = _log(), _log()
    waiters.park([one], 10, 5.0, lambda: answered.append("ten of one"))
    waiters.park([one, two], 15, 5.0, lambda: answered.append("fifteen of both"))
    waiters.appended(one, 10)
    waiters.run_ready()
    assert answered == ["ten of one"]
    waiters.appended(two, 4)
    waiters.run_ready()
    assert answered == ["ten of one"]
    waiters.appended(two, 1)
    waiters.run_ready()
    assert answered == ["ten of one", "fifteen of both"]
    assert waiters.by_log == {}
    assert len(timers) == 0


def test_a_deadline_answers_once() -> None:
    timers, waiters, answered = _waiters()
    log = _log()
    waiters.park([log], 10, 5.0, lambda: answered.append("late"))
    timers.run_due(5.0)
    waiters.appended(log, 100)
    waiters.run_ready()
    waiters.run_ready()
    assert answered == ["late"]
    assert waiters.by_log == {}


def test_several_appends_of_one_round_answer_once() -> None:
    _, waiters, answered = _waiters()
    log = _log()
    waiters.park([log], 1, 5.0, lambda: answered.append("x"))
    waiters.appended(log, 1)
    waiters.appended(log, 1)
    assert waiters.has_ready
    waiters.run_ready()
    assert answered == ["x"]
    assert not waiters.has_ready


def test_wake_answers_everything_that_waits_for_the_log() -> None:
    _, waiters, answered = _waiters()
    one, two = _log(), _log()
    waiters.park([one], 99, 5.0, lambda: answered.append("one"))
    waiters.park([two], 99, 5.0, lambda: answered.append("two"))
    waiters.wake(one)
    waiters.run_ready()
    assert answered == ["one"]


def test_a_cancelled_waiter_is_forgotten() -> None:
    timers, waiters, answered = _waiters()
    log = _log()
    waiter = waiters.park([log, log], 1, 5.0, lambda: answered.append("x"))
    waiters.cancel(waiter)
    waiters.cancel(waiter)
    waiters.appended(log, 5)
    timers.run_due(9.0)
    waiters.run_ready()
    assert answered == []
    assert waiters.by_log == {}


def _log() -> Any:
    """A stand-in: the waiters use a log as a key and nothing else."""
    return object()
