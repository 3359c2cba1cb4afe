"""Records of an opened batch without decoding what need not be: for compaction, and for the keys of compacted topics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from harness.pylog_broker.storage.batch import read_varint, varint
from harness.pylog_broker.storage.errors import CorruptBatch, InvalidRecord, InvalidTimestamp

REJECTED_NAMED_MAX: Final = 10_000
"""Records that a refusal names: a batch that expands to millions of bad ones must not become an answer many times its size."""


class RawRecord(NamedTuple):
    """One record: all of its bytes, its length in front included, and what was read of it."""

    data: bytes
    timestamp_delta: int
    offset_delta: int
    key: bytes | None
    is_tombstone: bool
    tail: bytes
    """The bytes from the offset delta on."""


def raw_records(data: bytes, count: int) -> Iterator[RawRecord]:
    """`count` records of an uncompressed records section; raises CorruptBatch."""
    position = 0
    for _ in range(count):
        length, start = read_varint(data, position)
        end = start + length
        if length < 1 or end > len(data):
            raise CorruptBatch("a record runs past the end of its batch")
        timestamp_delta, tail_start = read_varint(data, start + 1)  # one byte of unused attributes
        offset_delta, at = read_varint(data, tail_start)
        key_length, at = read_varint(data, at)
        key = None
        if key_length >= 0:
            key = data[at : at + key_length]
            at += key_length
        value_length, _ = read_varint(data, at)
        if at > end:
            raise CorruptBatch("a record's key runs past its end")
        yield RawRecord(data[position:end], timestamp_delta, offset_delta, key, value_length < 0, data[tail_start:end])
        position = end


def require_keys(data: bytes, count: int) -> None:
    """Raise InvalidRecord for a record without a key: compaction would not know what it replaces."""
    reason = "a compacted topic takes no record without a key"
    keyless = ((place, reason) for place, row in enumerate(raw_records(data, count)) if row.key is None)
    if rejected := list(islice(keyless, REJECTED_NAMED_MAX)):
        raise InvalidRecord(reason, rejected)


def require_times(data: bytes, count: int, base_timestamp: int, earliest: int, latest: int) -> None:
    """Raise InvalidTimestamp if a record lies outside of `earliest` and `latest`, with the places of those that do."""
    times = (base_timestamp + row.timestamp_delta for row in raw_records(data, count))
    outside = (
        (place, f"timestamp {time_ms} is not within {earliest} and {latest}")
        for place, time_ms in enumerate(times)
        if time_ms >= 0 and not earliest <= time_ms <= latest
    )
    if rejected := list(islice(outside, REJECTED_NAMED_MAX)):
        raise InvalidTimestamp("one or more records have been rejected due to an invalid timestamp", rejected)


def shift_timestamp(row: RawRecord, shift_ms: int) -> bytes:
    """The bytes of a record whose timestamp is counted from a base that lies `shift_ms` lower."""
    body = b"\0" + varint(row.timestamp_delta + shift_ms) + row.tail
    return varint(len(body)) + body
