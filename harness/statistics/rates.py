"""What a number of trials can say about a rate."""

from __future__ import annotations


def zero_failures_upper_bound(trials: int, confidence: float = 0.95) -> float:
    """The largest failure rate that is still compatible with no failure in ``trials``: exact, 1 - (1 - confidence)**(1/n).

    For 95 % that is close to 3/n (the rule of three). Raises ValueError for no trials: then nothing is known, not zero.
    """
    if trials < 1:
        raise ValueError("no trials bound no rate")
    return float(1.0 - (1.0 - confidence) ** (1.0 / trials))


def upper_bound(failures: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson upper bound of a failure rate. Equals ``zero_failures_upper_bound`` for none."""
    if not 0 <= failures <= trials or trials < 1:
        raise ValueError(f"{failures} failures in {trials} trials make no sense")
    if failures == trials:
        return 1.0
    if failures == 0:
        return zero_failures_upper_bound(trials, confidence)
    from scipy.stats import beta  # late: it takes half a second to import

    return float(beta.ppf(confidence, failures + 1, trials - failures))
