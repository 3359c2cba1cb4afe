"""Keys and values of `__share_group_state`, in Apache Kafka's own formats, so that its tools can read the topic.

A key names a group, a topic id and a partition.

| key version | means | value, version 0, flexible |
|--|--|--|
| 0 | snapshot | snapshot epoch, state epoch, leader epoch, start offset, times of creation and writing, batches |
| 1 | what has changed since | snapshot epoch, leader epoch, start offset or -1, batches |

A batch is first and last offset, state, delivery count. Tag 0 is how many offsets above the start are done with. A null
value is a tombstone. Keys and values of other kinds or versions are skipped by the reader.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_compact_count,
    read_string,
    skip_tags,
    write_compact_count,
    write_string,
    write_tags,
)
from harness.pylog_broker.share.partition import RecordState, StateBatch

SNAPSHOT, UPDATE = 0, 1
VALUE_VERSION = 0

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_SNAPSHOT = struct.Struct(">hiiiqqq")
_UPDATE = struct.Struct(">hiiq")
_BATCH = struct.Struct(">qqbh")


class Key(NamedTuple):
    """What state is kept of: one partition for one group."""

    group_id: str
    topic_id: UUID
    partition: int

    @property
    def text(self) -> str:
        """As clients of FindCoordinator write it; the topic's partition is chosen by it."""
        return f"{self.group_id}:{id_text(self.topic_id)}:{self.partition}"


class StoredState(NamedTuple):
    """One record as replayed."""

    key: Key
    kind: int
    is_tombstone: bool = False
    state_epoch: int = 0
    start_offset: int = -1
    batches: Sequence[StateBatch] = ()


def id_text(topic_id: UUID) -> str:
    """A topic id as Apache Kafka writes it: URL-safe base64 without padding."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode()


def key_bytes(key: Key, kind: int) -> bytes:
    """Encode a key."""
    out = bytearray(_INT16.pack(kind))
    write_string(out, key.group_id)
    out += key.topic_id.bytes
    out += _INT32.pack(key.partition)
    return bytes(out)


def snapshot_value(
    start_offset: int,
    batches: Sequence[StateBatch],
    *,
    state_epoch: int,
    leader_epoch: int,
    completed_count: int,
    now_ms: int,
) -> bytes:
    """Encode a snapshot."""
    out = bytearray(_SNAPSHOT.pack(VALUE_VERSION, 0, state_epoch, leader_epoch, start_offset, now_ms, now_ms))
    return _finish(out, batches, completed_count)


def update_value(start_offset: int, batches: Sequence[StateBatch], *, leader_epoch: int, completed_count: int) -> bytes:
    """Encode an update."""
    out = bytearray(_UPDATE.pack(VALUE_VERSION, 0, leader_epoch, start_offset))
    return _finish(out, batches, completed_count)


def _finish(out: bytearray, batches: Sequence[StateBatch], completed_count: int) -> bytes:
    write_compact_count(out, batches)
    for first, last, state, count in batches:
        out += _BATCH.pack(first, last, state, count)
        out.append(0)
    write_tags(out, [(0, _INT32.pack(completed_count))])
    return bytes(out)


def read_record(key: bytes | None, value: bytes | None) -> StoredState | None:
    """Decode one record; None when it is of a kind or version that this broker does not know.

    Raises MalformedMessage when the bytes contradict their own version.
    """
    if key is None:
        return None
    try:
        (kind,) = _INT16.unpack_from(key)
        if kind not in (SNAPSHOT, UPDATE):
            return None
        group_id, position = read_string(key, 2)
        (partition,) = _INT32.unpack_from(key, position + 16)
        named = Key(group_id, UUID(bytes=bytes(key[position : position + 16])), partition)
        if value is None:
            return StoredState(named, kind, is_tombstone=True)
        if _INT16.unpack_from(value)[0] != VALUE_VERSION:
            return None
        if kind == UPDATE:
            start_offset, position, state_epoch = _UPDATE.unpack_from(value)[3], _UPDATE.size, 0
        else:
            _, _, state_epoch, _, start_offset, _, _ = _SNAPSHOT.unpack_from(value)
            position = _SNAPSHOT.size
        return StoredState(named, kind, False, state_epoch, start_offset, _read_batches(value, position))
    except (struct.error, IndexError, ValueError) as error:
        raise MalformedMessage(f"a record of the share groups' state is damaged: {error}") from None


def _read_batches(value: bytes, position: int) -> list[StateBatch]:
    count, position = read_compact_count(value, position, _BATCH.size + 1)
    batches = []
    for _ in range(count):
        first, last, state, delivery_count = _BATCH.unpack_from(value, position)
        position = skip_tags(value, position + _BATCH.size)
        batches.append(StateBatch(first, last, RecordState(state), delivery_count))
    return batches
