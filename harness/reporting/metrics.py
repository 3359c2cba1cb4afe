"""What each figure is called, what it means, and which correctness rules there are.

A name that is not listed still shows: its title is made from the name. Units come with the cell, never from here.
"""

from __future__ import annotations

import re
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
    """``count`` names the counts of the verdict that tell how often the rule was broken: those of ``apart``, which share no message
    with the others, and the largest of the others; where those are none, the first of ``otherwise``.

    ``short`` names the row whether it held or not; ``broken`` follows "so many messages".
    """

    title: str
    short: str
    broken: str
    count: tuple[str, ...]
    meaning: str
    feature: Feature | None = None
    apart: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()


_INTENDED = "from the moment the schedule wanted the message sent, so waiting in the client counts too"

METRICS: Mapping[str, Metric] = {
    "throughput_acknowledged": Metric(
        "Throughput, acknowledged",
        "throughput in",
        "messages acknowledged to publishers per second, flooded through a fixed in-flight window (closed loop)",
    ),
    "throughput_delivered": Metric(
        "Throughput, delivered",
        "throughput out",
        "first deliveries to all groups together per second, while flooded through a fixed in-flight window (closed loop)",
    ),
    "throughput_drained": Metric(
        "Throughput until drained",
        "throughput drained",
        "deliveries per second from the flood's start until the last one came, the backlog included",
    ),
    "throughput_decay": Metric(
        "Decay of the flood", "decay", "acknowledgements in the last third of the flood over those in the first"
    ),
    "replay_throughput": Metric(
        "Replay rate", "replay rate", "messages a second while one group reads everything again", Feature.REPLAY
    ),
    "recovery_first_acknowledged": Metric(
        "Back after kill −9",
        "back after kill −9",
        "from SIGKILL to the first message acknowledged again, restart included",
    ),
    "recovery_first_delivered": Metric(
        "Delivering again after the fault",
        "delivering after fault",
        "from the fault to the first delivery, in the slowest group, of a message that was sent after it",
    ),
    "unavailable": Metric(
        "Unavailable around the fault",
        "unavailable",
        "the longest time from one acknowledgement to the next, the last one before the fault included",
    ),
    "stored_bytes_per_published_byte": Metric(
        "Bytes kept per byte published",
        "bytes kept per byte",
        "disk kept by the broker for every byte of payload, all groups together",
    ),
    "written_bytes_per_published_byte": Metric(
        "Bytes written per byte published",
        "bytes written per byte",
        "what the broker wrote to disk for every acknowledged byte of payload",
    ),
    "longest_gap_acknowledged": Metric(
        "Longest time without an acknowledgement",
        "longest gap in",
        "between the fault and the end of its phase's drain",
    ),
    "longest_gap_delivered": Metric(
        "Longest time without a delivery",
        "longest gap out",
        "in the worst group, between the fault and the end of its phase's drain",
    ),
    "broker_cpu_us_per_message": Metric(
        "Broker processor time per message",
        "broker CPU",
        "of all of the broker's processes, over a phase and its drain, for each acknowledged message",
    ),
    "client_cpu_us_per_message": Metric(
        "Client processor time per message",
        "client CPU",
        "of all publishers and consumers, over a phase and its drain, for each acknowledged message",
    ),
    "broker_rss_peak": Metric("Broker memory, peak", "broker memory", "resident memory of the broker at its highest"),
    "retry_lateness_p50": Metric(
        "Lateness of retries p50", "retry lateness p50", "how much later than its delay a failed message came again"
    ),
    "generator_lag_p99": Metric(
        "Generator lag p99",
        "generator lag",
        "how late the load generator itself was; above 1 ms the latencies are not the broker's",
    ),
    "acknowledged_in_time": Metric(
        "Acknowledged in time",
        "acknowledged in time",
        "share of what a paced phase offered that was acknowledged by 500 ms after its end",
    ),
    "delivered_in_time": Metric(
        "Delivered in time",
        "delivered in time",
        "share of what a paced phase offered that had come to the slowest group by 500 ms after its end",
    ),
    "offered_in_time": Metric(
        "Offered in time", "offered in time", "share of the messages that went out within 100 ms of their intended time"
    ),
}

# pattern, title, short, meaning; {0}.. are the pattern's groups
_PATTERNS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"publish_latency_p([0-9_]+)",
        "Publish latency p{0}",
        "publish p{0}",
        "this share of the acknowledgements came within it, counted " + _INTENDED,
    ),
    (
        r"end_to_end_latency_p([0-9_]+)",
        "End-to-end latency p{0}",
        "end to end p{0}",
        "this share of the first deliveries came within it, counted " + _INTENDED,
    ),
    (
        r"wait_(.+)_p([0-9]+)",
        "Wait of {0}, p{1}",
        "{0} wait p{1}",
        "from the intended time to the first delivery, in paced and burst phases in which the broker is not killed",
    ),
    (
        r"throughput_delivered_(.+)",
        "Throughput, delivered to {0}",
        "out to {0}",
        "first deliveries to one group per second while flooded",
    ),
)

CHECKS: Mapping[str, Check] = {
    "durability": Check(
        "Nothing acknowledged is lost",
        "nothing lost",
        "acknowledged and lost",
        ("lost",),
        "what was acknowledged is delivered, kill −9 or not",
    ),
    "redelivery": Check(
        "Unfinished work comes back",
        "unfinished work returns",
        "never finished",
        ("unfinished",),
        "what a dead worker had not settled goes to another",
        Feature.REDELIVERY,
    ),
    "duplicates": Check(
        "Every duplicate has a cause",
        "duplicates explained",
        "duplicated without a cause",
        ("unexplained",),
        "a second delivery follows a resend, a crash or a kill",
    ),
    "ordering": Check(
        "Order within each key",
        "order within keys",
        "out of order within a key or partition",
        ("reordered_within_key", "reordered_within_partition"),
        "no message overtakes an earlier one of its key",
        Feature.ORDER_PER_KEY,
        otherwise=("reordered_globally",),
    ),
    "corruption": Check(
        "Nothing is damaged",
        "nothing damaged",
        "damaged",
        ("corrupted",),
        "length and checksum of every delivery are right",
    ),
    "phantom": Check(
        "Nothing comes from nowhere",
        "no phantoms",
        "delivered, though never sent",
        ("phantoms",),
        "every delivery was submitted by a publisher of the run before",
    ),
    "fan_out": Check(
        "Every group sees everything",
        "groups complete",
        "missing in some group",
        ("group_incomplete",),
        "what came to one group came to all of them",
        Feature.FAN_OUT,
    ),
    "replay": Check(
        "Replay equals the first reading",
        "replay complete",
        "different on replay",
        ("replay_differs",),
        "the second reading gives the same messages again",
        Feature.REPLAY,
    ),
    "priority": Check(
        "Urgent overtakes the backlog",
        "urgent goes first",
        "overtaken by lower classes",
        ("inverted",),
        "no more lower ones go first than workers already hold",
        Feature.PRIORITY,
    ),
    "expiry": Check(
        "Expired messages stay away",
        "expiry kept",
        "delivered or dropped at the wrong time",
        ("expired_delivered", "expired_early"),
        "not delivered past their time to live, not dropped before",
        Feature.EXPIRY,
        apart=("expired_delivered", "expired_early"),
    ),
    "dead_letter": Check(
        "Poison ends in the dead letters",
        "dead letters",
        "missing from the dead letters, or wrongly there",
        ("dead_letter_missing", "dead_letter_wrong", "dead_letter_twice", "reason_wrong"),
        "each poison message is set aside, and only those",
        Feature.DEAD_LETTER,
        apart=("dead_letter_missing",),
    ),
    "retry": Check(
        "Failures are tried again as planned",
        "retries as planned",
        "tried too early or too seldom",
        ("retries_wrong", "too_early", "attempt_wrong"),
        "as often as planned, and not before the delay",
        Feature.DELAYED_RETRY,
    ),
    "effectively_once": Check(
        "Each effect exactly once",
        "effectively once",
        "without effect, or with two",
        ("effects_not_once",),
        "one effect a message, though it may be delivered twice",
    ),
}


def metric(name: str) -> Metric:
    """The entry of a metric; made from its name when it is not listed."""
    known = METRICS.get(name)
    if known is not None:
        return known
    for pattern, title, short, meaning in _PATTERNS:
        match = re.fullmatch(pattern, name)
        if match:
            parts = [part.replace("_", "." if part[0].isdigit() else " ") for part in match.groups()]
            return Metric(title.format(*parts), short.format(*parts), meaning)
    words = name.replace("_", " ").strip() or "unnamed"
    return Metric(words.capitalize(), words, "")


def check(name: str) -> Check:
    known = CHECKS.get(name)
    if known is not None:
        return known
    words = name.replace("_", " ").strip() or "unnamed"
    return Check(words.capitalize(), words, f"that broke “{words}”", (), "")
