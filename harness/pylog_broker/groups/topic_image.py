"""What consumer groups see of the metadata: topics (names, ids, partition counts, a version), and settings of groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID


class TopicFacts(NamedTuple):
    """One topic as assignments need it."""

    topic_id: UUID
    partitions: int


class TopicImage(Protocol):
    """The topics of the broker at this moment."""

    @property
    def version(self) -> int:
        """Grows whenever a topic is made, deleted or extended."""
        ...

    def names(self) -> Collection[str]:
        """Return the names of all topics, internal ones too: the broker matches patterns with them, as Kafka does."""
        ...

    def find(self, name: str) -> TopicFacts | None:
        """Return a topic, or None when there is none of that name."""
        ...

    def name_of(self, topic_id: UUID) -> str | None:
        """Return the name of a topic that still exists."""
        ...

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """Return the settings that a group has of its own."""
        ...


class NoTopics:
    """An image without topics."""

    version = 0

    def names(self) -> Collection[str]:
        """Return nothing."""
        return ()

    def find(self, name: str) -> TopicFacts | None:
        """Return None."""
        return None

    def name_of(self, topic_id: UUID) -> str | None:
        """Return None."""
        return None

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """Return nothing."""
        return {}
