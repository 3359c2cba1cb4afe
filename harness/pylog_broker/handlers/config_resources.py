"""What has settings: topics, brokers (KIP-226), groups and client metrics. What the three config APIs have in common.

Settings of consumer-protocol groups (KIP-848) go over the broker's, within its bounds, from a member's next heartbeat on. Those of
client metrics are kept and reported without effect: telemetry is left out.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.config import MIN_INSYNC_REPLICAS, ConfigError
from harness.pylog_broker.controller.image import (
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from harness.pylog_broker.groups.settings import KAFKA_NAMES as GROUP_NAMES
from harness.pylog_broker.groups.settings import SHARE_ISOLATION, SHARE_OFFSET_RESET, SHARE_RENEW, GroupSettings
from harness.pylog_broker.handlers.api import RequestContext
from harness.pylog_broker.handlers.config_entries import (
    Entry,
    broker_entries,
    dynamic_default_entries,
    topic_entries,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation
from harness.pylog_broker.security.acl import Resource as Secured
from harness.pylog_broker.storage.errors import InvalidConfig, StorageError
from harness.pylog_broker.storage.topic_config import (
    BOOLEAN,
    INT,
    INT32_MAX,
    LIST,
    SETTINGS,
    SOURCE_CLIENT_METRICS,
    SOURCE_DEFAULT,
    SOURCE_GROUP,
    SOURCE_STATIC_BROKER,
    STRING,
)

Outcome = tuple[int, str | None]
"""Error code and message."""

Plain = tuple[int, str, int, int, str]
"""Type, default, least and largest value, documentation."""

PLAIN_SETTINGS: Mapping[int, Mapping[str, Plain]] = {
    GROUP_RESOURCE: {
        "consumer.heartbeat.interval.ms": (INT, "5000", 1, INT32_MAX, "Time in ms between a member's heartbeats."),
        "consumer.session.timeout.ms": (INT, "45000", 1, INT32_MAX, "Time in ms after which a silent member is out."),
        "share.session.timeout.ms": (INT, "45000", 1, INT32_MAX, "Time in ms after which a silent member is out."),
        "share.heartbeat.interval.ms": (INT, "5000", 1, INT32_MAX, "Time in ms between a member's heartbeats."),
        "share.record.lock.duration.ms": (INT, "30000", 1000, INT32_MAX, "Time in ms that a member has for a record."),
        "share.delivery.count.limit": (INT, "5", 2, INT32_MAX, "How often a record is handed out at most."),
        "share.partition.max.record.locks": (INT, "2000", 100, INT32_MAX, "Most records of a partition in flight."),
        SHARE_OFFSET_RESET: (STRING, "latest", 0, 0, "Where a share group begins: latest, earliest, by_duration:..."),
        SHARE_ISOLATION: (STRING, "read_uncommitted", 0, 0, "Whether records of aborted transactions are left out."),
        SHARE_RENEW: (BOOLEAN, "true", 0, 1, "Whether members may renew the locks of records."),
    },
    CLIENT_METRICS_RESOURCE: {
        "interval.ms": (INT, "300000", 100, 3_600_000, "Time in ms between two pushes of a client's metrics."),
        "match": (LIST, "", 0, 0, "Which clients the subscription is for."),
        "metrics": (LIST, "", 0, 0, "Prefixes of the metrics that are asked for."),
    },
}
PLAIN_SOURCES = {GROUP_RESOURCE: SOURCE_GROUP, CLIENT_METRICS_RESOURCE: SOURCE_CLIENT_METRICS}
KINDS = (TOPIC_RESOURCE, BROKER_RESOURCE, *PLAIN_SETTINGS)


def repeated(resources: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """The resources that a request names more than once: none of their changes is made."""
    return {resource for resource, count in Counter(resources).items() if count > 1}


def refuse(context: RequestContext, kind: int, name: str, operation: Operation) -> Outcome | None:
    """Why a resource's settings cannot be read or changed; None when they can."""
    broker = context.broker
    if kind == TOPIC_RESOURCE:
        if not context.allows(operation, Secured.TOPIC, name):
            return ErrorCode.TOPIC_AUTHORIZATION_FAILED, None
        if name not in broker.catalog.topics:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic '{name}'"
        return None
    if kind == GROUP_RESOURCE:
        if not context.allows(operation, Secured.GROUP, name):
            return ErrorCode.GROUP_AUTHORIZATION_FAILED, None
    elif not context.allows(operation, Secured.CLUSTER, CLUSTER_NAME):
        return ErrorCode.CLUSTER_AUTHORIZATION_FAILED, None
    if kind not in KINDS:
        return ErrorCode.INVALID_REQUEST, f"resource type {kind} has no settings here; {KINDS} have"
    if kind == BROKER_RESOURCE and name not in ("", str(broker.node_id)):
        return ErrorCode.INVALID_REQUEST, f"there is no broker '{name}'; this one is {broker.node_id}"
    if kind in PLAIN_SETTINGS and not name:
        return ErrorCode.INVALID_REQUEST, "a group or a subscription is named"
    return None


def entries_of(broker: Broker, kind: int, name: str) -> list[Entry]:
    """Every setting of a resource that was not refused."""
    if kind == TOPIC_RESOURCE:
        return topic_entries(broker, broker.catalog.topics[name])
    if kind == BROKER_RESOURCE:
        return broker_entries(broker) if name else dynamic_default_entries(broker)
    own = own_values(broker, kind, name)
    entries = []
    for setting, (type_, default, _, _, doc) in PLAIN_SETTINGS[kind].items():
        mine = [(setting, own[setting], PLAIN_SOURCES[kind])] if setting in own else []
        is_of_broker = kind == GROUP_RESOURCE and f"group.{setting}" in GROUP_NAMES
        inherited = _of_broker(broker, setting) if is_of_broker else [(setting, default, SOURCE_DEFAULT)]
        synonyms = (*mine, *inherited)
        entries.append(Entry(setting, synonyms[0][1], False, synonyms[0][2], type_, doc, synonyms))
    return entries


def _of_broker(broker: Broker, setting: str) -> list[tuple[str, str, int]]:
    """What a group has from the broker, as (name, value, source): what was given at start, and the default."""
    name = f"group.{setting}"
    given = [(name, broker.config.given[name], SOURCE_STATIC_BROKER)] if name in broker.config.given else []
    return [*given, (name, str(getattr(GroupSettings(), GROUP_NAMES[name])), SOURCE_DEFAULT)]


def own_values(broker: Broker, kind: int, name: str) -> dict[str, str]:
    """The settings that a resource has of its own."""
    return dict(broker.catalog.controller.image.config(kind, name))


def list_value(broker: Broker, kind: int, name: str, setting: str) -> str | None:
    """The value in force of a setting that is a list; None for one that is none."""
    if kind == TOPIC_RESOURCE and (setting not in SETTINGS or SETTINGS[setting].type != LIST):
        return None
    if kind in PLAIN_SETTINGS and PLAIN_SETTINGS[kind].get(setting, (INT,))[0] != LIST:
        return None
    resource = str(broker.node_id) if kind == BROKER_RESOURCE else name
    found = [entry for entry in entries_of(broker, kind, resource) if entry.name == setting]
    return found[0].value if found and found[0].type == LIST else None


def refuse_fixed(kind: int, resource_name: str, setting: str, *, removed: bool) -> Outcome | None:
    """INVALID_CONFIG where a setting has its place with all brokers: it can be set there, but not go or be one broker's."""
    if kind == BROKER_RESOURCE and setting == MIN_INSYNC_REPLICAS and (resource_name or removed):
        return ErrorCode.INVALID_CONFIG, f"{setting} is one for all brokers (the resource ''): set it there"
    return None


def set_values(broker: Broker, kind: int, name: str, values: Mapping[str, str], *, validate_only: bool) -> Outcome:
    """Replace the settings that a resource has of its own, or only check them."""
    try:
        if kind == TOPIC_RESOURCE:
            broker.config.topic.with_overrides(values)
        elif kind == BROKER_RESOURCE:
            everywhere, here = broker.dynamic_layers()
            broker.check_dynamic_config(*((everywhere, values) if name else (values, here)))
        else:
            _check_plain(PLAIN_SETTINGS[kind], values)
            if kind == GROUP_RESOURCE:
                _check_group(broker, values)
        if not validate_only:
            broker.catalog.controller.set_config(kind, name, values)
    except ConfigError as error:
        return ErrorCode.INVALID_REQUEST, str(error)
    except StorageError as error:
        return error.error_code, str(error)
    return ErrorCode.NONE, None


def _check_group(broker: Broker, values: Mapping[str, str]) -> None:
    try:
        broker.config.groups.check_group_config(values)
    except ValueError as error:
        raise InvalidConfig(str(error)) from None


def _check_plain(table: Mapping[str, Plain], values: Mapping[str, str]) -> None:
    for name, text in values.items():
        if name not in table:
            nearest = difflib.get_close_matches(name, table, n=1, cutoff=0.0)[0]
            raise InvalidConfig(f"unknown setting '{name}'; did you mean '{nearest}'?")
        type_, _, least, most, _ = table[name]
        if type_ == INT and not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise InvalidConfig(f"{name} must be a whole number in {least} .. {most}, not '{text}'")
