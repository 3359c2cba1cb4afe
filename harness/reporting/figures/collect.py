"""The figures of the page in order, section by section. A section without a figure says so in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.result import Result, State
from harness.reporting.figures.base import Drawing, Figure
from harness.reporting.figures.dots import dots
from harness.reporting.figures.durability import Fate, durability
from harness.reporting.figures.latency import Kind, latency
from harness.reporting.figures.ratios import forest
from harness.reporting.figures.timeline import recovery, waits


@dataclass(frozen=True, slots=True)
class FigureSection:
    id: str
    title: str
    nav: str
    lead: str
    figures: tuple[Figure, ...]
    empty: str


QUANTILES = ("p50", "p90", "p95", "p99", "p99_9")
LATENCIES = (
    Kind("end_to_end_latency", tuple(f"end_to_end_latency_{name}" for name in QUANTILES), "end-to-end latency"),
    Kind("publish_latency", tuple(f"publish_latency_{name}" for name in QUANTILES), "publish latency"),
)
FATES = (
    Fate("delivered", "delivered", "", ()),
    Fate("aside", "set aside or expired unread", "-", ()),
    Fate("lost", "lost", "x", (("durability", "lost"),)),
    Fate("duplicate", "extra deliveries", "/", (("duplicates", "duplicated"),)),
    Fate("unacknowledged", "unacknowledged, came", ".", (("durability", "unacknowledged_delivered"),)),
)
THROUGHPUT = ("throughput_delivered", "throughput_acknowledged", "replay_throughput")
RECOVERY = ("recovery_first_acknowledged",)
CPU = ("broker_cpu_us_per_message",)
STORED = ("stored_bytes_per_published_byte", "written_bytes_per_published_byte")
MEMORY = ("broker_rss_peak",)
RATE_CURVE, RATE_LABEL = "rate", "acknowledged"
WAIT_CURVE = "wait"


def figure_sections(drawing: Drawing) -> list[FigureSection]:
    names = [record.name for record in drawing.result.workloads]
    tiers = {record.name: record.tier for record in drawing.result.workloads}
    return [
        _section(
            "ratios",
            "Is the difference real?",
            "Ratios",
            "Every figure against the baseline.",
            (forest(drawing, name) for name in names),
            _why_no_ratio(drawing.result),
        ),
        _section(
            "throughput",
            "Throughput",
            "Throughput",
            "Closed loop: as fast as a fixed in-flight window allows. No latency is read from this phase.",
            (dots(drawing, "throughput", name, THROUGHPUT) for name in names),
            "No workload here has a phase that floods.",
        ),
        _section(
            "latency",
            "Latency from the intended time",
            "Latency",
            "Open loop: the schedule is computed beforehand, and latency counts from the moment a message was meant to be sent.",
            (latency(drawing, name, kind) for kind in LATENCIES for name in names),
            "No latency was measured.",
        ),
        _section(
            "durability",
            "Durability",
            "Durability",
            _how_hard(drawing.result),
            (durability(drawing, name, tiers[name], FATES) for name in names),
            "No history was judged, so nothing can be said about loss.",
        ),
        _section(
            "recovery",
            "Recovery",
            "Recovery",
            "From kill −9 until the first message is acknowledged again, and the rate around it.",
            (
                *(dots(drawing, "back", name, RECOVERY) for name in names),
                *(recovery(drawing, name, RATE_CURVE, RATE_LABEL) for name in names),
            ),
            "No fault was injected.",
        ),
        _section(
            "priority",
            "Was priority served?",
            "Priority",
            "How long the messages of each class waited.",
            (figure for name in names for figure in waits(drawing, name, WAIT_CURVE)),
            "No workload here has priority classes.",
        ),
        _section(
            "cost",
            "What it costs",
            "Cost",
            "Fan-out in bytes: a log keeps one copy of a message for all groups, queues keep one a group. And processor time and memory.",
            (
                *(dots(drawing, "stored", name, STORED) for name in names),
                *(dots(drawing, "cpu", name, CPU) for name in names),
                *(dots(drawing, "memory", name, MEMORY) for name in names),
            ),
            "Neither disk nor processes were sampled.",
        ),
    ]


def _why_no_ratio(result: Result) -> str:
    """The reason that most cells give for having none."""
    reasons = Counter(cell.reason for cell in result.cells if cell.state is State.NOT_COMPARABLE and cell.reason)
    if reasons:
        reason, number = reasons.most_common(1)[0]
        return f"No ratio may be formed here. For {number} of {reasons.total()} figures: {reason}."
    return "No two brokers have a figure in common, so there is no ratio."


def _how_hard(result: Result) -> str:
    """Whether the broker was killed in every run, in some, or in none."""
    runs = [run for run in result.runs if run.state == "done"]
    killed = sum(any(fault.kind == "kill" and fault.bit for fault in run.faults) for run in runs)
    counted = "What became of each message is counted"
    if killed and killed == len(runs):
        return f"Every run kills the broker with −9 under load. {counted}."
    if killed:
        return f"{killed} of {len(runs)} runs killed the broker with −9 under load. {counted} in all of them."
    return f"{counted}; no broker was killed, so this says nothing about a crash."


def _section(id_: str, title: str, nav: str, lead: str, figures: Iterable[Figure | None], empty: str) -> FigureSection:
    return FigureSection(id_, title, nav, lead, tuple(figure for figure in figures if figure is not None), empty)
