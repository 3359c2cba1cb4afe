"""Keys and values of `__consumer_offsets`, in Apache Kafka's own formats, so that its tools can read the topic.

| key version | means | value versions read | written |
|--|--|--|--|
| 0, 1 | an offset of (group, topic, partition) | 0-3 | 1 with an expiry time, else 3 |
| 2 | a group's metadata | 0-3 | 3 |
| 3, 5-8 | a consumer-protocol group; see `consumer_records` | 0 | 0 |
| 10-14 | a share group; see `share_records` | 0 | 0 |

A null value is a tombstone: the offset or the group is gone. Keys and values of later kinds or versions, as a newer
broker may have written them, are skipped by the reader, not misread.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from harness.pylog_broker.groups.messages import StoredGroup, StoredMember
from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_bytes,
    read_count,
    read_nullable_string,
    read_string,
    write_bytes,
    write_count,
    write_string,
)

OFFSET_KEY_VERSION = 1
GROUP_KEY_VERSION = 2
GROUP_VALUE_VERSION = 3
NO_EXPIRY = -1

CONSUMER_KINDS = frozenset({3, 5, 6, 7, 8})
SHARE_KINDS = frozenset({10, 11, 12, 13, 14})
KINDS_OF_GROUP = frozenset({3, 6, 11, 12})
"""Their keys name a group alone, those of the others a member too."""

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_OFFSET_AND_EPOCH = struct.Struct(">qi")


class CommittedOffset(NamedTuple):
    """A committed position. Timestamps are wall-clock milliseconds; `expire_timestamp_ms` is -1 if none was asked."""

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int = NO_EXPIRY


class OffsetRecord(NamedTuple):
    """An offset as replayed; None is a tombstone.

    In a transaction it is pending: `producer_id` says whose, `journal_partition` where its marker will be.
    """

    group_id: str
    topic: str
    partition: int
    committed: CommittedOffset | None
    producer_id: int = -1
    journal_partition: int = -1


class MarkerRecord(NamedTuple):
    """The end of a producer's transaction in one partition of the journal, as replayed."""

    journal_partition: int
    producer_id: int
    committed: bool


class GroupRecord(NamedTuple):
    """A group as replayed; None is a tombstone."""

    group_id: str
    stored: StoredGroup | None


class ConsumerRecord(NamedTuple):
    """One record of a consumer-protocol or share group as replayed; `value` None is a tombstone. See `consumer_records`."""

    group_id: str
    kind: int
    member_id: str
    value: bytes | None


StoredRecord = OffsetRecord | MarkerRecord | GroupRecord | ConsumerRecord

JournalRecord = tuple[bytes, bytes | None]
"""Key and value; a value of None is a tombstone."""


def offset_key(group_id: str, topic: str, partition: int) -> bytes:
    """Encode the key of one committed offset."""
    out = bytearray(_INT16.pack(OFFSET_KEY_VERSION))
    write_string(out, group_id)
    write_string(out, topic)
    out += _INT32.pack(partition)
    return bytes(out)


def offset_value(committed: CommittedOffset) -> bytes:
    """Encode a committed offset; only version 1 has room for an expiry time."""
    if committed.expire_timestamp_ms != NO_EXPIRY:
        out = bytearray(_INT16.pack(1))
        out += _INT64.pack(committed.offset)
        write_string(out, committed.metadata)
        out += _INT64.pack(committed.commit_timestamp_ms)
        out += _INT64.pack(committed.expire_timestamp_ms)
        return bytes(out)
    out = bytearray(_INT16.pack(3))
    out += _OFFSET_AND_EPOCH.pack(committed.offset, committed.leader_epoch)
    write_string(out, committed.metadata)
    out += _INT64.pack(committed.commit_timestamp_ms)
    return bytes(out)


def group_key(group_id: str) -> bytes:
    """Encode the key of a group's metadata."""
    out = bytearray(_INT16.pack(GROUP_KEY_VERSION))
    write_string(out, group_id)
    return bytes(out)


def group_value(stored: StoredGroup) -> bytes:
    """Encode a group's metadata."""
    out = bytearray(_INT16.pack(GROUP_VALUE_VERSION))
    write_string(out, stored.protocol_type)
    out += _INT32.pack(stored.generation)
    write_string(out, stored.protocol_name)
    write_string(out, stored.leader_id)
    out += _INT64.pack(stored.state_since_ms)
    write_count(out, stored.members)
    for member in stored.members:
        write_string(out, member.member_id)
        write_string(out, member.instance_id)
        write_string(out, member.client_id)
        write_string(out, member.client_host)
        out += _INT32.pack(member.rebalance_timeout_ms)
        out += _INT32.pack(member.session_timeout_ms)
        write_bytes(out, member.metadata)
        write_bytes(out, member.assignment)
    return bytes(out)


def read_record(key: bytes | None, value: bytes | None) -> StoredRecord | None:
    """Decode one record; None when it is of a kind or version that this broker does not know.

    Raises MalformedMessage when the bytes contradict their own version.
    """
    if key is None:
        return None
    try:
        (kind,) = _INT16.unpack_from(key, 0)
        if kind in (0, OFFSET_KEY_VERSION):
            return _read_offset(key, value)
        if kind == GROUP_KEY_VERSION:
            return _read_group(key, value)
        if kind in CONSUMER_KINDS or kind in SHARE_KINDS:
            return _read_consumer(kind, key, value)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"a record of the offsets topic is damaged: {error}") from None
    return None


def _read_consumer(kind: int, key: bytes, value: bytes | None) -> ConsumerRecord | None:
    group_id, position = read_string(key, 2)
    member_id = "" if kind in KINDS_OF_GROUP else read_string(key, position)[0]
    if value is not None and _INT16.unpack_from(value)[0] != 0:
        return None
    return ConsumerRecord(group_id, kind, member_id, value)


def _read_offset(key: bytes, value: bytes | None) -> OffsetRecord | None:
    group_id, position = read_string(key, 2)
    topic, position = read_string(key, position)
    (partition,) = _INT32.unpack_from(key, position)
    if value is None:
        return OffsetRecord(group_id, topic, partition, None)
    (version,) = _INT16.unpack_from(value, 0)
    if not 0 <= version <= 3:
        return None
    (offset,) = _INT64.unpack_from(value, 2)
    position = 10
    leader_epoch = -1
    if version == 3:
        (leader_epoch,) = _INT32.unpack_from(value, position)
        position += 4
    metadata, position = read_string(value, position)
    (commit_timestamp_ms,) = _INT64.unpack_from(value, position)
    expire_timestamp_ms = NO_EXPIRY
    if version == 1:
        (expire_timestamp_ms,) = _INT64.unpack_from(value, position + 8)
    committed = CommittedOffset(offset, leader_epoch, metadata, commit_timestamp_ms, expire_timestamp_ms)
    return OffsetRecord(group_id, topic, partition, committed)


def _read_group(key: bytes, value: bytes | None) -> GroupRecord | None:
    group_id, _ = read_string(key, 2)
    if value is None:
        return GroupRecord(group_id, None)
    (version,) = _INT16.unpack_from(value, 0)
    if not 0 <= version <= GROUP_VALUE_VERSION:
        return None
    protocol_type, position = read_string(value, 2)
    (generation,) = _INT32.unpack_from(value, position)
    protocol_name, position = read_nullable_string(value, position + 4)
    leader_id, position = read_nullable_string(value, position)
    state_since_ms = -1
    if version >= 2:
        (state_since_ms,) = _INT64.unpack_from(value, position)
        position += 8
    count, position = read_count(value, position, 18)
    members: list[StoredMember] = []
    for _ in range(count):
        member, position = _read_member(value, position, version)
        members.append(member)
    stored = StoredGroup(protocol_type, generation, protocol_name, leader_id, state_since_ms, tuple(members))
    return GroupRecord(group_id, stored)


def _read_member(value: bytes, position: int, version: int) -> tuple[StoredMember, int]:
    member_id, position = read_string(value, position)
    instance_id: str | None = None
    if version >= 3:
        instance_id, position = read_nullable_string(value, position)
    client_id, position = read_string(value, position)
    client_host, position = read_string(value, position)
    rebalance_timeout_ms = -1
    if version >= 1:
        (rebalance_timeout_ms,) = _INT32.unpack_from(value, position)
        position += 4
    (session_timeout_ms,) = _INT32.unpack_from(value, position)
    metadata, position = read_bytes(value, position + 4)
    assignment, position = read_bytes(value, position)
    if rebalance_timeout_ms < 0:
        rebalance_timeout_ms = session_timeout_ms
    member = StoredMember(
        member_id,
        instance_id,
        client_id,
        client_host,
        rebalance_timeout_ms,
        session_timeout_ms,
        metadata,
        assignment,
    )
    return member, position
