"""Keeps the load generator on time on a machine that it shares with everything it measures.

On two cores a publisher whose intended time has come waits a scheduler's slice, up to 3 ms, for a consumer or the broker to make room,
and that lag would read as the broker's latency. Where the system allows it (root, CAP_SYS_NICE or RLIMIT_RTPRIO) the thread that
keeps the schedule, and the client library's own threads that it shares locks with, run under SCHED_FIFO, as if the generator stood on
a machine of its own: in phases with a schedule alone, for a flood would starve the rest. Where it is not allowed nothing
changes, lag is judged by the same limit, and the fingerprint says which it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

from harness.model.workload import Phase

REAL_TIME = "real-time"  # SCHED_FIFO, lowest of its priorities
ORDINARY = "ordinary"
_PR_SET_TIMERSLACK = 29
_SLACK_NS = 1_000  # Linux rounds an ordinary thread's sleep up by 50 us unless told otherwise


@contextlib.contextmanager
def on_time(phase: Phase) -> Iterator[str]:
    """Run a phase's schedule in the calling thread as promptly as the system lets us; yields what that was."""
    if phase.kind == "flood" or not _enter_real_time():
        yield ORDINARY
        return
    try:
        yield REAL_TIME
    finally:
        _leave_real_time()


def exact_sleeps() -> None:
    """Sleeps of the calling thread, and of threads it starts, end when they should."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(_SLACK_NS), 0, 0, 0)


def allowed() -> str:
    """Which scheduling the generator's schedule gets here: for the fingerprint. Looks, and leaves the caller as it was."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    if not _this_thread_real_time():
        return ORDINARY
    os.sched_setscheduler(0, policy, parameters)
    return REAL_TIME


def _this_thread_real_time() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, _lowest())
    except OSError:  # not permitted
        return False
    return True


def _enter_real_time() -> bool:
    if not _this_thread_real_time():
        return False
    _all_threads(os.SCHED_FIFO, _lowest())
    return True


def _lowest() -> os.sched_param:
    return os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO))


def _leave_real_time() -> None:
    _all_threads(os.SCHED_OTHER, os.sched_param(0))


def _all_threads(policy: int, parameters: os.sched_param) -> None:
    """Threads that are started later inherit it from the one that starts them."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it ended in between
            os.sched_setscheduler(int(thread), policy, parameters)
