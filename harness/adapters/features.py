"""Which features a workload needs: what a plan declares, no more, so that an unneeded lack never marks a cell."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.capability import Capabilities, Capability, Feature
from harness.model.workload import Needs


def needed(needs: Needs) -> tuple[Feature, ...]:
    """In the order of ``Feature``. Redelivery is always needed; no workload asks for transactions so far."""
    wanted = {
        Feature.FAN_OUT: len(needs.groups) > 1,
        Feature.ORDER_PER_KEY: needs.order != "none",
        Feature.REPLAY: needs.replay is not None,
        Feature.PRIORITY: needs.priority_levels > 1,
        Feature.EXPIRY: needs.expiry,
        Feature.DELAYED_RETRY: needs.retry is not None,
        Feature.DEAD_LETTER: needs.dead_letter,
        Feature.REDELIVERY: True,
        Feature.TRANSACTIONS: False,
    }
    return tuple(feature for feature in Feature if wanted[feature])


def of_plan(capabilities: Capabilities, needs: Needs) -> Mapping[Feature, Capability]:
    """The rows of a plan's ``features``."""
    return {feature: capabilities[feature] for feature in needed(needs)}
