"""The noise floor: how far a broker differs from itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from harness.statistics.paired import Interval

FLOOR_MIN: Final = 1.02  # no difference below two per cent is believed, however still the repeats were
SHARE: Final = 0.95


def noise_band(repeats: Sequence[Sequence[float]]) -> tuple[Interval, int] | None:
    """The band of log-ratios that repeats of the same broker show against each other, and how many pairs gave it.

    ``repeats`` has one sequence of positive figures a broker; only figures of one broker are paired with each other. The band is
    symmetric: ``SHARE`` of the absolute log-ratios lie within (for few pairs that is the largest), and never narrower than
    ``FLOOR_MIN``. None where no broker was repeated.
    """
    pairs = [
        abs(math.log(one / other))
        for figures in repeats
        for one, other in combinations([figure for figure in figures if figure > 0], 2)
    ]
    if not pairs:
        return None
    ordered = np.sort(np.array(pairs))
    edge = float(ordered[min(len(ordered) - 1, math.ceil(SHARE * len(ordered)) - 1)])
    edge = max(edge, math.log(FLOOR_MIN))
    return Interval(-edge, edge), len(pairs)
