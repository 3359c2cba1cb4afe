"""Keys and values of consumer-protocol groups in `__consumer_offsets`, in Apache Kafka's own formats.

| key kind | means | value, version 0, flexible |
|--|--|--|
| 3 | the group | epoch; tag 0: hash of the topics it reads |
| 5 | a member | instance, rack, client id and host, topic names, pattern, rebalance timeout, assignor; tag 0: a classic member's |
| 6 | the target assignment | its epoch |
| 7 | a member's part of it | topic ids with partitions |
| 8 | where a member stands | epoch, the one before, state, assigned and revoking; tag 0: assignment epochs (KIP-1251) |

A null value is a tombstone. Patterns are resolved anew at each start, so kind 16 is not written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from harness.pylog_broker.groups.assignors import Partitions, TopicPartition, partitions_by_topic
from harness.pylog_broker.groups.consumer_member import ClassicSide, MemberState, Standing, Subscription
from harness.pylog_broker.groups.consumer_messages import StoredConsumerGroup
from harness.pylog_broker.groups.messages import ProtocolOffer
from harness.pylog_broker.groups.records import KINDS_OF_GROUP, ConsumerRecord
from harness.pylog_broker.protocol.primitives import (
    Buffer,
    read_compact_bytes,
    read_compact_count,
    read_compact_nullable_string,
    read_compact_string,
    read_tag,
    read_unsigned_varint,
    read_uuid,
    skip_tags,
    write_compact_bytes,
    write_compact_count,
    write_compact_string,
    write_string,
    write_tags,
)

GROUP, MEMBER, TARGET, MEMBER_TARGET, MEMBER_STANDING = 3, 5, 6, 7, 8
VALUE_VERSION = 0
UNKNOWN_EPOCH = -1

V = TypeVar("V")

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_STANDING = struct.Struct(">hiib")


def key(kind: int, group_id: str, member_id: str = "") -> bytes:
    """Encode a key; kinds 5, 7 and 8 name a member."""
    out = bytearray(_INT16.pack(kind))
    write_string(out, group_id)
    if kind not in KINDS_OF_GROUP:
        write_string(out, member_id)
    return bytes(out)


def apply(record: ConsumerRecord, stored: StoredConsumerGroup) -> None:
    """Bring what is stored of a group up to date with one more record."""
    _, _, name, value = record
    if record.kind == GROUP:
        stored.epoch, stored.metadata_hash = (None, 0) if value is None else _read_group(value)
    elif record.kind == TARGET:
        stored.assignment_epoch = 0 if value is None else _INT32.unpack_from(value, 2)[0]
    elif record.kind == MEMBER:
        _put(stored.subscriptions, name, value, _read_subscription)
    elif record.kind == MEMBER_TARGET:
        _put(stored.targets, name, value, lambda data: frozenset(read_partitions(data, 2)[0]))
    else:
        _put(stored.standings, name, value, _read_standing)


def _put(table: dict[str, V], name: str, value: bytes | None, read: Callable[[bytes], V]) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = read(value)


def group_value(epoch: int, metadata_hash: int) -> bytes:
    """Encode kind 3."""
    out = bytearray(_INT16.pack(VALUE_VERSION) + _INT32.pack(epoch))
    write_tags(out, [(0, _INT64.pack(metadata_hash))] if metadata_hash else [])
    return bytes(out)


def _read_group(value: bytes) -> tuple[int, int]:
    (epoch,) = _INT32.unpack_from(value, 2)
    metadata_hash = 0
    for tag, position in _tags(value, 6):
        if tag == 0:
            (metadata_hash,) = _INT64.unpack_from(value, position)
    return epoch, metadata_hash


def target_value(epoch: int) -> bytes:
    """Encode kind 6."""
    return _INT16.pack(VALUE_VERSION) + _INT32.pack(epoch) + b"\0"


def member_value(said: Subscription) -> bytes:
    """Encode kind 5."""
    out = bytearray(_INT16.pack(VALUE_VERSION))
    for text in (said.instance_id, said.rack_id, said.client_id, said.client_host):
        write_compact_string(out, text)
    write_compact_count(out, said.topic_names)
    for name in said.topic_names:
        write_compact_string(out, name)
    write_compact_string(out, said.topic_pattern)
    out += _INT32.pack(said.rebalance_timeout_ms)
    write_compact_string(out, said.assignor)
    write_tags(out, [(0, _classic_side(said.classic))] if said.classic is not None else [])
    return bytes(out)


def _classic_side(classic: ClassicSide) -> bytes:
    out = bytearray(b"\1" + _INT32.pack(classic.session_timeout_ms))  # 1: the structure is there
    write_compact_count(out, classic.protocols)
    for offer in classic.protocols:
        write_compact_string(out, offer.name)
        write_compact_bytes(out, offer.metadata)
        out.append(0)
    out.append(0)
    return bytes(out)


def _read_classic_side(value: bytes, position: int) -> ClassicSide | None:
    if value[position] != 1:
        return None
    (session_timeout_ms,) = _INT32.unpack_from(value, position + 1)
    count, position = read_compact_count(value, position + 5, 3)
    offers: list[ProtocolOffer] = []
    for _ in range(count):
        name, position = read_compact_string(value, position)
        metadata, position = read_compact_bytes(value, position)
        position = skip_tags(value, position)
        offers.append(ProtocolOffer(name, metadata))
    return ClassicSide(session_timeout_ms, tuple(offers))


def _read_subscription(value: bytes) -> Subscription:
    instance_id, position = read_compact_nullable_string(value, 2)
    rack_id, position = read_compact_nullable_string(value, position)
    client_id, position = read_compact_string(value, position)
    client_host, position = read_compact_string(value, position)
    count, position = read_compact_count(value, position, 1)
    names: list[str] = []
    for _ in range(count):
        name, position = read_compact_string(value, position)
        names.append(name)
    pattern, position = read_compact_nullable_string(value, position)
    (rebalance_timeout_ms,) = _INT32.unpack_from(value, position)
    assignor, position = read_compact_nullable_string(value, position + 4)
    classic = None
    for tag, start in _tags(value, position):
        if tag == 0:
            classic = _read_classic_side(value, start)
    return Subscription(
        instance_id, rack_id, client_id, client_host, tuple(names), pattern, rebalance_timeout_ms, assignor, classic
    )


def member_target_value(target: Partitions) -> bytes:
    """Encode kind 7."""
    out = bytearray(_INT16.pack(VALUE_VERSION))
    write_partitions(out, dict.fromkeys(target), epochs=False)
    out.append(0)
    return bytes(out)


def standing_value(standing: Standing) -> bytes:
    """Encode kind 8."""
    out = bytearray(_STANDING.pack(VALUE_VERSION, standing.epoch, standing.previous_epoch, standing.state))
    write_partitions(out, standing.assigned, epochs=True)
    write_partitions(out, dict.fromkeys(standing.revoking), epochs=False)
    out.append(0)
    return bytes(out)


def _read_standing(value: bytes) -> Standing:
    _, epoch, previous_epoch, state = _STANDING.unpack_from(value)
    assigned, position = read_partitions(value, _STANDING.size)
    revoking, _ = read_partitions(value, position)
    return Standing(epoch, previous_epoch, MemberState(state), assigned, frozenset(revoking))


def write_partitions(out: bytearray, rows: Mapping[TopicPartition, int | None], *, epochs: bool) -> None:
    """Write topic ids with partitions, and with the epoch of each as a tag if `epochs`."""
    by_topic = partitions_by_topic(rows)
    write_compact_count(out, list(by_topic))
    for topic_id, partitions in by_topic.items():
        out += topic_id.bytes
        _write_int32s(out, partitions)
        if not epochs:
            out.append(0)
            continue
        tag = bytearray()
        _write_int32s(tag, [rows[topic_id, partition] or 0 for partition in partitions])
        write_tags(out, [(0, tag)])


def _write_int32s(out: bytearray, numbers: list[int]) -> None:
    write_compact_count(out, numbers)
    out += struct.pack(f">{len(numbers)}i", *numbers)


def read_partitions(value: bytes, position: int) -> tuple[dict[TopicPartition, int], int]:
    """Read what `write_partitions` writes; without epochs they are `UNKNOWN_EPOCH`."""
    rows: dict[TopicPartition, int] = {}
    count, position = read_compact_count(value, position, 18)
    for _ in range(count):
        topic_id, position = read_uuid(value, position)
        partitions, position = _read_int32s(value, position)
        epochs: Iterable[int] = [UNKNOWN_EPOCH] * len(partitions)
        for tag, start in _tags(value, position):
            if tag == 0:
                epochs, _ = _read_int32s(value, start)
        position = skip_tags(value, position)
        rows.update({(topic_id, partition): epoch for partition, epoch in zip(partitions, epochs, strict=True)})
    return rows, position


def _read_int32s(value: Buffer, position: int) -> tuple[list[int], int]:
    count, position = read_compact_count(value, position, 4)
    return list(struct.unpack_from(f">{count}i", value, position)), position + 4 * count


def _tags(value: bytes, position: int) -> list[tuple[int, int]]:
    """Return tag and position of each tagged field of the section that begins at `position`."""
    count, position = read_unsigned_varint(value, position)
    found: list[tuple[int, int]] = []
    for _ in range(count):
        tag, start, position = read_tag(value, position)
        found.append((tag, start))
    return found
