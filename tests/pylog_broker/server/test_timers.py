from __future__ import annotations

from harness.pylog_broker.timers import Timers


def test_due_timers_fire_once_in_order() -> None:
    timers, fired = Timers(), []
    timers.schedule(3.0, lambda: fired.append(3))
    timers.schedule(1.0, lambda: fired.append(1))
    timers.schedule(2.0, lambda: fired.append(2))
    assert timers.next_deadline_s() == 1.0
    timers.run_due(2.0)
    assert fired == [1, 2]
    timers.run_due(5.0)
    timers.run_due(6.0)
    assert fired == [1, 2, 3]
    assert timers.next_deadline_s() is None


def test_a_cancelled_timer_does_not_fire() -> None:
    timers, fired = Timers(), []
    timer = timers.schedule(1.0, lambda: fired.append(1))
    timer.cancel()
    timer.cancel()
    assert len(timers) == 0
    assert timers.next_deadline_s() is None
    timers.run_due(9.0)
    assert fired == []


def test_a_timer_cancelled_by_another_that_is_due_too_does_not_fire() -> None:
    timers, fired = Timers(), []
    timers.schedule(1.0, lambda: second.cancel())  # noqa: PLW0108  it is made below
    second = timers.schedule(2.0, lambda: fired.append(2))
    timers.run_due(3.0)
    assert fired == []
    assert len(timers) == 0


def test_a_timer_scheduled_for_now_by_a_timer_waits_for_the_next_round() -> None:
    timers, fired = Timers(), []

    def again() -> None:
        fired.append(1)
        timers.schedule(1.0, again)

    timers.schedule(1.0, again)
    timers.run_due(1.0)
    assert fired == [1]


def test_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    for index in range(10_000):
        timers.schedule(1e9 + index, lambda: None).cancel()
    assert len(timers._heap) < 200
    assert len(timers) == 0
