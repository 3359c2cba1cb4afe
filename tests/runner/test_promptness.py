"""The schedule's thread is real-time in phases with a schedule where that is allowed, and never stays so."""

import os
import threading

from harness.model.workload import Phase
from harness.runner.promptness import ORDINARY, REAL_TIME, allowed, on_time

PACED = Phase.model_validate({"name": "paced", "paced": "10/s", "for": "1s"})
FLOOD = Phase.model_validate({"name": "flood", "flood": {"in_flight": 10}, "for": "1s"})


def test_a_flood_is_ordinary_and_looking_changes_nothing():
    before = os.sched_getscheduler(0)
    assert allowed() in (ORDINARY, REAL_TIME)
    for task in os.listdir("/proc/self/task"):
        assert os.sched_getscheduler(int(task)) == os.SCHED_OTHER
    with on_time(FLOOD) as scheduling:
        assert (scheduling, os.sched_getscheduler(0)) == (ORDINARY, before)


def test_a_schedule_gets_what_is_allowed_and_gives_it_back():
    seen = []
    with on_time(PACED) as scheduling:
        assert scheduling == allowed()
        thread = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))  # a client library's reconnect
        thread.start()
        thread.join()
    assert seen == [os.SCHED_FIFO if scheduling == REAL_TIME else os.SCHED_OTHER]
    for task in os.listdir("/proc/self/task"):
        assert os.sched_getscheduler(int(task)) == os.SCHED_OTHER


def test_what_is_not_allowed_is_said_and_does_no_harm(monkeypatch):
    def refuse(*_):
        raise PermissionError("no")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert allowed() == ORDINARY
    with on_time(PACED) as scheduling:
        assert scheduling == ORDINARY
