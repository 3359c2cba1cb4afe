"""The settings of topics and of the broker, as rows that DescribeConfigs and CreateTopics show."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from harness.pylog_broker.config import DYNAMIC_NAMES, GROUP_DOCS, TOPIC_DEFAULTS, BrokerConfig
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
    SOURCE_DYNAMIC_BROKER,
    SOURCE_DYNAMIC_DEFAULT_BROKER,
    SOURCE_STATIC_BROKER,
    SOURCE_TOPIC,
    STRING,
    TopicConfig,
    describe,
    format_value,
)
from harness.pylog_broker.transactions.settings import DOCS as TRANSACTION_DOCS
from harness.pylog_broker.transactions.settings import KAFKA_NAMES as TRANSACTION_NAMES

if TYPE_CHECKING:
    from harness.pylog_broker.broker import Broker


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

Synonym = tuple[str, str, int]
"""Name, value and source of one place that a setting can come from."""


def topic_entries(broker: Broker, topic: Topic) -> list[Entry]:
    """Every setting of a topic."""
    return config_entries(broker, broker.config.topic.with_overrides(topic.config_overrides), topic.config_overrides)


def config_entries(broker: Broker, config: TopicConfig, overrides: Mapping[str, str]) -> list[Entry]:
    """Every setting of a topic with these overrides."""
    entries = []
    for row in describe(config, overrides, defaults=broker.config.topic):
        own: list[Synonym] = [(row.name, row.value, SOURCE_TOPIC)] if row.name in overrides else []
        synonyms = (*own, *_broker_synonyms(broker, _BROKER_NAMES[row.name], row.default))
        entries.append(Entry(row.name, row.value, False, synonyms[0][2], row.type, row.doc, synonyms))
    return entries


def _broker_synonyms(broker: Broker, name: str, value: str) -> tuple[Synonym, ...]:
    """Where the broker's value of a setting comes from, the place in force first. `value` is the one in force."""
    everywhere, here = broker.dynamic_layers()
    found: list[Synonym] = []
    if name in here:
        found.append((name, here[name], SOURCE_DYNAMIC_BROKER))
    if name in everywhere:
        found.append((name, everywhere[name], SOURCE_DYNAMIC_DEFAULT_BROKER))
    topic_name = TOPIC_DEFAULTS.get(name, ("", 1))[0]
    given = [
        other for other, (same, _) in TOPIC_DEFAULTS.items() if same == topic_name and other in broker.config.given
    ]
    if name in broker.config.given:
        found.append((name, broker.config.given[name] if found else value, SOURCE_STATIC_BROKER))
    elif given:
        found.append((given[0], broker.config.given[given[0]], SOURCE_STATIC_BROKER))
    default = value if not found else _default_texts().get(name, value)
    return (*found, (name, default, SOURCE_DEFAULT))


@cache
def _default_texts() -> dict[str, str]:
    return {entry.name: entry.value for entry in static_entries(BrokerConfig())}


def broker_entries(broker: Broker) -> list[Entry]:
    """Every setting of a running broker."""
    entries = []
    for entry in static_entries(broker.config):
        if entry.name in DYNAMIC_NAMES:
            synonyms = _broker_synonyms(broker, entry.name, entry.value)
            entries.append(entry._replace(read_only=False, source=synonyms[0][2], synonyms=synonyms))
        else:
            entries.append(entry)
    return entries


def dynamic_default_entries(broker: Broker) -> list[Entry]:
    """The settings that are set for all brokers: what the resource with the empty name shows."""
    everywhere, _ = broker.dynamic_layers()
    source = SOURCE_DYNAMIC_DEFAULT_BROKER
    return [
        entry._replace(
            value=everywhere[entry.name],
            read_only=False,
            source=source,
            synonyms=((entry.name, everywhere[entry.name], source),),
        )
        for entry in static_entries(broker.config)
        if entry.name in everywhere
    ]


def static_entries(config: BrokerConfig) -> list[Entry]:
    """Every setting of a broker, without regard to dynamic ones."""
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
