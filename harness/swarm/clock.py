"""How another host's monotonic clock stands against the master's, from round trips (as in NTP, RFC 5905 section 8). Pure.

A round trip gives the offset to within half its time, whatever the two ways took; the quickest ones are the best. Over some seconds a
line through them also gives the drift. The bound holds for every kept round trip: half its time, and its distance from the line.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from harness.history.clocks import ClockOffset

KEPT: Final = 2048
DRIFT_SPAN_S: Final = 5.0  # over less, a drift cannot be told from the spread of the round trips
DRIFT_SAMPLES: Final = 8
CLOCK_MAX_DRIFT: Final = 500e-6  # what NTP lets a clock be wrong; more is a fault of the measurement


class RoundTrip(NamedTuple):
    """``sent_ns`` and ``back_ns`` on the master's clock, ``heard_ns`` and ``answered_ns`` on the other one."""

    sent_ns: int
    heard_ns: int
    answered_ns: int
    back_ns: int

    @property
    def way_ns(self) -> int:
        return (self.back_ns - self.sent_ns) - (self.answered_ns - self.heard_ns)

    @property
    def offset_ns(self) -> float:
        return ((self.heard_ns - self.sent_ns) + (self.answered_ns - self.back_ns)) / 2


class ClockWatch:
    """Collects round trips to one host. ``same_clock``: the offset is zero by nature, and measured as a check only."""

    def __init__(self, *, same_clock: bool) -> None:
        self.same_clock = same_clock
        self._trips: deque[RoundTrip] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, trip: RoundTrip) -> None:
        if trip.way_ns >= 0:
            self._trips.append(trip)
            self.count += 1

    def measured(self) -> ClockOffset:
        """What the round trips say. Nothing measured: zero, with a bound of a minute."""
        if not self._trips:
            return ClockOffset(bound_ns=60e9)
        quickest = min(trip.way_ns for trip in self._trips)
        ordered = sorted(self._trips, key=_way)
        good = [trip for trip in ordered if trip.way_ns <= 2 * quickest]
        good = (good if len(good) >= DRIFT_SAMPLES else ordered[:DRIFT_SAMPLES])[:256]
        span_s = (max(trip.heard_ns for trip in good) - min(trip.heard_ns for trip in good)) / 1e9
        if span_s < DRIFT_SPAN_S or len(good) < DRIFT_SAMPLES:
            best = ordered[0]
            return ClockOffset(offset_ns=best.offset_ns, at_ns=best.heard_ns, bound_ns=best.way_ns / 2 + 1)
        return _line(good)

    def offset(self) -> ClockOffset:
        """What is applied to times."""
        return ClockOffset() if self.same_clock else self.measured()


def _way(trip: RoundTrip) -> int:
    return trip.way_ns


def _line(trips: list[RoundTrip]) -> ClockOffset:
    at_ns = int(np.mean([trip.heard_ns for trip in trips]))
    base = trips[0].offset_ns
    when = np.array([trip.heard_ns - at_ns for trip in trips], dtype=np.float64)
    offsets = np.array([trip.offset_ns - base for trip in trips])
    weights = 1.0 / np.array([max(1, trip.way_ns) for trip in trips], dtype=np.float64)
    drift, offset = np.polyfit(when, offsets, 1, w=weights)
    drift = float(np.clip(drift, -CLOCK_MAX_DRIFT, CLOCK_MAX_DRIFT))
    errors = np.abs(offsets - (offset + drift * when)) + np.array([trip.way_ns for trip in trips]) / 2
    return ClockOffset(offset_ns=base + float(offset), drift=drift, at_ns=at_ns, bound_ns=float(errors.max()) + 1)
