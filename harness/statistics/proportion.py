"""How much so many trials can say about a chance. Pure."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95


def upper_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Upper end of the one-sided Clopper-Pearson interval for a chance with ``hits`` in ``trials``; 1.0 without any trial.

    With no hit it is 1 - (1 - confidence)^(1/trials): the exact form of the rule of three, 3/trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no count")
    if hits == trials:
        return 1.0
    if hits == 0:
        return float(1 - (1 - confidence) ** (1 / trials))
    from scipy.stats import beta

    return float(beta.ppf(confidence, hits + 1, trials - hits))


def score_interval(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided interval for a chance (E. B. Wilson, 1927), which stays honest for few trials and for rates near 0 and 1."""
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"{hits} of {trials} is no count")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = hits / trials
    middle = rate + z * z / (2 * trials)
    half = z * (rate * (1 - rate) / trials + z * z / (4 * trials * trials)) ** 0.5
    whole = 1 + z * z / trials
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
