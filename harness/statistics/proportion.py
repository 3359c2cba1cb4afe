"""How much so many trials can say about a chance. Pure."""

from __future__ import annotations

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
