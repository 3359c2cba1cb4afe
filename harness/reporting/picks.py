"""Which figures and rules answer which workload's question, most telling first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pick:
    """The first of ``names`` that has cells, in the first of ``phases`` that has; ``short`` replaces the row's name."""

    names: tuple[str, ...]
    phases: tuple[str, ...] = ()
    rule: bool = False
    short: str = ""


def _rule(name: str, short: str = "") -> Pick:
    return Pick((name,), rule=True, short=short)


def _wait(*classes: str) -> Pick:
    return Pick(tuple(f"wait_{name}_p{tail}" for name in classes for tail in (95, 50)))


_LATENCY = Pick(tuple(f"end_to_end_latency_p{tail}" for tail in (99, 95, 90, 50)), ("paced", "steady"))
_FLOOD = Pick(("throughput_delivered", "throughput_acknowledged"), ("flood",))
_CPU = Pick(("broker_cpu_us_per_message",), ("flood", "paced"))
_RECOVERY = Pick(("recovery_first_acknowledged",), ("crash",))
_LOST = _rule("durability")

PICKS: Mapping[str, tuple[Pick, ...]] = {
    "clickstream_fanout": (_LATENCY, _FLOOD, _CPU, _rule("replay"), _rule("ordering"), _LOST),
    "priority_tasks": (
        _wait("urgent"),
        _wait("normal"),
        _rule("priority"),
        _rule("dead_letter"),
        _rule("expiry"),
        _LOST,
    ),
    "iot_fleet": (_rule("ordering"), _rule("effectively_once"), _rule("fan_out"), _LATENCY, _RECOVERY, _LOST),
    "password_reset": (_rule("effectively_once"), _wait("vip"), _RECOVERY, _LOST),
}
GENERAL: tuple[Pick, ...] = (_LATENCY, _FLOOD, _CPU, _RECOVERY, _rule("ordering"), _LOST)


def picks_of(workload: str) -> tuple[Pick, ...]:
    return PICKS.get(workload, GENERAL)
