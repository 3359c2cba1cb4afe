"""The link between clients and broker, cut for a while or made slow. The broker itself is not touched."""

from __future__ import annotations

import time

from harness.faults.evidence import FaultEvidence, RoundTrip, milliseconds
from harness.faults.link import Link
from harness.faults.pause import answered_again

PROBE_S = 0.4
PROBES = 3
ANSWER_S = 5.0


def cut_link(link: Link, how: str, for_s: float, through: RoundTrip, direct: RoundTrip) -> FaultEvidence:
    """``how`` is drop or reset. ``bit``: nothing answered through the link while the broker itself answered."""
    before = through(ANSWER_S)
    calm = link.stats()
    at_ns = time.monotonic_ns()
    link.cut(how)
    seen_ns = time.monotonic_ns()
    try:
        during = through(min(PROBE_S, for_s / 2))
        beside = direct(ANSWER_S)
        left_s = for_s - (time.monotonic_ns() - at_ns) / 1e9
        time.sleep(max(0.0, left_s))
    finally:
        seen = link.heal()
    lasted_s = (time.monotonic_ns() - at_ns) / 1e9
    after = answered_again(through)
    detail = {
        "how": how,
        "seconds": f"{lasted_s:.3f}",
        "connections": str(calm.open),
        "connections_reset": str(seen.resets - calm.resets),
        "connections_stalled": str(seen.stalled - calm.stalled),
        "bytes_held": str(seen.held_max),
        "bytes_passed": str(seen.since_change),
        "round_trip_before": milliseconds(before),
        "round_trip_during": milliseconds(during),
        "round_trip_after": milliseconds(after),
        "broker_beside_the_link": milliseconds(beside),
        "seen_ns": str(seen_ns),
    }
    return FaultEvidence("cut", at_ns, during is None and beside is not None and seen.since_change == 0, detail)


def slow_link(link: Link, *, delay_s: float, bytes_per_s: float, for_s: float, through: RoundTrip) -> FaultEvidence:
    """``bit``: a round trip took that much longer; without a delay, that pieces had to wait for their turn and none overtook it."""
    before = _quickest(through)
    at_ns = time.monotonic_ns()
    link.slow(delay_s=delay_s, bytes_per_s=bytes_per_s)
    seen_ns = time.monotonic_ns()
    try:
        during = _quickest(through)
        left_s = for_s - (time.monotonic_ns() - at_ns) / 1e9
        time.sleep(max(0.0, left_s))
    finally:
        seen = link.heal()
    lasted_s = (time.monotonic_ns() - at_ns) / 1e9
    after = answered_again(through)
    detail = {
        "delay": f"{delay_s * 1000:g} ms each way",
        "bytes_per_s": f"{bytes_per_s:g}" if bytes_per_s else "no limit",
        "seconds": f"{lasted_s:.3f}",
        "connections": str(seen.open),
        "bytes_held": str(seen.held_max),
        "bytes_passed": str(seen.since_change),
        "round_trip_before": milliseconds(before),
        "round_trip_during": milliseconds(during),
        "round_trip_after": milliseconds(after),
        "seen_ns": str(seen_ns),
    }
    if delay_s:
        # a busy machine makes any round trip longer, never shorter: the quickest of a few tells what the link adds
        bit = during is not None and before is not None and during >= 2 * delay_s and during >= before + delay_s
    else:
        bit = seen.held_max > 0 and seen.since_change <= bytes_per_s * lasted_s * 2  # two directions
    return FaultEvidence("slow", at_ns, bit, detail)


def _quickest(through: RoundTrip) -> float | None:
    """Of a few round trips; None when none was answered."""
    return min((took for took in (through(ANSWER_S) for _ in range(PROBES)) if took is not None), default=None)
