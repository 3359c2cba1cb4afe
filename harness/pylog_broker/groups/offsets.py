"""Committed offsets of all groups, in memory, within named bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.pylog_broker.groups.records import NO_EXPIRY, CommittedOffset
from harness.pylog_broker.groups.settings import GroupSettings

TopicOffsets = dict[int, CommittedOffset]
EMPTY_GROUP: Mapping[str, TopicOffsets] = {}


class OffsetTable:
    """Group -> topic -> partition -> committed offset, with the number of entries and the bytes of their metadata."""

    __slots__ = ("_groups", "_settings", "count", "metadata_bytes")

    def __init__(self, settings: GroupSettings) -> None:
        self._settings = settings
        self._groups: dict[str, dict[str, TopicOffsets]] = {}
        self.count = 0
        self.metadata_bytes = 0

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._groups

    def of_group(self, group_id: str) -> Mapping[str, Mapping[int, CommittedOffset]]:
        """Return topic -> partition -> offset of one group; empty when there is none."""
        return self._groups.get(group_id, EMPTY_GROUP)

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        """Return one committed offset, or None."""
        return self._groups.get(group_id, EMPTY_GROUP).get(topic, {}).get(partition)

    def has_room(
        self,
        group_id: str,
        topic: str,
        partition: int,
        metadata: str,
        pending_count: int = 0,
        pending_metadata_bytes: int = 0,
    ) -> bool:
        """Return whether an offset with this metadata may be kept within the bounds, beside what is pending."""
        before = self.get(group_id, topic, partition)
        if before is None and self.count + pending_count >= self._settings.offsets_max:
            return False
        grown = len(metadata) - (len(before.metadata) if before is not None else 0)
        held = self.metadata_bytes + pending_metadata_bytes
        return grown <= 0 or held + grown <= self._settings.offset_metadata_bytes_total_max

    def put(self, group_id: str, topic: str, partition: int, committed: CommittedOffset) -> None:
        """Keep an offset in place of the one before."""
        partitions = self._groups.setdefault(group_id, {}).setdefault(topic, {})
        before = partitions.get(partition)
        if before is None:
            self.count += 1
        else:
            self.metadata_bytes -= len(before.metadata)
        self.metadata_bytes += len(committed.metadata)
        partitions[partition] = committed

    def remove(self, group_id: str, topic: str, partition: int) -> bool:
        """Forget one offset; False when there was none."""
        topics = self._groups.get(group_id)
        if topics is None or partition not in topics.get(topic, {}):
            return False
        self.count -= 1
        self.metadata_bytes -= len(topics[topic].pop(partition).metadata)
        if not topics[topic]:
            del topics[topic]
        if not topics:
            del self._groups[group_id]
        return True

    def keys_of_group(self, group_id: str) -> list[tuple[str, int]]:
        """Return every (topic, partition) of a group."""
        topics = self._groups.get(group_id, EMPTY_GROUP)
        return [(topic, partition) for topic, partitions in topics.items() for partition in partitions]

    def keys_of_topic(self, topic: str) -> list[tuple[str, int]]:
        """Return every (group, partition) that holds an offset of a topic."""
        return [
            (group_id, partition) for group_id, topics in self._groups.items() for partition in topics.get(topic, {})
        ]

    def topics(self) -> set[str]:
        """Return the names of all topics with committed offsets."""
        return {topic for topics in self._groups.values() for topic in topics}

    def group_ids(self) -> Iterator[str]:
        """Return the groups that have offsets."""
        return iter(self._groups)


def is_expired(committed: CommittedOffset, counted_from_ms: int | None, retention_ms: int, now_ms: int) -> bool:
    """Return whether an unused offset has outlived its retention (KIP-211).

    `counted_from_ms` is when the group fell empty; None counts from the commit itself, as for standalone consumers
    and for topics that nobody in the group reads any more. An expiry time that an old client asked for goes first.
    """
    if committed.expire_timestamp_ms != NO_EXPIRY:
        return committed.expire_timestamp_ms <= now_ms
    start_ms = committed.commit_timestamp_ms
    if counted_from_ms is not None:
        start_ms = max(start_ms, counted_from_ms)
    return start_ms + retention_ms <= now_ms
