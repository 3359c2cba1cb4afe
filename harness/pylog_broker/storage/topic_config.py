"""Topic settings under Apache Kafka's own names: typed, validated, described.

One table, `SETTINGS`, is what parsing, validation, DescribeConfigs and the documentation are made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.pylog_broker.storage.errors import InvalidConfig

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS

# Config types and sources of DescribeConfigs.
BOOLEAN, STRING, INT, LONG, DOUBLE, LIST = 1, 2, 3, 5, 6, 7
SOURCE_TOPIC, SOURCE_DYNAMIC_BROKER, SOURCE_DYNAMIC_DEFAULT_BROKER = 1, 2, 3
SOURCE_STATIC_BROKER, SOURCE_DEFAULT, SOURCE_CLIENT_METRICS, SOURCE_GROUP = 4, 5, 7, 8


class TopicConfig(NamedTuple):
    """The settings of one topic, defaults filled in. -1 means "without limit" where Kafka says so."""

    cleanup_policy: str = "delete"
    compression_type: str = "producer"
    delete_retention_ms: int = 24 * HOUR_MS
    file_delete_delay_ms: int = 60_000
    flush_messages: int = INT64_MAX
    flush_ms: int = INT64_MAX
    index_interval_bytes: int = 4096
    max_compaction_lag_ms: int = INT64_MAX
    max_message_bytes: int = 1_048_588
    message_timestamp_after_max_ms: int = HOUR_MS
    message_timestamp_before_max_ms: int = INT64_MAX
    message_timestamp_type: str = "CreateTime"
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    min_insync_replicas: int = 1
    preallocate: bool = False
    retention_bytes: int = -1
    retention_ms: int = WEEK_MS
    segment_bytes: int = 1 << 30
    segment_index_bytes: int = 10 << 20
    segment_jitter_ms: int = 0
    segment_ms: int = WEEK_MS
    unclean_leader_election_enable: bool = False

    @property
    def log_append_time(self) -> bool:
        return self.message_timestamp_type == "LogAppendTime"

    @property
    def deletes(self) -> bool:
        """Whether retention removes old segments."""
        return "delete" in self.cleanup_policy

    @property
    def compacts(self) -> bool:
        """Whether the cleaner keeps only the last value of each key."""
        return "compact" in self.cleanup_policy

    def with_overrides(self, overrides: Mapping[str, str]) -> TopicConfig:
        """This config with Kafka-named values on top; raises InvalidConfig for an unknown name or a bad value."""
        return self._replace(**{_setting(name).field: parse_value(name, value) for name, value in overrides.items()})


class Setting(NamedTuple):
    """One topic setting: how it is named, parsed, limited and explained."""

    name: str
    field: str
    type: int
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    doc: str


class ConfigEntry(NamedTuple):
    """One row of DescribeConfigs."""

    name: str
    value: str
    default: str
    source: int
    type: int
    doc: str


def _number(name: str, type_: int, minimum: float, doc: str, *, maximum: float | None = None) -> Setting:
    limit = maximum if maximum is not None else INT32_MAX if type_ == INT else INT64_MAX
    return Setting(name, name.replace(".", "_"), type_, minimum, limit, (), doc)


def _choice(name: str, type_: int, choices: tuple[str, ...], doc: str) -> Setting:
    return Setting(name, name.replace(".", "_"), type_, None, None, choices, doc)


_KEPT = " Kept and reported; has no effect on one node."
_TRUTH = ("true", "false")

SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        _choice(
            "cleanup.policy",
            LIST,
            ("delete", "compact"),
            "What happens to old records: 'delete' removes whole segments by age and size, 'compact' keeps at least the "
            "last value of each key, both do both, an empty list neither.",
        ),
        _choice(
            "compression.type",
            STRING,
            ("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"),
            "How batches are stored: as the producer compressed them, or in this codec, for which the broker opens and "
            "compresses each batch that came in another one.",
        ),
        _number(
            "delete.retention.ms", LONG, 0, "How long in ms tombstones stay after the first compaction that met them."
        ),
        _number(
            "file.delete.delay.ms",
            LONG,
            0,
            "Time in ms between a file's removal (renamed to .deleted) and its unlinking, which frees its bytes.",
        ),
        _number(
            "flush.messages",
            LONG,
            1,
            "Records between two forced fsyncs, each before its acknowledgement; 1 syncs every append.",
        ),
        _number("flush.ms", LONG, 0, "Longest time in ms that a record stays without an fsync."),
        _number("index.interval.bytes", INT, 0, "Bytes of log between two entries of the sparse index."),
        _number(
            "max.compaction.lag.ms",
            LONG,
            1,
            "Longest time in ms before a record is compacted, whatever the dirty share.",
        ),
        _number("max.message.bytes", INT, 0, "Largest record batch in bytes, as compressed by the producer."),
        _number(
            "message.timestamp.after.max.ms",
            LONG,
            0,
            "How far in ms a CreateTime may lie after the broker's clock.",
        ),
        _number(
            "message.timestamp.before.max.ms",
            LONG,
            0,
            "How far in ms a CreateTime may lie before the broker's clock.",
        ),
        _choice(
            "message.timestamp.type",
            STRING,
            ("CreateTime", "LogAppendTime"),
            "Whose clock stamps the records: the producer's or the broker's.",
        ),
        _number("min.cleanable.dirty.ratio", DOUBLE, 0, "Dirty share at which compaction starts.", maximum=1),
        _number("min.compaction.lag.ms", LONG, 0, "Shortest time in ms before a record is compacted."),
        _number(
            "min.insync.replicas",
            INT,
            1,
            "In-sync replicas that a produce with acks=all needs; more than 1 cannot be met by one node.",
        ),
        _choice("preallocate", BOOLEAN, _TRUTH, "Whether segment files are preallocated." + _KEPT),
        _number("retention.bytes", LONG, -1, "Bytes a partition keeps before old segments go; -1 is no limit."),
        _number("retention.ms", LONG, -1, "Age in ms at which segments go; -1 is no limit."),
        _number("segment.bytes", INT, 14, "Size in bytes at which the active segment is closed."),
        _number("segment.index.bytes", INT, 4, "Size of a segment's index file." + _KEPT),
        _number(
            "segment.jitter.ms",
            LONG,
            0,
            "Longest time in ms by which a segment may be closed before segment.ms, at random.",
        ),
        _number(
            "segment.ms",
            LONG,
            1,
            "Age in ms, by the clock or by the records' own time, at which the active segment is closed, full or not.",
        ),
        _choice(
            "unclean.leader.election.enable",
            BOOLEAN,
            _TRUTH,
            "Whether a replica out of sync may lead." + _KEPT,
        ),
    )
}

assert {setting.field for setting in SETTINGS.values()} == set(TopicConfig._fields)


def _setting(name: str) -> Setting:
    setting = SETTINGS.get(name)
    if setting is None:
        import difflib

        nearest = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0.0)
        raise InvalidConfig(f"unknown topic setting '{name}'; did you mean '{nearest[0]}'?")
    return setting


def parse_value(name: str, text: str) -> Any:
    """The typed value of a setting; raises InvalidConfig for an unknown name or a value out of range."""
    setting = _setting(name)
    text = text.strip()
    if setting.choices:
        return _parse_choice(setting, text)
    try:
        value = float(text) if setting.type == DOUBLE else int(text)
    except ValueError:
        kind = "a number" if setting.type == DOUBLE else "a whole number"
        raise InvalidConfig(f"{name} must be {kind}, not '{text}'") from None
    assert setting.minimum is not None
    assert setting.maximum is not None
    if not setting.minimum <= value <= setting.maximum:
        raise InvalidConfig(f"{name} must be in {setting.minimum} .. {setting.maximum}, not {text}")
    return value


def split_list(text: str) -> list[str]:
    """The items of a list setting, each once; an empty text is an empty list."""
    return list(dict.fromkeys(part.strip() for part in text.split(","))) if text.strip() else []


def _parse_choice(setting: Setting, text: str) -> Any:
    allowed = " or ".join(f"'{choice}'" for choice in setting.choices)
    if setting.type == BOOLEAN:
        if text.lower() not in setting.choices:
            raise InvalidConfig(f"{setting.name} must be {allowed}, not '{text}'")
        return text.lower() == "true"
    parts = split_list(text) if setting.type == LIST else [text]
    if not all(part in setting.choices for part in parts):
        raise InvalidConfig(f"{setting.name} must be {allowed}, not '{text}'")
    return ",".join(parts)


def format_value(value: object) -> str:
    """A typed value as Kafka writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe(config: TopicConfig, overrides: Mapping[str, str], *, defaults: TopicConfig) -> list[ConfigEntry]:
    """All settings of a topic, for DescribeConfigs.

    `overrides` are the names set on the topic itself, `defaults` the broker's; a broker default that is not Kafka's own has
    the source STATIC_BROKER_CONFIG.
    """
    entries: list[ConfigEntry] = []
    built_in = TopicConfig()
    for setting in SETTINGS.values():
        default = getattr(defaults, setting.field)
        source = SOURCE_DEFAULT if default == getattr(built_in, setting.field) else SOURCE_STATIC_BROKER
        if setting.name in overrides:
            source = SOURCE_TOPIC
        value = format_value(getattr(config, setting.field))
        entries.append(ConfigEntry(setting.name, value, format_value(default), source, setting.type, setting.doc))
    return entries
