"""What the coordinator asks of its surroundings: markers in partitions, and fresh producer ids."""

from __future__ import annotations

from typing import Protocol

from harness.pylog_broker.groups.journal import Journal
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.transactions.transaction import Partition, ProducerIdentity


class StateJournal(Journal, Protocol):
    """Where the states of transactional ids are written down."""

    def coordinator_epoch(self, partition: int) -> int:
        """Return the epoch of this coordinator for the ids of a journal partition; it goes up with every new one."""
        ...


class Surroundings(Protocol):
    """The rest of the broker, as the coordinator sees it."""

    def fresh_producer_id(self) -> int:
        """Return a producer id that nobody ever had. Raises JournalFailed."""
        ...

    def write_marker(
        self, partition: Partition, identity: ProducerIdentity, *, committed: bool, coordinator_epoch: int
    ) -> ErrorCode:
        """End the producer's transaction in one partition."""
        ...
