"""Changing the settings of a topic: what AlterConfigs and IncrementalAlterConfigs have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.storage.errors import StorageError

TOPIC, BROKER = 2, 4

Outcome = tuple[int, str | None]
"""Error code and message."""


def repeated(resources: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """The resources that a request names more than once: none of their changes is made."""
    return {resource for resource, count in Counter(resources).items() if count > 1}


def refuse_resource(broker: Broker, kind: int, name: str, repeats: set[tuple[int, str]]) -> Outcome | None:
    """Why the settings of a resource cannot be changed; None when they can."""
    if (kind, name) in repeats:
        return ErrorCode.INVALID_REQUEST, f"'{name}' is named more than once"
    if kind == BROKER:
        return ErrorCode.INVALID_REQUEST, "broker settings are set at start: pylog serve --set name=value"
    if kind != TOPIC:
        return ErrorCode.INVALID_REQUEST, f"resource type {kind} has no settings here; topics (2) have"
    if name not in broker.catalog.topics:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic '{name}'"
    return None


def set_overrides(broker: Broker, name: str, overrides: Mapping[str, str], *, validate_only: bool) -> Outcome:
    """Replace a topic's own settings, or only check them."""
    try:
        if validate_only:
            broker.config.topic.with_overrides(overrides)
        else:
            broker.catalog.set_topic_config(name, overrides)
    except StorageError as error:
        return error.error_code, str(error)
    return ErrorCode.NONE, None
