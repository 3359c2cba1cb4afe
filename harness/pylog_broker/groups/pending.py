"""Offsets that a transaction has committed and that wait for its end (KIP-98, KIP-447).

They are in the journal as records of a transactional batch; the marker that ends the transaction in that journal partition
makes them committed offsets, or drops them. Until then a reader that asks for stable offsets has to come again. At the marker
they replace what is committed then, whichever was written first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.pylog_broker.groups.records import CommittedOffset

OffsetKey = tuple[str, str, int]
"""Group, topic, partition."""


class PendingOffsets:
    """By journal partition and producer id: a producer has one transaction at a time."""

    __slots__ = ("_by_producer", "_holders", "count", "metadata_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.metadata_bytes = 0
        self._by_producer: dict[tuple[int, int], dict[OffsetKey, CommittedOffset]] = {}
        self._holders: dict[str, dict[tuple[str, int], set[tuple[int, int]]]] = {}
        """Group -> (topic, partition) -> transactions that have an offset of it pending."""

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._holders

    def of_group(self, group_id: str) -> Mapping[tuple[str, int], object]:
        """Return the (topic, partition) pairs of a group that have an offset pending."""
        return self._holders.get(group_id, {})

    def group_ids(self) -> Iterator[str]:
        """Return the groups that have pending offsets."""
        return iter(self._holders)

    def keys_of_topic(self, topic: str) -> list[tuple[str, int]]:
        """Return every (group, partition) that has an offset of a topic pending."""
        return [
            (group_id, partition)
            for group_id, keys in self._holders.items()
            for name, partition in keys
            if name == topic
        ]

    def add(self, journal_partition: int, producer_id: int, key: OffsetKey, committed: CommittedOffset) -> None:
        """Keep an offset until its transaction ends; a later one of the same transaction replaces it."""
        owner = (journal_partition, producer_id)
        offsets = self._by_producer.setdefault(owner, {})
        before = offsets.get(key)
        if before is not None:
            self._uncount(before)
        self.count += 1
        self.metadata_bytes += len(committed.metadata)
        offsets[key] = committed
        self._holders.setdefault(key[0], {}).setdefault(key[1:], set()).add(owner)

    def end(self, journal_partition: int, producer_id: int) -> dict[OffsetKey, CommittedOffset]:
        """Take out what the transaction has pending in a journal partition."""
        owner = (journal_partition, producer_id)
        ended = self._by_producer.pop(owner, {})
        for key, committed in ended.items():
            self._uncount(committed)
            self._release(key, owner)
        return ended

    def forget(self, group_id: str, topic: str, partition: int) -> None:
        """Drop whatever is pending of one offset: it was deleted."""
        key = (group_id, topic, partition)
        for owner in list(self._holders.get(group_id, {}).get((topic, partition), ())):
            self._uncount(self._by_producer[owner].pop(key))
            if not self._by_producer[owner]:
                del self._by_producer[owner]
            self._release(key, owner)

    def _uncount(self, committed: CommittedOffset) -> None:
        self.count -= 1
        self.metadata_bytes -= len(committed.metadata)

    def _release(self, key: OffsetKey, owner: tuple[int, int]) -> None:
        group = self._holders[key[0]]
        group[key[1:]].discard(owner)
        if not group[key[1:]]:
            del group[key[1:]]
        if not group:
            del self._holders[key[0]]
