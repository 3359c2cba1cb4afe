"""Broker settings under Apache Kafka's own names: typed, validated, described.

`SETTINGS` is the one table; parsing, DescribeConfigs and the README's table are made from it. Settings of topics have
broker-wide defaults under Kafka's broker-level names (`log.retention.ms` for `retention.ms`); `TOPIC_DEFAULTS` maps them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from harness.pylog_broker.groups.settings import KAFKA_NAMES as GROUP_NAMES
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.security.settings import JAAS_NAME, SecuritySettings
from harness.pylog_broker.security.settings import NAMES as SECURITY_NAMES
from harness.pylog_broker.storage.errors import InvalidConfig
from harness.pylog_broker.storage.topic_config import BOOLEAN, INT, INT32_MAX, INT64_MAX, LONG, STRING, TopicConfig
from harness.pylog_broker.transactions.settings import KAFKA_NAMES as TRANSACTION_NAMES
from harness.pylog_broker.transactions.settings import TransactionSettings

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


class ConfigError(ValueError):
    """A setting is unknown or its value makes no sense; the message says what to type instead."""


class BrokerConfig(NamedTuple):
    """The settings of one broker, defaults filled in."""

    node_id: int = 1
    num_partitions: int = 1
    default_replication_factor: int = 1
    auto_create_topics_enable: bool = True
    delete_topic_enable: bool = True
    socket_request_max_bytes: int = 100 << 20
    queued_max_request_bytes: int = 256 << 20
    max_connections: int = 4_096
    connections_max_idle_ms: int = 600_000
    request_receive_timeout_ms: int = 30_000
    fetch_max_bytes: int = 55 << 20
    max_incremental_fetch_session_cache_slots: int = 0
    log_cleaner_backoff_ms: int = 15_000
    log_cleaner_dedupe_buffer_size: int = 128 << 20
    log_cleaner_enable: bool = True
    log_cleaner_io_max_bytes_per_second: int = INT64_MAX
    log_cleaner_threads: int = 1
    log_retention_check_interval_ms: int = 300_000
    sasl_kerberos_min_time_before_relogin: int = 60_000
    log_dirs: str = ""
    http_listener: str = ""
    topic: TopicConfig = TopicConfig()
    groups: GroupSettings = GroupSettings()
    transactions: TransactionSettings = TransactionSettings()
    security: SecuritySettings = SecuritySettings()
    given: Mapping[str, str] = MappingProxyType({})
    """The names that were set at start, with their texts."""


class Setting(NamedTuple):
    """One broker setting: how it is named, limited and explained."""

    name: str
    type: int
    minimum: int
    maximum: int
    doc: str

    @property
    def field(self) -> str:
        """The field of `BrokerConfig` that holds it."""
        return self.name.replace(".", "_")


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("node.id", INT, 0, INT32_MAX, "This broker's id."),
        Setting("num.partitions", INT, 1, 10_000, "Partitions of a topic that is created without a number."),
        Setting("default.replication.factor", INT, 1, 1, "Replicas of a new topic; one node can hold only one."),
        Setting(
            "auto.create.topics.enable", BOOLEAN, 0, 1, "Whether asking for a missing topic's metadata creates it."
        ),
        Setting("delete.topic.enable", BOOLEAN, 0, 1, "Whether topics can be deleted."),
        Setting("socket.request.max.bytes", INT, 1 << 10, INT32_MAX, "Largest request in bytes."),
        Setting(
            "queued.max.request.bytes",
            LONG,
            1 << 20,
            1 << 40,
            "Memory in bytes for large requests that are being received, over all connections.",
        ),
        Setting("max.connections", INT, 1, 1_000_000, "Connections served at once; one more is closed at once."),
        Setting(
            "connections.max.idle.ms", LONG, 1_000, INT32_MAX, "Time in ms after which an idle connection is closed."
        ),
        Setting(
            "request.receive.timeout.ms",
            LONG,
            1_000,
            INT32_MAX,
            "Time in ms that a half-received request or a half-taken response may stand still. This broker's own setting.",
        ),
        Setting(
            "sasl.kerberos.min.time.before.relogin",
            LONG,
            0,
            INT64_MAX,
            "Time in ms between two logins at Kerberos. Kept and reported; there is no Kerberos here.",
        ),
        Setting("log.dirs", STRING, 0, 0, "The data folder, where --data-dir does not name one."),
        Setting(
            "http.listener",
            STRING,
            0,
            0,
            "HOST:PORT for Prometheus metrics (/metrics) and the explaining page (/). Empty: none. This broker's own setting.",
        ),
        Setting("fetch.max.bytes", INT, 1 << 10, INT32_MAX, "Most bytes in one fetch response."),
        Setting(
            "max.incremental.fetch.session.cache.slots",
            INT,
            0,
            0,
            "Fetch sessions (KIP-227) kept; this broker keeps none and answers every fetch in full.",
        ),
        Setting(
            "log.cleaner.backoff.ms",
            LONG,
            0,
            INT32_MAX,
            "Time in ms before the cleaner looks again when it found nothing to do.",
        ),
        Setting(
            "log.cleaner.dedupe.buffer.size",
            LONG,
            1 << 20,
            INT64_MAX,
            "Memory in bytes for the keys of one compaction, 160 for each; more keys take several rounds.",
        ),
        Setting("log.cleaner.enable", BOOLEAN, 0, 1, "Whether topics with cleanup.policy=compact are compacted."),
        Setting(
            "log.cleaner.io.max.bytes.per.second", LONG, 1, INT64_MAX, "Most bytes in a second that the cleaner reads."
        ),
        Setting("log.cleaner.threads", INT, 1, 1, "Threads of the cleaner; there is one."),
        Setting(
            "log.retention.check.interval.ms",
            LONG,
            1,
            INT64_MAX,
            "Time in ms between two looks at what is expired.",
        ),
    )
}

TEXTS: Mapping[str, tuple[str, str]] = {
    "log.dirs": (r"[^,]*", "one folder; more than one is not supported"),
    "http.listener": (r"|\S+:\d{1,5}", "HOST:PORT, such as 127.0.0.1:9308"),
}
"""Setting with a text -> what its value has to look like, and how that is said."""

MIN_INSYNC_REPLICAS = "min.insync.replicas"

TOPIC_DEFAULTS: Mapping[str, tuple[str, int]] = {
    "compression.type": ("compression.type", 1),
    "log.cleaner.delete.retention.ms": ("delete.retention.ms", 1),
    "log.cleaner.max.compaction.lag.ms": ("max.compaction.lag.ms", 1),
    "log.cleaner.min.cleanable.ratio": ("min.cleanable.dirty.ratio", 1),
    "log.cleaner.min.compaction.lag.ms": ("min.compaction.lag.ms", 1),
    "log.cleanup.policy": ("cleanup.policy", 1),
    "log.flush.interval.messages": ("flush.messages", 1),
    "log.flush.interval.ms": ("flush.ms", 1),
    "log.index.interval.bytes": ("index.interval.bytes", 1),
    "log.index.size.max.bytes": ("segment.index.bytes", 1),
    "log.message.timestamp.after.max.ms": ("message.timestamp.after.max.ms", 1),
    "log.message.timestamp.before.max.ms": ("message.timestamp.before.max.ms", 1),
    "log.message.timestamp.type": ("message.timestamp.type", 1),
    "log.preallocate": ("preallocate", 1),
    "log.retention.bytes": ("retention.bytes", 1),
    "log.retention.hours": ("retention.ms", HOUR_MS),
    "log.retention.minutes": ("retention.ms", MINUTE_MS),
    "log.retention.ms": ("retention.ms", 1),
    "log.roll.hours": ("segment.ms", HOUR_MS),
    "log.roll.jitter.hours": ("segment.jitter.ms", HOUR_MS),
    "log.roll.jitter.ms": ("segment.jitter.ms", 1),
    "log.roll.ms": ("segment.ms", 1),
    "log.segment.bytes": ("segment.bytes", 1),
    "log.segment.delete.delay.ms": ("file.delete.delay.ms", 1),
    "message.max.bytes": ("max.message.bytes", 1),
    MIN_INSYNC_REPLICAS: (MIN_INSYNC_REPLICAS, 1),
    "unclean.leader.election.enable": ("unclean.leader.election.enable", 1),
}
"""Broker-level name -> topic setting that it is the default of, and the factor of its unit.

Where several names set the same thing, the one with the finer unit wins, as in Kafka.
"""

DYNAMIC_NAMES = frozenset(name for name, (_, factor) in TOPIC_DEFAULTS.items() if factor == 1) | {
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.io.max.bytes.per.second",
    "sasl.kerberos.min.time.before.relogin",
}
"""What AlterConfigs can change while the broker runs (KIP-226), for all brokers or for one."""

GROUP_DOCS: Mapping[str, str] = {
    "group.min.session.timeout.ms": "Shortest session timeout in ms that a member may ask for.",
    "group.max.session.timeout.ms": "Longest session timeout in ms that a member may ask for.",
    "group.initial.rebalance.delay.ms": "Time in ms that an empty group waits for more members to join.",
    "group.max.size": "Most members of one group.",
    "group.consumer.assignors": "Server-side assignors of the consumer protocol (KIP-848), the default first.",
    "group.consumer.migration.policy": "Whether groups with members change their protocol: bidirectional, upgrade, downgrade, disabled.",
    "group.consumer.session.timeout.ms": "Session timeout in ms of members of consumer-protocol groups.",
    "group.consumer.min.session.timeout.ms": "Least that it may be set to.",
    "group.consumer.max.session.timeout.ms": "Most that it may be set to.",
    "group.consumer.heartbeat.interval.ms": "How often in ms members of consumer-protocol groups are told to report.",
    "group.consumer.min.heartbeat.interval.ms": "Least that it may be set to.",
    "group.consumer.max.heartbeat.interval.ms": "Most that it may be set to.",
    "group.consumer.max.size": "Most members of one consumer-protocol group.",
    "group.share.session.timeout.ms": "Session timeout in ms of members of share groups (KIP-932).",
    "group.share.min.session.timeout.ms": "Least that it may be set to.",
    "group.share.max.session.timeout.ms": "Most that it may be set to.",
    "group.share.heartbeat.interval.ms": "How often in ms members of share groups are told to report.",
    "group.share.min.heartbeat.interval.ms": "Least that it may be set to.",
    "group.share.max.heartbeat.interval.ms": "Most that it may be set to.",
    "group.share.record.lock.duration.ms": "Time in ms that a member of a share group has for a record before others get it.",
    "group.share.min.record.lock.duration.ms": "Least that it may be set to.",
    "group.share.max.record.lock.duration.ms": "Most that it may be set to.",
    "group.share.delivery.count.limit": "How often a share group is handed a record before it is given up.",
    "group.share.min.delivery.count.limit": "Least that it may be set to.",
    "group.share.max.delivery.count.limit": "Most that it may be set to.",
    "group.share.partition.max.record.locks": "Most records of a partition that a share group has in flight.",
    "group.share.min.partition.max.record.locks": "Least that it may be set to.",
    "group.share.max.partition.max.record.locks": "Most that it may be set to.",
    "group.share.max.share.sessions": "Most share sessions, over all groups.",
    "group.share.max.size": "Most members of one share group.",
    "group.share.partitions.max.count": "Most partitions with state, over all share groups, and in all sessions. This broker's own bound.",
    "share.coordinator.state.topic.num.partitions": "Partitions of `__share_group_state` when it is made.",
    "share.coordinator.state.topic.compaction.min.bytes": "Size at which a partition of share groups' state is rewritten. Own setting.",
    "group.max.count": "Most groups. This broker's own bound.",
    "group.members.max.bytes": "Memory in bytes for what all members say of themselves. This broker's own bound.",
    "offset.metadata.max.bytes": "Longest text in bytes that may go with a committed offset.",
    "offsets.topic.num.partitions": "Partitions of `__consumer_offsets` when it is made.",
    "offsets.topic.compaction.min.bytes": "Size at which a partition of committed offsets is rewritten. Own setting.",
    "offsets.retention.minutes": "Time in minutes that offsets of an empty group are kept.",
    "offsets.retention.check.interval.ms": "Time in ms between two searches for expired offsets.",
    "offsets.max.count": "Most committed offsets, over all groups. This broker's own bound.",
    "offsets.metadata.total.max.bytes": "Memory in bytes for the texts of committed offsets. This broker's own bound.",
}

assert set(GROUP_DOCS) == set(GROUP_NAMES)
assert {setting.field for setting in SETTINGS.values()} == set(BrokerConfig._fields) - {
    "topic",
    "groups",
    "transactions",
    "security",
    "given",
}


def known_names() -> list[str]:
    """Every name that `--set` takes, sorted."""
    return sorted({*SETTINGS, *TOPIC_DEFAULTS, *GROUP_NAMES, *TRANSACTION_NAMES, *SECURITY_NAMES})


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """`name=value` texts to a mapping. Raises ConfigError for a text without `=` or an unknown name."""
    given: dict[str, str] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        name = name.strip()
        if not separator:
            raise ConfigError(f"--set takes name=value, not '{assignment}'")
        _check_name(name)
        given[name] = value.strip()
    return given


def _check_name(name: str) -> None:
    if name in SETTINGS or name in TOPIC_DEFAULTS or name in GROUP_NAMES or name in SECURITY_NAMES:
        return
    if name in TRANSACTION_NAMES:
        return
    if JAAS_NAME.fullmatch(name):
        return
    import difflib  # slow to import, needed for an error only

    nearest = difflib.get_close_matches(name, known_names(), n=1, cutoff=0.0)
    raise ConfigError(f"unknown setting '{name}'; did you mean --set {nearest[0]}=...?")


def build_config(given: Mapping[str, str]) -> BrokerConfig:
    """A config from Kafka's names. Raises ConfigError for an unknown name or a value out of range."""
    values: dict[str, object] = {}
    topic: dict[str, tuple[int, str]] = {}
    for name, text in given.items():
        _check_name(name)
        if name in SETTINGS:
            values[SETTINGS[name].field] = _parse(SETTINGS[name], text)
        elif name in TOPIC_DEFAULTS:
            topic_name, factor = TOPIC_DEFAULTS[name]
            if topic_name not in topic or factor < topic[topic_name][0]:
                topic[topic_name] = (factor, text)
    try:
        overrides = {name: _scale(name, text, factor) for name, (factor, text) in topic.items()}
        return BrokerConfig(
            **values,  # type: ignore[arg-type]
            topic=TopicConfig().with_overrides(overrides),
            groups=GroupSettings.from_names(given),
            transactions=TransactionSettings.from_names(given),
            security=SecuritySettings.from_names(given),
            given=dict(given),
        )
    except (InvalidConfig, ValueError) as error:
        raise ConfigError(str(error)) from None


def with_dynamic(config: BrokerConfig, *layers: Mapping[str, str]) -> BrokerConfig:
    """The config with dynamic settings over those given at start, later layers over earlier ones.

    `given` stays what was given at start. Raises ConfigError for a name that is unknown or cannot change, or a bad value.
    """
    values = dict(config.given)
    for layer in layers:
        for name in layer:
            _check_name(name)
            if name not in DYNAMIC_NAMES:
                raise ConfigError(f"'{name}' cannot change while the broker runs; set it at start: --set {name}=...")
        values.update(layer)
    return build_config(values)._replace(given=config.given)


def _scale(name: str, text: str, factor: int) -> str:
    if factor == 1:
        return text
    try:
        number = int(text)
    except ValueError:
        raise ConfigError(f"{name} must be a whole number, not '{text}'") from None
    return text if number < 0 else str(number * factor)


def _parse(setting: Setting, text: str) -> int | bool | str:
    if setting.type == STRING:
        pattern, words = TEXTS[setting.name]
        if not re.fullmatch(pattern, text):
            raise ConfigError(f"{setting.name} must be {words}, not '{text}'")
        return text
    if setting.type == BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{setting.name} must be 'true' or 'false', not '{text}'")
        return text.lower() == "true"
    try:
        value = int(text)
    except ValueError:
        raise ConfigError(f"{setting.name} must be a whole number, not '{text}'") from None
    if not setting.minimum <= value <= setting.maximum:
        raise ConfigError(f"{setting.name} must be in {setting.minimum} .. {setting.maximum}, not {value}")
    return value
