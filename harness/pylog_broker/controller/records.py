"""The events of the metadata log, and their bytes: canonical JSON, `{"type": ..., "version": 0, <fields>}`.

Kafka's metadata records (KIP-631) under the same names. One proposal is one record batch, so that all of its records take
effect or none.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from uuid import UUID

from harness.pylog_broker.storage.errors import CorruptLog, UnsupportedFormat

RECORD_VERSION = 0


class TopicRecord(NamedTuple):
    """A topic was created; its partitions follow."""

    topic_id: UUID
    name: str
    internal: bool


class PartitionRecord(NamedTuple):
    """A partition was created, numbered in the order of its topic's records."""

    topic_id: UUID
    partition: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int


class PartitionChangeRecord(NamedTuple):
    """Replicas, in-sync replicas or leader of a partition changed; None leaves a field.

    A leader comes with its epoch, -1 for the next one. A leader that restarts with a log that may have lost its tail is a new
    leader as well (KIP-320).
    """

    topic_id: UUID
    partition: int
    replicas: tuple[int, ...] | None = None
    isr: tuple[int, ...] | None = None
    leader: int | None = None
    leader_epoch: int = -1


class RemoveTopicRecord(NamedTuple):
    """A topic was deleted, with its partitions and settings."""

    topic_id: UUID


class ConfigRecord(NamedTuple):
    """A setting of a resource (KIP-226, KIP-339) was given a value, or with None taken back."""

    resource_type: int
    resource_name: str
    name: str
    value: str | None


class RegisterBrokerRecord(NamedTuple):
    """A broker started. A restart has another incarnation id, which fences whatever the earlier process still sends."""

    broker_id: int
    incarnation_id: UUID
    broker_epoch: int
    host: str
    port: int
    fenced: bool


class UnregisterBrokerRecord(NamedTuple):
    """A broker left the cluster for good."""

    broker_id: int


class ProducerIdsRecord(NamedTuple):
    """Producer ids below `next_producer_id` are given away, at the latest to the broker that asked."""

    broker_id: int
    next_producer_id: int


class FeatureLevelRecord(NamedTuple):
    """A feature was finalized at a level (KIP-584); level 0 takes it back."""

    name: str
    level: int


class ScramCredentialRecord(NamedTuple):
    """A user's SCRAM credential (KIP-554, RFC 5802); salt and keys as hexadecimal text."""

    user: str
    mechanism: int
    salt: str
    stored_key: str
    server_key: str
    iterations: int


class RemoveScramCredentialRecord(NamedTuple):
    """A user's SCRAM credential was taken back."""

    user: str
    mechanism: int


class AclRecord(NamedTuple):
    """An access control entry (KIP-11), in the codes of the protocol."""

    acl_id: UUID
    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission: int


class RemoveAclRecord(NamedTuple):
    """An access control entry was taken back."""

    acl_id: UUID


class ClientQuotaRecord(NamedTuple):
    """A bound of an entity (KIP-546) was set, or with None taken back."""

    entity: tuple[tuple[str, str | None], ...]
    """((type, name), ...) sorted by type; the name None is the default of that type."""
    key: str
    value: float | None


class SnapshotHeaderRecord(NamedTuple):
    """The first record of a snapshot."""

    snapshot_version: int


class SnapshotFooterRecord(NamedTuple):
    """The last record of a snapshot: how many stand between header and footer."""

    records: int


Record = (
    TopicRecord
    | PartitionRecord
    | PartitionChangeRecord
    | RemoveTopicRecord
    | ConfigRecord
    | RegisterBrokerRecord
    | UnregisterBrokerRecord
    | ProducerIdsRecord
    | FeatureLevelRecord
    | ScramCredentialRecord
    | RemoveScramCredentialRecord
    | AclRecord
    | RemoveAclRecord
    | ClientQuotaRecord
    | SnapshotHeaderRecord
    | SnapshotFooterRecord
)

TYPES: dict[str, type[Record]] = {
    kind.__name__.removesuffix("Record"): kind
    for kind in (
        TopicRecord,
        PartitionRecord,
        PartitionChangeRecord,
        RemoveTopicRecord,
        ConfigRecord,
        RegisterBrokerRecord,
        UnregisterBrokerRecord,
        ProducerIdsRecord,
        FeatureLevelRecord,
        ScramCredentialRecord,
        RemoveScramCredentialRecord,
        AclRecord,
        RemoveAclRecord,
        ClientQuotaRecord,
        SnapshotHeaderRecord,
        SnapshotFooterRecord,
    )
}
_NAMES = {kind: name for name, kind in TYPES.items()}
_UUIDS = frozenset({"topic_id", "incarnation_id", "acl_id"})


def encode_record(record: Record) -> bytes:
    """The value of one record of the metadata log."""
    fields = {name: str(value) if name in _UUIDS else value for name, value in record._asdict().items()}
    body = {"type": _NAMES[type(record)], "version": RECORD_VERSION, **fields}
    return json.dumps(body, separators=(",", ":")).encode()


def decode_record(data: bytes) -> Record:
    """The inverse of `encode_record`.

    Raises UnsupportedFormat for a type or version of a newer broker, CorruptLog for anything that is no record at all.
    """
    try:
        body = json.loads(data)
        name, version = body.pop("type"), body.pop("version")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptLog(f"a metadata record cannot be read: {error}") from error
    if name not in TYPES or version > RECORD_VERSION:
        raise UnsupportedFormat(
            f"the metadata log holds a record of type {name}, version {version}, which this version does not know. "
            f"Start the newer version that wrote it, or choose another --data-dir"
        )
    try:
        return TYPES[name](**{key: _typed(key, value) for key, value in body.items()})
    except (TypeError, ValueError) as error:
        raise CorruptLog(f"a metadata record of type {name} cannot be read: {error}") from error


def _typed(key: str, value: Any) -> Any:
    if key in _UUIDS:
        return UUID(value)
    return tuple(_typed("", item) for item in value) if isinstance(value, list) else value
