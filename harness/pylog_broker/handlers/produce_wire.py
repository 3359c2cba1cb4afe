"""The bytes of Produce: requests parsed without copying their records, responses written by hand."""

from __future__ import annotations

import struct
from typing import NamedTuple

from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_compact_nullable_string,
    read_nullable_string,
    read_unsigned_varint,
    skip_tags,
    write_compact_string,
    write_string,
    write_unsigned_varint,
)

FLEXIBLE_FROM = 9
TOPIC_IDS_FROM = 13

_read_int16 = struct.Struct(">h").unpack_from
_read_int32 = struct.Struct(">i").unpack_from
_read_acks = struct.Struct(">hi").unpack_from
_read_two_int32 = struct.Struct(">ii").unpack_from
_pack_int16 = struct.Struct(">h").pack
_pack_int32 = struct.Struct(">i").pack
_pack_v3 = struct.Struct(">ihqq").pack
_pack_v5 = struct.Struct(">ihqqq").pack
_pack_v8 = struct.Struct(">ihqqqih").pack
_pack_v9 = struct.Struct(">ihqqqBBB").pack
_pack_v8_head = _pack_v9_head = struct.Struct(">ihqqq").pack

Partitions = list[tuple[int, memoryview]]
Topics = list[tuple[memoryview, Partitions]]


class Refusal(NamedTuple):
    """Why a batch was refused, and for which of its records: places in the batch, each with its own reason."""

    message: str
    records: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return self.message


Outcome = tuple[int, int, int, int, str | Refusal | None]
"""Error code, base offset, append time in ms (-1 where the client's time stands), log start offset, error message."""


# --- parsing -------------------------------------------------------------------------------------------------------


def parse(body: memoryview, version: int) -> tuple[int, str | None, Topics]:
    """acks, transactional id, and topics; raises MalformedMessage, struct.error, IndexError."""
    if version >= FLEXIBLE_FROM:
        transactional_id, position = read_compact_nullable_string(body, 0)
        acks, _ = _read_acks(body, position)
        return acks, transactional_id, _parse_flexible(body, position + 6, version)
    transactional_id, position = read_nullable_string(body, 0)
    acks, _ = _read_acks(body, position)
    return acks, transactional_id, _parse_classic(body, position + 6)


def _parse_classic(body: memoryview, position: int) -> Topics:
    size = len(body)
    topic_count, position = _count(body, position, 6)
    topics: Topics = []
    for _ in range(topic_count):
        (length,) = _read_int16(body, position)
        name_end = position + 2 + length
        if length < 0 or name_end > size:
            raise MalformedMessage(f"a topic name of {length} bytes does not fit into the request")
        name = body[position + 2 : name_end]
        partition_count, position = _count(body, name_end, 8)
        rows: Partitions = []
        for _ in range(partition_count):
            partition, length = _read_two_int32(body, position)
            position += 8
            end = position + max(0, length)
            if length < -1 or end > size:
                raise MalformedMessage(f"records of {length} bytes do not fit into the {size - position} bytes left")
            rows.append((partition, body[position:end]))
            position = end
        topics.append((name, rows))
    return topics


def _parse_flexible(body: memoryview, position: int, version: int) -> Topics:
    size = len(body)
    topic_count, position = _compact_count(body, position, 3)
    topics: Topics = []
    for _ in range(topic_count):
        if version >= TOPIC_IDS_FROM:
            length = 16
        else:
            length, position = read_unsigned_varint(body, position)
            length -= 1
        name_end = position + length
        if length < 0 or name_end > size:
            raise MalformedMessage(f"a topic name of {length} bytes does not fit into the request")
        name = body[position:name_end]
        partition_count, position = _compact_count(body, name_end, 6)
        rows: Partitions = []
        for _ in range(partition_count):
            (partition,) = _read_int32(body, position)
            length, position = read_unsigned_varint(body, position + 4)
            end = position + max(0, length - 1)
            if end > size:
                raise MalformedMessage(f"records of {length} bytes do not fit into the {size - position} bytes left")
            rows.append((partition, body[position:end]))
            position = end + 1 if body[end] == 0 else skip_tags(body, end)
        topics.append((name, rows))
        position = position + 1 if body[position] == 0 else skip_tags(body, position)
    skip_tags(body, position)
    return topics


def _count(body: memoryview, position: int, element_bytes_min: int) -> tuple[int, int]:
    (count,) = _read_int32(body, position)
    if count < 0 or count * element_bytes_min > len(body) - position - 4:
        raise MalformedMessage(f"an array of {count} elements does not fit into the request")
    return count, position + 4


def _compact_count(body: memoryview, position: int, element_bytes_min: int) -> tuple[int, int]:
    count, position = read_unsigned_varint(body, position)
    count -= 1
    if count < 0 or count * element_bytes_min > len(body) - position:
        raise MalformedMessage(f"an array of {count} elements does not fit into the request")
    return count, position


# --- encoding ------------------------------------------------------------------------------------------------------


def encode(version: int, topics: Topics, outcomes: list[list[Outcome]], throttle_ms: int) -> bytes:
    flexible = version >= FLEXIBLE_FROM
    parts: list[bytes] = [array(len(topics), flexible)]
    for (name, rows), topic_outcomes in zip(topics, outcomes, strict=True):
        if version < TOPIC_IDS_FROM:
            parts.append(array(len(name), True) if flexible else _pack_int16(len(name)))
        parts.append(bytes(name))
        parts.append(array(len(rows), flexible))
        parts.extend(
            encode_partition(version, partition, outcome)
            for (partition, _), outcome in zip(rows, topic_outcomes, strict=True)
        )
        if flexible:
            parts.append(b"\0")
    parts.append(throttle_ms.to_bytes(4, "big"))
    if flexible:
        parts.append(b"\0")
    return b"".join(parts)


def array(count: int, compact: bool) -> bytes:
    if not compact:
        return _pack_int32(count)
    if count < 0x7F:
        return bytes((count + 1,))
    out = bytearray()
    write_unsigned_varint(out, count + 1)
    return bytes(out)


def encode_partition(version: int, partition: int, outcome: Outcome) -> bytes:
    error, base_offset, append_time_ms, log_start_offset, message = outcome
    if version >= FLEXIBLE_FROM:
        if message is None:
            return _pack_v9(partition, error, base_offset, append_time_ms, log_start_offset, 1, 0, 0)
        return _pack_v9_head(partition, error, base_offset, append_time_ms, log_start_offset) + _compact_reason(message)
    if version == 8:
        if message is None:
            return _pack_v8(partition, error, base_offset, append_time_ms, log_start_offset, 0, -1)
        return _pack_v8_head(partition, error, base_offset, append_time_ms, log_start_offset) + _reason(message)
    if version >= 5:
        return _pack_v5(partition, error, base_offset, append_time_ms, log_start_offset)
    return _pack_v3(partition, error, base_offset, append_time_ms)


def _compact_reason(message: str | Refusal) -> bytes:
    """The errors of records, the message and no tags, from version 9 on."""
    out = bytearray()
    records = message.records if isinstance(message, Refusal) else ()
    write_unsigned_varint(out, len(records) + 1)
    for place, reason in records:
        out += _pack_int32(place)
        write_compact_string(out, reason)
        out.append(0)
    write_compact_string(out, str(message))
    out.append(0)
    return bytes(out)


def _reason(message: str | Refusal) -> bytes:
    """The errors of records and the message in version 8."""
    out = bytearray()
    records = message.records if isinstance(message, Refusal) else ()
    out += _pack_int32(len(records))
    for place, reason in records:
        out += _pack_int32(place)
        write_string(out, reason)
    write_string(out, str(message))
    return bytes(out)
