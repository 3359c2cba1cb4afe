"""What consumers of the classic protocol tell each other in metadata and assignments that the broker otherwise passes on.

The broker has to read and write it where classic members are in a consumer-protocol group (KIP-848). Layouts are those
of `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`, versions 0 to 3: later ones begin like version 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_count,
    read_nullable_bytes,
    read_nullable_string,
    read_string,
    write_bytes,
    write_count,
    write_string,
)

VERSION_MAX = 3
NamedPartition = tuple[str, int]

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")


class EmbeddedSubscription(NamedTuple):
    """What one member wants to read, and what it owned when it said so (version 1 and later)."""

    version: int
    topics: tuple[str, ...]
    owned: frozenset[NamedPartition] = frozenset()
    rack_id: str | None = None


def read_subscription(data: bytes) -> EmbeddedSubscription:
    """Decode the metadata of a JoinGroup protocol. Raises MalformedMessage when it is no subscription."""
    try:
        version = _version(data)
        count, position = read_count(data, _INT16.size, 2)
        topics: list[str] = []
        for _ in range(count):
            topic, position = read_string(data, position)
            topics.append(topic)
        _, position = read_nullable_bytes(data, position)
        owned: list[NamedPartition] = []
        rack_id = None
        if version >= 1:
            owned, position = _read_partitions(data, position)
        if version >= 2:
            _INT32.unpack_from(data, position)  # the generation in which it owned them: of use to other members only
            position += _INT32.size
        if version >= 3:
            rack_id, _ = read_nullable_string(data, position)
    except (struct.error, UnicodeDecodeError) as error:
        raise MalformedMessage(f"not a consumer subscription: {error}") from None
    return EmbeddedSubscription(version, tuple(topics), frozenset(owned), rack_id)


def read_assignment(data: bytes) -> list[NamedPartition]:
    """Decode a member's assignment; none is empty. Raises MalformedMessage when it is no assignment."""
    if not data:
        return []
    try:
        _version(data)
        rows, position = _read_partitions(data, _INT16.size)
        read_nullable_bytes(data, position)
    except (struct.error, UnicodeDecodeError) as error:
        raise MalformedMessage(f"not a consumer assignment: {error}") from None
    return rows


def write_assignment(version: int, partitions: Iterable[NamedPartition]) -> bytes:
    """Encode an assignment, in the version that the member's subscription had."""
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    out = bytearray(_INT16.pack(version))
    _write_partitions(out, by_topic)
    write_bytes(out, None)
    return bytes(out)


def _version(data: bytes) -> int:
    (version,) = _INT16.unpack_from(data)
    if version < 0:
        raise MalformedMessage(f"version {version} of the consumer protocol does not exist")
    return min(int(version), VERSION_MAX)


def _read_partitions(data: bytes, position: int) -> tuple[list[NamedPartition], int]:
    rows: list[NamedPartition] = []
    topics, position = read_count(data, position, 6)
    for _ in range(topics):
        topic, position = read_string(data, position)
        count, position = read_count(data, position, 4)
        rows += [(topic, partition) for partition in struct.unpack_from(f">{count}i", data, position)]
        position += 4 * count
    return rows, position


def _write_partitions(out: bytearray, by_topic: Mapping[str, list[int]]) -> None:
    write_count(out, list(by_topic))
    for topic, partitions in by_topic.items():
        write_string(out, topic)
        write_count(out, partitions)
        out += struct.pack(f">{len(partitions)}i", *partitions)
