"""A topic as the catalog holds it, and the names it may have."""

from __future__ import annotations

import re
import uuid

from harness.pylog_broker.storage.errors import InvalidTopicName
from harness.pylog_broker.storage.log import PartitionLog

TOPIC_NAME_BYTES_MAX = 249

CONSUMER_OFFSETS = "__consumer_offsets"
TRANSACTION_STATE = "__transaction_state"
SHARE_STATE = "__share_group_state"
"""The internal topics: what the coordinators have to remember."""

_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]+")


class Topic:
    """One topic: `partitions[n]` is the log of partition n."""

    __slots__ = ("config_overrides", "internal", "name", "partitions", "topic_id")

    def __init__(
        self,
        name: str,
        topic_id: uuid.UUID,
        partitions: list[PartitionLog],
        config_overrides: dict[str, str],
        internal: bool,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions
        self.config_overrides = config_overrides
        self.internal = internal


def check_topic_name(name: str) -> None:
    """Raise InvalidTopicName unless Apache Kafka would take the name as well."""
    if not name or name in (".", ".."):
        raise InvalidTopicName(f"a topic cannot be named '{name}'")
    if len(name) > TOPIC_NAME_BYTES_MAX:
        raise InvalidTopicName(f"a topic name has at most {TOPIC_NAME_BYTES_MAX} characters, this has {len(name)}")
    if not _TOPIC_NAME.fullmatch(name):
        raise InvalidTopicName(f"'{name}': a topic name is made of letters, digits, '.', '_' and '-'")
