"""SIGSTOP of the broker, and SIGCONT after a while: its connections stay open and nothing answers."""

from __future__ import annotations

import time
from typing import Protocol

from harness.faults.evidence import FaultEvidence, RoundTrip, milliseconds

PROBE_S = 0.4
BACK_DEADLINE_S = 20.0
LOOK_S = 0.02


class Pausable(Protocol):
    """The part of a broker that this fault needs."""

    def pause(self) -> object: ...

    def resume(self) -> object: ...


def pause_broker(broker: Pausable, for_s: float, answer: RoundTrip) -> FaultEvidence:
    """Freeze it for ``for_s``. ``bit``: it was seen stopped, and its protocol gave no answer meanwhile."""
    before = answer(2.0)
    at_ns = time.monotonic_ns()
    stopped = broker.pause()
    seen_ns = time.monotonic_ns()
    try:
        during = answer(min(PROBE_S, for_s / 2))
        left_s = for_s - (time.monotonic_ns() - at_ns) / 1e9
        time.sleep(max(0.0, left_s))
    finally:
        resumed = broker.resume()
    lasted_s = (time.monotonic_ns() - at_ns) / 1e9
    after = answered_again(answer)
    detail = {
        "pid": str(getattr(stopped, "pid", "")),
        "process_state": str(getattr(stopped, "process_state", "")),
        "process_state_after": str(getattr(resumed, "process_state", "")),
        "seconds": f"{lasted_s:.3f}",
        "answer_before": milliseconds(before),
        "answer_during": milliseconds(during),
        "answer_after": milliseconds(after),
        "seen_ns": str(seen_ns),
    }
    bit = bool(getattr(stopped, "bit", False)) and bool(getattr(resumed, "bit", False)) and during is None
    return FaultEvidence("pause", at_ns, bit, detail)


def answered_again(answer: RoundTrip) -> float | None:
    """The first answer within the deadline."""
    deadline = time.monotonic() + BACK_DEADLINE_S
    while time.monotonic() < deadline:
        if (found := answer(2.0)) is not None:
            return found
        time.sleep(LOOK_S)
    return None
