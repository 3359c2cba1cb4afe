"""Which messages were under way when something broke."""

from __future__ import annotations

import numpy as np

from harness.checkers.case import Case
from harness.checkers.deliveries import Deliveries
from harness.checkers.messages import Flags


def unrest_within(case: Case, deliveries: Deliveries) -> Flags:
    """Messages between whose first and last delivery a broker or member died or a connection was lost. Shape (messages,)."""
    unrest = np.array(case.unrest_ns, dtype=np.int64)
    before = np.searchsorted(unrest, deliveries.first_ns, side="left")
    within: Flags = np.searchsorted(unrest, deliveries.last_ns, side="right") > before
    return within
