"""The settings of topics and of the broker, as rows that DescribeConfigs and CreateTopics show."""

from __future__ import annotations

from typing import NamedTuple

from harness.pylog_broker.config import GROUP_DOCS, TOPIC_DEFAULTS, BrokerConfig
from harness.pylog_broker.config import SETTINGS as BROKER_SETTINGS
from harness.pylog_broker.groups.settings import KAFKA_NAMES as GROUP_NAMES
from harness.pylog_broker.security.settings import TABLE as SECURITY_TABLE
from harness.pylog_broker.security.settings import shown
from harness.pylog_broker.storage.catalog import Topic
from harness.pylog_broker.storage.topic_config import (
    INT,
    LIST,
    LONG,
    SETTINGS,
    SOURCE_DEFAULT,
    SOURCE_STATIC_BROKER,
    SOURCE_TOPIC,
    STRING,
    TopicConfig,
    describe,
    format_value,
)
from harness.pylog_broker.transactions.settings import DOCS as TRANSACTION_DOCS
from harness.pylog_broker.transactions.settings import KAFKA_NAMES as TRANSACTION_NAMES


class Entry(NamedTuple):
    """One setting: value, where it comes from, and what it would be without the topic's own value."""

    name: str
    value: str
    read_only: bool
    source: int
    type: int
    doc: str
    synonyms: tuple[tuple[str, str, int], ...]
    """(name, value, source), the one in force first."""


_BROKER_NAMES = {topic_name: name for name, (topic_name, factor) in TOPIC_DEFAULTS.items() if factor == 1}


def topic_entries(topic: Topic, defaults: TopicConfig) -> list[Entry]:
    """Every setting of a topic."""
    config = topic.partitions[0].config if topic.partitions else defaults
    return config_entries(config, topic.config_overrides, defaults)


def config_entries(config: TopicConfig, overrides: dict[str, str], defaults: TopicConfig) -> list[Entry]:
    """Every setting of a topic with these overrides."""
    entries = []
    for row in describe(config, overrides, defaults=defaults):
        default_source = describe_source(row.name, defaults)
        default = (_BROKER_NAMES.get(row.name, row.name), row.default, default_source)
        own = ((row.name, row.value, SOURCE_TOPIC),) if row.source == SOURCE_TOPIC else ()
        entries.append(Entry(row.name, row.value, False, row.source, row.type, row.doc, (*own, default)))
    return entries


def describe_source(name: str, defaults: TopicConfig) -> int:
    """Whether the broker's default of a topic setting is Kafka's own or was set at start."""
    field = SETTINGS[name].field
    same = getattr(defaults, field) == getattr(TopicConfig(), field)
    return SOURCE_DEFAULT if same else SOURCE_STATIC_BROKER


def broker_entries(config: BrokerConfig) -> list[Entry]:
    """Every setting of the broker; all are read-only: they are set at start."""
    entries = []
    for setting in BROKER_SETTINGS.values():
        value = format_value(getattr(config, setting.field))
        entries.append(_broker_entry(config, setting.name, value, setting.type, setting.doc))
    for name, (topic_name, factor) in TOPIC_DEFAULTS.items():
        topic_setting = SETTINGS[topic_name]
        raw = getattr(config.topic, topic_setting.field)
        value = format_value(raw if factor == 1 or raw < 0 else raw // factor)
        entries.append(_broker_entry(config, name, value, topic_setting.type, topic_setting.doc))
    for name, field in GROUP_NAMES.items():
        raw = getattr(config.groups, field)
        kind = LIST if isinstance(raw, str) else LONG if name.endswith("bytes") else INT
        value = format_value(raw)
        entries.append(_broker_entry(config, name, value, kind, GROUP_DOCS[name]))
    for name, field in TRANSACTION_NAMES.items():
        kind = LONG if name.endswith("bytes") else INT
        value = format_value(getattr(config.transactions, field))
        entries.append(_broker_entry(config, name, value, kind, TRANSACTION_DOCS[name]))
    for row in SECURITY_TABLE:
        value = "" if row.secret else shown(config.security, row)
        entries.append(_broker_entry(config, row.name, value, STRING, row.doc))
    return sorted(entries)


def _broker_entry(config: BrokerConfig, name: str, value: str, kind: int, doc: str) -> Entry:
    source = SOURCE_STATIC_BROKER if name in config.given else SOURCE_DEFAULT
    return Entry(name, value, True, source, kind, doc, ((name, value, source),))
