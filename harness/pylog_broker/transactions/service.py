"""The transaction coordinator at work in a broker: the clock, the timer, and the markers in the partitions' logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.internal_topic import OnAppend
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.control import Marker
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.timers import Timer, Timers
from harness.pylog_broker.transactions.coordinator import Registration, TransactionCoordinator
from harness.pylog_broker.transactions.settings import TransactionSettings
from harness.pylog_broker.transactions.state_topic import StateTopic
from harness.pylog_broker.transactions.transaction import Partition, ProducerIdentity

logger = logging.getLogger(__name__)

OnEnd = Callable[[PartitionLog, Marker], None]
"""Hears of every transaction that ended in a partition."""


class TransactionService:
    """What the handlers talk to. All calls come from the broker's one thread."""

    def __init__(
        self,
        catalog: Catalog,
        settings: TransactionSettings,
        *,
        timers: Timers,
        monotonic_s: Callable[[], float],
        wall_ms: Callable[[], int],
        on_append: OnAppend,
        on_end: OnEnd,
    ) -> None:
        """Replay what is stored in the catalog, finish what was decided, and begin to keep time."""
        self._catalog = catalog
        self._timers = timers
        self._monotonic_s = monotonic_s
        self._wall_ms = wall_ms
        self._on_append = on_append
        self._on_end = on_end
        self._timer: Timer | None = None
        journal = StateTopic(catalog, settings, on_append)
        self.coordinator = TransactionCoordinator(settings, journal, self, self.now())
        self.coordinator.restore(journal.transactions(), self.now())
        self._abort_orphans()
        self._arm()

    def now(self) -> Instant:
        """Return the present on both clocks."""
        return Instant(self._monotonic_s(), self._wall_ms())

    # --- what handlers ask ------------------------------------------------------------------------------------------

    def register(self, transactional_id: str, timeout_ms: int, expected: ProducerIdentity | None) -> Registration:
        """InitProducerId of a transactional producer."""
        registration = self.coordinator.register(transactional_id, timeout_ms, expected, self.now())
        self._arm()
        return registration

    def add_partitions(
        self,
        transactional_id: str,
        identity: ProducerIdentity,
        partitions: Collection[Partition],
        *,
        client_version: int = 0,
    ) -> ErrorCode:
        """AddPartitionsToTxn, or what versions of Produce and TxnOffsetCommit do by themselves (KIP-890)."""
        error = self.coordinator.add_partitions(
            transactional_id, identity, partitions, self.now(), client_version=client_version
        )
        self._arm()
        return error

    def end(
        self, transactional_id: str, identity: ProducerIdentity, *, commit: bool, client_version: int
    ) -> Registration:
        """EndTxn."""
        registration = self.coordinator.end(
            transactional_id, identity, self.now(), commit=commit, client_version=client_version
        )
        self._arm()
        return registration

    def close(self) -> None:
        """Stop keeping time. Open transactions go on after a restart."""
        if self._timer is not None:
            self._timer.cancel()

    # --- what the coordinator asks ----------------------------------------------------------------------------------

    def fresh_producer_id(self) -> int:
        """Return a producer id that nobody ever had. Raises JournalFailed."""
        try:
            return self._catalog.next_producer_id()
        except StorageError as error:
            raise JournalFailed(str(error)) from error

    def write_marker(
        self, partition: Partition, identity: ProducerIdentity, *, committed: bool, coordinator_epoch: int
    ) -> ErrorCode:
        """End the producer's transaction in one partition."""
        topic = self._catalog.topics.get(partition[0])
        if topic is None or not 0 <= partition[1] < len(topic.partitions):
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        marker = Marker(identity.producer_id, identity.epoch, committed, coordinator_epoch)
        return self._append_marker(topic.partitions[partition[1]], marker)

    def _append_marker(self, log: PartitionLog, marker: Marker) -> ErrorCode:
        size_before = log.log_end_offset
        try:
            log.append_marker(marker, now_ms=self._wall_ms())
        except StorageError as error:
            return ErrorCode(error.error_code)
        finally:
            if log.log_end_offset > size_before:
                self._on_append(log, 0)
        self._on_end(log, marker)
        return ErrorCode.NONE

    # --- upkeep -----------------------------------------------------------------------------------------------------

    def _abort_orphans(self) -> None:
        """Abort transactions that partitions have open and no transactional id knows of.

        A power cut can lose the end of `__transaction_state` and keep the records. Nobody would ever end these
        transactions, and readers of committed records would wait for them forever.
        """
        known = self.coordinator.open_in()
        for topic in list(self._catalog.topics.values()):
            for log in topic.partitions:
                if not log.producers.ongoing:
                    continue
                for producer in list(log.producers):
                    key = producer.producer_id, (topic.name, log.partition)
                    if producer.transaction_start >= 0 and key not in known:
                        logger.warning(
                            "%s-%d: a transaction of producer %d is aborted: its coordinator's record is lost",
                            topic.name,
                            log.partition,
                            producer.producer_id,
                        )
                        epoch = max(producer.coordinator_epoch, 0)
                        self._append_marker(log, Marker(producer.producer_id, producer.epoch, False, epoch))

    def _tick(self) -> None:
        self._timer = None
        self.coordinator.tick(self.now())
        self._arm()

    def _arm(self) -> None:
        deadline_s = self.coordinator.next_deadline_s
        if self._timer is not None:
            if self._timer.deadline_s <= deadline_s:
                return
            self._timer.cancel()
        self._timer = self._timers.schedule(deadline_s, self._tick)
