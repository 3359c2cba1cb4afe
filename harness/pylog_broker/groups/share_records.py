"""Keys and values of share groups in `__consumer_offsets`, in Apache Kafka's own formats.

| key kind | means | value, version 0, flexible |
|--|--|--|
| 10 | a member | rack, client id and host, topic names |
| 11 | the group | epoch, hash of the topics it reads |
| 12 | the target assignment | its epoch |
| 13 | a member's part of it | topic ids with partitions |
| 14 | where a member stands | epoch, the one before, state 0, assigned |

A null value is a tombstone. Which partitions a group has state for is read from `__share_group_state` itself, so kind 15
is not written.
"""

from __future__ import annotations

import struct
from typing import Any

from harness.pylog_broker.groups.consumer_records import key, member_target_value, read_partitions, write_partitions
from harness.pylog_broker.groups.records import ConsumerRecord
from harness.pylog_broker.groups.share_messages import ShareStanding, ShareSubscription, StoredShareGroup
from harness.pylog_broker.protocol.primitives import (
    read_compact_count,
    read_compact_nullable_string,
    read_compact_string,
    write_compact_count,
    write_compact_string,
)

__all__ = ["apply", "group_value", "key", "member_target_value", "member_value", "standing_value", "target_value"]

MEMBER, GROUP, TARGET, MEMBER_TARGET, MEMBER_STANDING = 10, 11, 12, 13, 14
VALUE_VERSION = 0
STABLE = 0

_INT16 = struct.Struct(">h")
_GROUP = struct.Struct(">hiq")
_TARGET = struct.Struct(">hi")
_STANDING = struct.Struct(">hiib")


def apply(record: ConsumerRecord, stored: StoredShareGroup) -> None:
    """Bring what is stored of a group up to date with one more record."""
    _, kind, name, value = record
    if kind == GROUP:
        stored.epoch, stored.metadata_hash = (None, 0) if value is None else _GROUP.unpack_from(value)[1:]
    elif kind == TARGET:
        stored.assignment_epoch = 0 if value is None else _TARGET.unpack_from(value)[1]
    elif value is None:
        tables: dict[int, dict[str, Any]] = {
            MEMBER: stored.subscriptions,
            MEMBER_TARGET: stored.targets,
            MEMBER_STANDING: stored.standings,
        }
        tables[kind].pop(name, None)
    elif kind == MEMBER:
        stored.subscriptions[name] = _read_member(value)
    elif kind == MEMBER_TARGET:
        stored.targets[name] = frozenset(read_partitions(value, 2)[0])
    else:
        _, epoch, previous_epoch, _ = _STANDING.unpack_from(value)
        stored.standings[name] = ShareStanding(
            epoch, previous_epoch, frozenset(read_partitions(value, _STANDING.size)[0])
        )


def group_value(epoch: int, metadata_hash: int) -> bytes:
    """Encode kind 11."""
    return _GROUP.pack(VALUE_VERSION, epoch, metadata_hash) + b"\0"


def target_value(epoch: int) -> bytes:
    """Encode kind 12."""
    return _TARGET.pack(VALUE_VERSION, epoch) + b"\0"


def member_value(said: ShareSubscription) -> bytes:
    """Encode kind 10."""
    out = bytearray(_INT16.pack(VALUE_VERSION))
    for text in (said.rack_id, said.client_id, said.client_host):
        write_compact_string(out, text)
    write_compact_count(out, said.topic_names)
    for name in said.topic_names:
        write_compact_string(out, name)
    out.append(0)
    return bytes(out)


def _read_member(value: bytes) -> ShareSubscription:
    rack_id, position = read_compact_nullable_string(value, 2)
    client_id, position = read_compact_string(value, position)
    client_host, position = read_compact_string(value, position)
    count, position = read_compact_count(value, position, 1)
    names: list[str] = []
    for _ in range(count):
        name, position = read_compact_string(value, position)
        names.append(name)
    return ShareSubscription(rack_id, client_id, client_host, tuple(names))


def standing_value(standing: ShareStanding) -> bytes:
    """Encode kind 14."""
    out = bytearray(_STANDING.pack(VALUE_VERSION, standing.epoch, standing.previous_epoch, STABLE))
    write_partitions(out, dict.fromkeys(standing.assigned), epochs=False)
    out.append(0)
    return bytes(out)
