"""What processes used between two moments, from the samples of their counters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checkers.messages import Numbers
from harness.history.view import History


@dataclass
class Counters:
    """Samples of one process, ascending in time. A restarted process counts from zero again; ``total`` adds the lives up."""

    role: str
    worker: str
    at_ns: Numbers
    cpu_ns: Numbers
    rss_bytes: Numbers
    written_bytes: Numbers
    disk_bytes: Numbers

    def used(self, counter: Numbers, start_ns: float, end_ns: float) -> float:
        """Growth of a counter between two moments, straight lines between samples. Zero outside of what was sampled."""
        whole = np.concatenate([[0.0], np.cumsum(_growth(counter))])
        first, last = np.interp([start_ns, end_ns], self.at_ns, whole)
        return float(last - first)


def _growth(counter: Numbers) -> Numbers:
    steps = np.diff(counter)
    # a counter that fell belongs to a new process, which used all that it shows
    return np.where(steps < 0, counter[1:], steps)


def read_counters(history: History) -> list[Counters]:
    columns = history.columns(
        "sample", ["at_ns", "role", "worker", "cpu_ns", "rss_bytes", "written_bytes", "disk_bytes"]
    )
    roles, workers = columns.pop("role"), columns.pop("worker")
    found = []
    for role, worker in sorted(set(zip(roles.tolist(), workers.tolist(), strict=True))):
        mine = np.flatnonzero((roles == role) & (workers == worker))
        mine = mine[np.argsort(columns["at_ns"][mine], kind="stable")]
        found.append(Counters(role, worker, **{name: column[mine] for name, column in columns.items()}))
    return found
