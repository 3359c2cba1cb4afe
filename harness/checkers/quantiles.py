"""Exact quantiles in nanoseconds, shown only where enough samples lie beyond them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from harness.checkers.messages import Numbers

BEYOND_MIN: Final = 10  # a quantile with fewer samples behind it is a guess about single messages
POINTS: Final = 200
ROUNDING: Final = 1e-6  # (1 - 10/30) * 30 must not become 21 by the last bit of a float


def supported(samples: int, quantile: float) -> bool:
    """Whether at least ``BEYOND_MIN`` of ``samples`` lie beyond the quantile."""
    return samples * (1.0 - quantile) >= BEYOND_MIN - ROUNDING


def quantile_of(ordered: Numbers, quantile: float) -> int:
    """The smallest sample that at least the share ``quantile`` of all is no larger than. ``ordered`` ascends and is not empty."""
    place = int(np.ceil(quantile * len(ordered) - ROUNDING)) - 1
    return int(ordered[min(max(place, 0), len(ordered) - 1)])


def quantile_curve(ordered: Numbers) -> tuple[npt.NDArray[np.float64], Numbers]:
    """Quantiles spread evenly over log(1/(1-q)) and their samples, up to the last that is supported. Two arrays of shape (n,)."""
    highest = 1.0 - BEYOND_MIN / len(ordered) if len(ordered) > BEYOND_MIN else 0.0
    if highest <= 0.0:
        return np.zeros(0), ordered[:0]
    shares = 1.0 - np.geomspace(1.0, 1.0 - highest, POINTS)
    places = np.clip(np.ceil(shares * len(ordered) - ROUNDING).astype(np.int64) - 1, 0, len(ordered) - 1)
    return shares, ordered[places]
