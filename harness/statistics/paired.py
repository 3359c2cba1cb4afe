"""Ratios of paired runs: median log-ratio, bootstrap interval, sign-flip permutation, equivalence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 10_000
EXACT_PAIRS_MAX: Final = 14  # up to here all 2**n sign patterns are tried
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """``low`` to ``high``, both included."""

    low: float
    high: float

    def inside(self, outer: Interval) -> bool:
        return outer.low <= self.low and self.high <= outer.high

    def apart_from(self, other: Interval) -> bool:
        """The two have no point in common."""
        return self.high < other.low or self.low > other.high


def log_ratios(values: Sequence[float], baseline: Sequence[float]) -> Floats:
    """ln(value / baseline) of runs paired by place. Raises ValueError for lengths that differ or figures that are not positive."""
    if len(values) != len(baseline):
        raise ValueError(f"{len(values)} runs cannot be paired with {len(baseline)}")
    above, below = np.asarray(values, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if not ((above > 0).all() and (below > 0).all()):
        raise ValueError("a ratio needs positive figures")
    ratios: Floats = np.log(above / below)
    return ratios


def bootstrap_median(samples: Sequence[float] | Floats, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval of the median over runs, from ``RESAMPLES`` resamples drawn with ``seed``.

    Raises ValueError for fewer than two samples: one run says nothing about its own spread.
    """
    values = np.asarray(samples, dtype=np.float64)
    if len(values) < 2:
        raise ValueError("an interval over runs needs at least two runs")
    generator = np.random.Generator(np.random.PCG64(seed))
    picks = generator.integers(0, len(values), size=(RESAMPLES, len(values)))
    medians = np.median(values[picks], axis=1)
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1.0 - tail])
    return Interval(float(low), float(high))


def sign_flip_p(differences: Sequence[float] | Floats, *, seed: int) -> float:
    """Two-sided p of the mean under random signs: how often chance alone would move it so far from zero.

    Exact for up to ``EXACT_PAIRS_MAX`` pairs, else from ``RESAMPLES`` random sign patterns (the observed one counts among them).
    With n pairs p is never below 2 / 2**n, so three runs cannot give less than 0.25. Raises ValueError for no pairs.
    """
    values = np.asarray(differences, dtype=np.float64)
    count = len(values)
    if not count:
        raise ValueError("a permutation test needs at least one pair")
    observed = abs(float(values.sum()))
    slack = 1e-12 * max(1.0, float(np.abs(values).sum()))
    if count <= EXACT_PAIRS_MAX:
        patterns = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
        sums = np.abs((1 - 2 * patterns) @ values)
        return float(np.mean(sums >= observed - slack))
    generator = np.random.Generator(np.random.PCG64(seed))
    signs = 1 - 2 * generator.integers(0, 2, size=(RESAMPLES, count))
    hits = int(np.count_nonzero(np.abs(signs @ values) >= observed - slack))
    return (hits + 1) / (RESAMPLES + 1)


def equivalent(interval: Interval, margin: float) -> bool:
    """Two one-sided tests in one: whether a log-ratio's interval lies within +-ln(margin). ``margin`` 1.05 means five per cent.

    At 95 % two-sided this is stricter than the usual 90 %. Raises ValueError for a margin not above 1.
    """
    if margin <= 1.0:
        raise ValueError(f"a margin is a ratio above 1, got {margin}")
    edge = math.log(margin)
    return interval.inside(Interval(-edge, edge))
