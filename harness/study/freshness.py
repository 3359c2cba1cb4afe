"""How long a broker's process had been there when it was measured: a virtual machine is slow until its code is compiled."""

from __future__ import annotations

from collections.abc import Iterable

from harness.brokers.products.java import HEAP_SETTING
from harness.model.result import BrokerColumn, Cell, RunRecord

WARM_S = 30.0  # a Java broker under a light load still compiles half a minute after its start (seen: 1.1 of 2 processors at 8 s)
COLD = "cold"
OF_SPEED = (
    "end_to_end_latency",
    "publish_latency",
    "wait_",
    "throughput_",
    "replay_throughput",
    "broker_cpu",
    "retry_lateness",
)
NOT_OF_SPEED = ("throughput_decay",)
BEGINNING = "Java machines still compiling: "


def cold_machines(columns: Iterable[BrokerColumn], runs: Iterable[RunRecord]) -> str:
    """A warning about Java brokers whose measured phases began early in their life; empty where there are none."""
    java = {column.name for column in columns if HEAP_SETTING in column.settings}
    ages = [(run.broker, age) for run in runs if run.broker in java and (age := _age_measured_s(run)) is not None]
    young = sorted({broker for broker, age in ages if age < WARM_S})
    if not young:
        return ""
    low, high = min(age for broker, age in ages if broker in young), max(age for broker, age in ages if broker in young)
    return (
        f"{BEGINNING}{' and '.join(young)} were {low:.0f} to {high:.0f} s old when they were measured; their latency and "
        "processor time are those of cold ones (harness run --warm-up 30s measures warm ones)"
    )


def stamp_cold(cells: Iterable[Cell], columns: Iterable[BrokerColumn], runs: Iterable[RunRecord]) -> None:
    """Mark each figure of speed that was taken from a Java machine in its first ``WARM_S``."""
    java = {column.name for column in columns if HEAP_SETTING in column.settings}
    mine = [run for run in runs if run.broker in java]
    for cell in cells:
        here = [run for run in mine if (run.workload, run.broker) == (cell.workload, cell.broker)]
        ages = [age for run in here if (age := _age_measured_s(run, cell.phase)) is not None]
        young = (
            cell.metric.startswith(OF_SPEED) and cell.metric not in NOT_OF_SPEED and min(ages, default=WARM_S) < WARM_S
        )
        cell.caveat = f"{COLD}: {_span(ages)} after its start, a Java machine still compiles" if young else ""


def _span(ages: list[float]) -> str:
    low, high = f"{min(ages):.0f}", f"{max(ages):.0f}"
    return f"{low} s" if low == high else f"{low} to {high} s"


def _age_measured_s(run: RunRecord, phase: str = "") -> float | None:
    """At the start of this phase, or of the first one that counts."""
    counted = [one.start_s for one in run.phases if not one.warmup and phase in ("", one.name)]
    if run.broker_age_s is None or not counted:
        return None
    return run.broker_age_s + min(counted)
