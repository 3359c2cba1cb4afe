"""Bounds and timeouts of the transaction coordinator, under Apache Kafka's names where Kafka has the setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KAFKA_NAMES: dict[str, str] = {
    "transaction.max.timeout.ms": "timeout_ms_max",
    "transactional.id.expiration.ms": "id_expiration_ms",
    "transactional.id.max.count": "ids_max",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "expiry_check_interval_ms",
    "transaction.state.log.num.partitions": "state_partitions",
    "transaction.state.log.compaction.min.bytes": "compaction_bytes_min",
    "producer.id.expiration.ms": "producer_id_expiration_ms",
}
"""Setting name -> field. `transactional.id.max.count` and `...compaction.min.bytes` are this broker's own."""

DOCS: Mapping[str, str] = {
    "transaction.max.timeout.ms": "Longest transaction timeout in ms that a producer may ask for.",
    "transactional.id.expiration.ms": "Time in ms without a transaction after which a transactional id is forgotten.",
    "transactional.id.max.count": "Most transactional ids. This broker's own bound.",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "Time in ms between two searches for expired ids.",
    "transaction.state.log.num.partitions": "Partitions of `__transaction_state` when it is made.",
    "transaction.state.log.compaction.min.bytes": (
        "Size at which a partition of the transactions' states is rewritten. Own setting."
    ),
    "producer.id.expiration.ms": "Time in ms without a write after which a partition forgets a producer id.",
}


class TransactionSettings(NamedTuple):
    """Settings of the coordinator; Kafka's defaults, but for `state_partitions` (50), for the reason that
    `GroupSettings.offsets_partitions` gives, and `ids_max`, which Kafka leaves to its heap.
    """

    timeout_ms_max: int = 900_000
    id_expiration_ms: int = 604_800_000
    ids_max: int = 100_000
    expiry_check_interval_ms: int = 3_600_000
    state_partitions: int = 6
    compaction_bytes_min: int = 1024 * 1024
    producer_id_expiration_ms: int = 86_400_000

    def check(self) -> None:
        """Raise ValueError, naming the setting, where a value makes no sense."""
        names = {attribute: name for name, attribute in KAFKA_NAMES.items()}
        for field, value in self._asdict().items():
            if value < 1:
                raise ValueError(f"{names[field]} must be at least 1, not {value}")
        if self.state_partitions > 50:
            raise ValueError("transaction.state.log.num.partitions must be at most 50")

    @classmethod
    def from_names(cls, values: Mapping[str, str]) -> TransactionSettings:
        """Build from Kafka's setting names; names that are not the coordinator's are left alone.

        Raises ValueError for a value that is not a whole number or is out of bounds.
        """
        chosen: dict[str, int] = {}
        for name, attribute in KAFKA_NAMES.items():
            if name in values:
                try:
                    chosen[attribute] = int(values[name])
                except ValueError:
                    raise ValueError(f"{name} must be a whole number, not {values[name]!r}") from None
        settings = cls(**chosen)
        settings.check()
        return settings
