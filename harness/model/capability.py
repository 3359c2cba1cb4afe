"""What a broker can do for a workload: declared data, proven by probes, never an exception in the middle of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Feature(StrEnum):
    """The needs a broker may or may not meet."""

    FAN_OUT = "fan_out"  # several groups each receive everything
    ORDER_PER_KEY = "order_per_key"  # order within a key with several members in a group
    REPLAY = "replay"  # a group reads again what it had acknowledged
    PRIORITY = "priority"  # urgent messages overtake waiting ones
    EXPIRY = "expiry"  # a message is not handed out past its time to live
    DELAYED_RETRY = "delayed_retry"  # hand it out again, but not before a delay
    DEAD_LETTER = "dead_letter"  # give up on a message and keep it aside, with the reason
    REDELIVERY = "redelivery"  # a crashed consumer's unacknowledged messages come back
    TRANSACTIONS = "transactions"  # several publishes and acknowledgements as one


class Support(StrEnum):
    NATIVE = "native"
    EMULATED = "emulated"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Capability:
    """How one feature is met. ``how`` names the broker's mechanism or the emulation; ``why`` says why not, or what it costs."""

    feature: Feature
    support: Support
    how: str = ""
    why: str = ""


Capabilities = Mapping[Feature, Capability]


def capabilities(*rows: Capability) -> Capabilities:
    """Build the table and insist that every feature is declared exactly once."""
    table = {row.feature: row for row in rows}
    missing = set(Feature) - set(table)
    if missing or len(table) != len(rows):
        raise ValueError(f"capabilities must name each feature once; missing {sorted(missing)}")
    return table
