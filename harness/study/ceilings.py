"""What the clients could do at most: beside every throughput, and the stamp of a cell that says more about them than about a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.model.result import Measure
from harness.model.workload import Workload
from harness.runner.solo import null_ceilings_per_s

NEAR: Final = 0.8  # from this share of its own ceiling on, a publisher is what limits a rate
PUBLISHER: Final = "publisher"


def ceiling_name(workload: str, role: str) -> str:
    """Key of ``Result.ceilings``."""
    return f"{workload}: one {role}"


def measure_ceilings(workloads: Mapping[str, Workload]) -> dict[str, float]:
    """Messages a second of one publisher and one consumer against the null adapter, for workloads that are flooded."""
    return {
        ceiling_name(name, role): round(rate, 1)
        for name, workload in workloads.items()
        if any(phase.flood is not None for phase in workload.phases)
        for role, rate in null_ceilings_per_s(workload).items()
    }


def stamp_client_bound(
    measures: Sequence[Measure], ceilings: Mapping[str, float], publishers: Mapping[str, int]
) -> None:
    """A rate of acknowledgements close to what the publishers can do at most is a lower bound, and says so."""
    for measure in measures:
        most = ceilings.get(ceiling_name(measure.workload, PUBLISHER), 0.0) * publishers.get(measure.workload, 1)
        if measure.metric != "throughput_acknowledged" or measure.state != "ok" or not most:
            continue
        if measure.value >= NEAR * most:
            measure.state = "lower_bound"
            share = measure.value / most
            measure.reason = f"client-bound: {share:.0%} of what the publishers do against a broker that does nothing"
