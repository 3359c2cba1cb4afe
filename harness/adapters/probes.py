"""For each feature, the test of the contract suite that proves it against the real broker; the report links to it.

Two things a probe needs and the runner does not are optional methods of an adapter, told apart by these protocols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from harness.model.broker import BrokerInfo
from harness.model.capability import Feature
from harness.model.provisioning import Provisioning

_FILE: Final = "tests/contract/test_features.py"

PROBES: Final[Mapping[Feature, str]] = {
    Feature.FAN_OUT: f"{_FILE}::test_fan_out_gives_every_group_everything",
    Feature.ORDER_PER_KEY: f"{_FILE}::test_order_within_a_key_survives_two_members",
    Feature.REPLAY: f"{_FILE}::test_replay_gives_everything_again",
    Feature.PRIORITY: f"{_FILE}::test_priority_overtakes_a_backlog",
    Feature.EXPIRY: f"{_FILE}::test_expiry_withholds_what_is_too_old",
    Feature.DELAYED_RETRY: f"{_FILE}::test_delayed_retry_waits_and_counts",
    Feature.DEAD_LETTER: f"{_FILE}::test_dead_letter_keeps_message_and_reason",
    Feature.REDELIVERY: f"{_FILE}::test_redelivery_after_a_killed_consumer",
    Feature.TRANSACTIONS: f"{_FILE}::test_transactions_are_all_or_nothing",
}


@runtime_checkable
class PublishesTransactions(Protocol):
    """An adapter that declares TRANSACTIONS other than IMPOSSIBLE can show it."""

    def publish_transaction(
        self, broker: BrokerInfo, plan: Provisioning, payloads: Sequence[bytes], *, commit: bool
    ) -> None:
        """Publish all of ``payloads`` as one, and commit or abort. Returns when the broker has confirmed either."""
        ...


@runtime_checkable
class ListsLeftovers(Protocol):
    """An adapter that can say what still exists under a prefix, so that a test sees that ``teardown`` removed it."""

    def leftovers(self, broker: BrokerInfo, prefix: str) -> Sequence[str]: ...
