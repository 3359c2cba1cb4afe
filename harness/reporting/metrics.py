"""What each figure is called, what it means, and which correctness rules there are.

A name that is not listed still shows: its title is made from the name. Units come with the cell, never from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.capability import Feature


@dataclass(frozen=True, slots=True)
class Metric:
    """``short`` fits a row of the scorecard; ``meaning`` is a sentence; ``feature`` is what a broker must have to be measured."""

    title: str
    short: str
    meaning: str
    feature: Feature | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """``count`` names the counts of the verdict that tell how often the rule was broken, first found wins."""

    title: str
    broken: str
    count: tuple[str, ...]
    meaning: str
    feature: Feature | None = None


_FROM_INTENDED = "counted from the moment the schedule wanted the message sent, so waiting in the client counts too"

METRICS: Mapping[str, Metric] = {
    "throughput_acknowledged": Metric("Throughput, acknowledged", "throughput in", "messages acknowledged to publishers per second while flooded through a fixed in-flight window (closed loop)"),
    "throughput_delivered": Metric("Throughput, delivered", "throughput out", "deliveries to all groups together per second while flooded"),
    "publish_latency_p50": Metric("Publish latency p50", "publish p50", f"half the acknowledgements came within this; {_FROM_INTENDED}"),
    "publish_latency_p99": Metric("Publish latency p99", "publish p99", f"99 of 100 acknowledgements came within this; {_FROM_INTENDED}"),
    "end_to_end_latency_p50": Metric("End-to-end latency p50", "end to end p50", f"half the deliveries came within this; {_FROM_INTENDED}"),
    "end_to_end_latency_p99": Metric("End-to-end latency p99", "end to end p99", f"99 of 100 deliveries came within this; {_FROM_INTENDED}"),
    "recovery_first_acknowledged": Metric("Back after kill −9", "back after kill −9", "from SIGKILL to the first message acknowledged again, restart included"),
    "replay_throughput": Metric("Replay rate", "replay rate", "messages a second while one group reads everything again", Feature.REPLAY),
    "stored_bytes_per_published_byte": Metric("Bytes stored per byte published", "stored bytes", "disk written by the broker for every byte of payload, all groups together"),
    "generator_lag_p99": Metric("Generator lag p99", "generator lag", "how late the load generator itself was; above 1 ms the latencies are not the broker's"),
}  # fmt: skip

CHECKS: Mapping[str, Check] = {
    "durability": Check("Nothing acknowledged is lost", "acknowledged and lost", ("lost",), "a message that was acknowledged is delivered, kill −9 or not"),
    "replay": Check("Replay equals first reading", "different on replay", ("replay_differs", "differs"), "the second reading gives the same messages in the same order", Feature.REPLAY),
}  # fmt: skip


def metric(name: str) -> Metric:
    """The entry of a metric; made from its name when it is not listed."""
    known = METRICS.get(name)
    if known is not None:
        return known
    title = name.replace("_", " ").strip().capitalize() or "unnamed"
    return Metric(title, title.lower(), "")


def check(name: str) -> Check:
    known = CHECKS.get(name)
    if known is not None:
        return known
    title = name.replace("_", " ").strip().capitalize() or "unnamed"
    return Check(title, name.replace("_", " "), (), "")
