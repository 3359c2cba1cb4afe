"""How long a broker's process had been there when it was measured: a virtual machine is slow until its code is compiled."""

from __future__ import annotations

from collections.abc import Iterable

from harness.brokers.products.java import HEAP_SETTING
from harness.model.result import BrokerColumn, RunRecord

WARM_S = 30.0  # a Java broker under a light load still compiles half a minute after its start (seen: 1.1 of 2 processors at 8 s)
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
        "processor time are those of cold ones"
    )


def _age_measured_s(run: RunRecord) -> float | None:
    """At the start of the first phase that counts."""
    counted = [phase.start_s for phase in run.phases if not phase.warmup]
    if run.broker_age_s is None or not counted:
        return None
    return run.broker_age_s + min(counted)
