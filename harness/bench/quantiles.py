"""Exact quantiles of a list of latencies."""

from __future__ import annotations

from collections.abc import Sequence


def quantile_us(latencies_ns: Sequence[int], share: float) -> float:
    """The smallest latency, in microseconds, that at least `share` of all do not exceed; raises ValueError for none."""
    if not latencies_ns:
        raise ValueError("no latencies were measured")
    ordered = sorted(latencies_ns)
    rank = min(len(ordered) - 1, max(0, -(-len(ordered) * share // 1) - 1))
    return ordered[int(rank)] / 1000
