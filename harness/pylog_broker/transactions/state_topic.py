"""The journal of the transaction coordinator as an ordinary topic, `__transaction_state`, in the storage room."""

from __future__ import annotations

from collections.abc import Iterator

from harness.pylog_broker.internal_topic import InternalTopic, OnAppend, StoredRow
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.topic import TRANSACTION_STATE
from harness.pylog_broker.transactions.records import StoredTransaction, read_record
from harness.pylog_broker.transactions.settings import TransactionSettings

TOPIC_NAME = TRANSACTION_STATE
MESSAGE_BYTES_MAX = 64 << 20
"""A transaction over every partition that a broker can have is one record."""


class StateTopic(InternalTopic):
    """`__transaction_state` of one catalog."""

    def __init__(self, catalog: Catalog, settings: TransactionSettings, on_append: OnAppend) -> None:
        super().__init__(
            catalog,
            TOPIC_NAME,
            partitions=settings.state_partitions,
            max_message_bytes=MESSAGE_BYTES_MAX,
            on_append=on_append,
        )

    def coordinator_epoch(self, partition: int) -> int:
        """Return the leader epoch of the partition: its leader is the coordinator of the ids in it."""
        log = self.log(partition)
        return log.leader_epoch if log is not None else 0

    def transactions(self) -> Iterator[StoredTransaction]:
        """Read everything that is stored, oldest first within each partition; raises MalformedMessage."""
        for row in self.replay():
            if isinstance(row, StoredRow):
                try:
                    record = read_record(row.key, row.value)
                except MalformedMessage as error:
                    raise MalformedMessage(f"{self.name}-{row.partition}: {error}") from None
                if record is not None:
                    yield record
