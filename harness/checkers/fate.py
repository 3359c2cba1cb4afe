"""What a message's plan says must become of it: succeed, or be given up on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.checkers.case import Case
from harness.checkers.messages import Flags
from harness.model.envelope import POISON


def doomed(case: Case) -> Flags:
    """Messages whose every allowed attempt fails: poison, or more failures than there are attempts. Shape (messages,)."""
    failures = case.messages["failures"]
    retry = case.workload.needs.retry
    attempts = 1 + (retry.max if retry is not None else 0)
    hopeless: Flags = (failures == POISON) | (failures >= attempts)
    return hopeless


def planned_retries(case: Case) -> npt.NDArray[np.int64]:
    """How often each message is to be settled RETRY: once for every failing attempt but the last allowed. Shape (messages,)."""
    retry = case.workload.needs.retry
    most = retry.max if retry is not None else 0
    return np.minimum(case.messages["failures"].astype(np.int64), most)
