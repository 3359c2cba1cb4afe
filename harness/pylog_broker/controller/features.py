"""Features that a cluster can finalize (KIP-584): which levels this broker supports, and where a new cluster starts.

Names and levels are Apache Kafka's. A client reads off them what it may do: `transaction.version` 2 is the transaction
protocol of KIP-890, `group.version` 1 the group protocol of KIP-848. A level is offered only where the code behind it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

METADATA_VERSION = "metadata.version"
METADATA_VERSION_43 = 30
"""The level of Apache Kafka 4.3."""


class Feature(NamedTuple):
    """Levels that are supported, and the one of a new cluster."""

    minimum: int
    maximum: int
    initial: int


FEATURES: Mapping[str, Feature] = {
    "group.version": Feature(0, 1, 1),  # consumer-protocol groups (KIP-848)
    "share.version": Feature(0, 1, 1),  # share groups (KIP-932)
    "transaction.version": Feature(0, 2, 2),  # every transaction's end raises the producer's epoch (KIP-890)
    METADATA_VERSION: Feature(7, METADATA_VERSION_43, METADATA_VERSION_43),
}

INITIAL_LEVELS: Mapping[str, int] = {name: feature.initial for name, feature in FEATURES.items() if feature.initial}
