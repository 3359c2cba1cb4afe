"""Topic settings: names, types, limits, description."""

from __future__ import annotations

import pytest

from harness.pylog_broker.storage.errors import InvalidConfig
from harness.pylog_broker.storage.topic_config import (
    LIST,
    LONG,
    SETTINGS,
    SOURCE_DEFAULT,
    SOURCE_STATIC_BROKER,
    SOURCE_TOPIC,
    TopicConfig,
    describe,
    format_value,
    parse_value,
)


def test_values_are_typed() -> None:
    config = TopicConfig().with_overrides(
        {
            "retention.ms": "5000",
            "cleanup.policy": "compact, delete",
            "preallocate": "True",
            "min.cleanable.dirty.ratio": "0.25",
            "message.timestamp.type": "LogAppendTime",
        }
    )
    assert config.retention_ms == 5000
    assert config.cleanup_policy == "compact,delete"
    assert config.deletes
    assert config.preallocate is True
    assert config.min_cleanable_dirty_ratio == 0.25
    assert config.log_append_time


def test_a_policy_that_neither_deletes_nor_compacts() -> None:
    config = TopicConfig().with_overrides({"cleanup.policy": ""})
    assert (config.cleanup_policy, config.deletes, config.compacts) == ("", False, False)
    assert (
        TopicConfig().with_overrides({"cleanup.policy": "compact,delete, compact"}).cleanup_policy == "compact,delete"
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("retention.m", "1", "retention.ms"),
        ("segment.byte", "1", "segment.bytes"),
        ("retention.ms", "week", "whole number"),
        ("retention.ms", "-2", "-1 .. "),
        ("segment.bytes", str(2**31), "2147483647"),
        ("cleanup.policy", "delete,shrink", "'compact'"),
        ("cleanup.policy", "delete,", "'compact'"),
        ("compression.type", "brotli", "'producer'"),
        ("preallocate", "yes", "'true'"),
        ("flush.messages", "0", "1 .. "),
    ],
)
def test_a_bad_setting_is_refused_with_a_hint(name: str, value: str, hint: str) -> None:
    with pytest.raises(InvalidConfig, match=hint.replace(".", r"\.")):
        TopicConfig().with_overrides({name: value})


def test_defaults_can_be_written_and_read_back() -> None:
    config = TopicConfig()
    for name, setting in SETTINGS.items():
        value = getattr(config, setting.field)
        assert parse_value(name, format_value(value)) == value


def test_description_names_the_source() -> None:
    defaults = TopicConfig(retention_ms=1234)
    rows = {
        row.name: row
        for row in describe(
            defaults.with_overrides({"segment.bytes": "99"}), {"segment.bytes": "99"}, defaults=defaults
        )
    }
    assert rows.keys() == SETTINGS.keys()
    assert (rows["segment.bytes"].value, rows["segment.bytes"].source) == ("99", SOURCE_TOPIC)
    assert (rows["retention.ms"].value, rows["retention.ms"].source) == ("1234", SOURCE_STATIC_BROKER)
    assert rows["retention.ms"].type == LONG
    assert (rows["cleanup.policy"].source, rows["cleanup.policy"].type) == (SOURCE_DEFAULT, LIST)
    assert all(row.doc for row in rows.values())
