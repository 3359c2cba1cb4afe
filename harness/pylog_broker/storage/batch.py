"""Record batches of message format v2: what the header says, and how to check it, patch it and, rarely, open it.

The hot path stays in the first half of this file: records are opaque, and a batch is checked, patched and appended without
looking inside. Layout (big endian), with the offsets that the rest of the storage uses:

    0 base offset q | 8 batch length i | 12 partition leader epoch i | 16 magic b | 17 crc-32c I | 21 attributes h
    23 last offset delta i | 27 base timestamp q | 35 max timestamp q | 43 producer id q | 51 producer epoch h
    53 base sequence i | 57 record count i | 61 records

The CRC covers byte 21 to the end, so base offset and leader epoch can be patched without a new one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import google_crc32c

from harness.pylog_broker.storage.compression import decompress
from harness.pylog_broker.storage.errors import CorruptBatch, InvalidRecord, StorageError, UnsupportedMagic

Buffer = bytes | bytearray | memoryview

MAGIC_POSITION, MAGIC = 16, 2
HEADER_SIZE = 61
LOG_OVERHEAD = 12  # base offset and batch length, which the length does not count
CRC_START = 21
CODEC_MASK = 0x07
LOG_APPEND_TIME_BIT = 0x08
TRANSACTIONAL_BIT = 0x10
CONTROL_BIT = 0x20
KIND_BITS = TRANSACTIONAL_BIT | CONTROL_BIT
DELETE_HORIZON_BIT = 0x40  # the base timestamp is when tombstones and markers may go (KIP-534)
NO_PRODUCER_ID = -1
NO_TIMESTAMP = -1

_HEADER = struct.Struct(">qiibIhiqqqhii")
_OFFSET = struct.Struct(">q")
_EPOCH = struct.Struct(">i")
_CRC = struct.Struct(">I")
_ATTRIBUTES = struct.Struct(">h")
# A checksum needs read-only bytes, hence a copy; copying piecewise keeps it in the processor's cache.
_CRC_CHUNK = 128 << 10
_crc = google_crc32c.value


class BatchHeader(NamedTuple):
    """Facts of a batch. `length` is the whole batch in bytes, the 12 bytes in front included."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1


_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


def parse_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header at `position`.

    Raises UnsupportedMagic for an older format, CorruptBatch when fewer than 61 bytes are left or a field contradicts
    another. Whether the whole batch is there, and its CRC, is for the caller to check.
    """
    if len(buffer) - position < HEADER_SIZE:
        raise CorruptBatch(f"a batch header needs {HEADER_SIZE} bytes, {len(buffer) - position} are left")
    fields = _HEADER.unpack_from(buffer, position)
    if fields[3] != 2:
        raise UnsupportedMagic(f"message format v{fields[3]}; only v2 is stored")
    if fields[1] < HEADER_SIZE - LOG_OVERHEAD or fields[0] < 0 or fields[6] < 0 or fields[12] < 0:
        raise CorruptBatch(
            f"impossible header: base offset {fields[0]}, length {fields[1]}, "
            f"last offset delta {fields[6]}, record count {fields[12]}"
        )
    return _new_tuple(BatchHeader, (fields[0], fields[1] + LOG_OVERHEAD, *fields[2:]))


def checksum(buffer: Buffer, start: int, end: int) -> int:
    """CRC-32C of buffer[start:end]."""
    if end - start <= _CRC_CHUNK:
        return _crc(bytes(buffer[start:end]))  # type: ignore[no-any-return]
    crc = 0
    for chunk in range(start, end, _CRC_CHUNK):
        crc = google_crc32c.extend(crc, bytes(buffer[chunk : min(chunk + _CRC_CHUNK, end)]))
    return int(crc)


def verify_produced(buffer: Buffer) -> BatchHeader:
    """Check what a producer sent for one partition: exactly one sound batch.

    Raises CorruptBatch (inconsistent, wrong CRC, an unknown format) or InvalidRecord (cut short, an older format, more
    than one batch, a control batch, a base offset that is not 0, a record count that contradicts the last offset
    delta): the codes that Apache Kafka gives.
    """
    size = len(buffer)
    if size < HEADER_SIZE:
        raise _unsound(buffer)
    fields = _HEADER.unpack_from(buffer)
    (
        base_offset,
        length,
        epoch,
        magic,
        crc,
        attributes,
        last_delta,
        first_ms,
        last_ms,
        producer,
        era,
        sequence,
        count,
    ) = fields
    if (
        base_offset != 0
        or length + LOG_OVERHEAD != size
        or magic != MAGIC
        or attributes & CONTROL_BIT
        or count <= 0
        or last_delta != count - 1
        or (producer >= 0 and (sequence < 0 or era < 0))
        or checksum(buffer, CRC_START, size) != crc
    ):
        raise _unsound(buffer)
    return _new_tuple(
        BatchHeader,
        (0, size, epoch, magic, crc, attributes, last_delta, first_ms, last_ms, producer, era, sequence, count),
    )


def _unsound(buffer: Buffer) -> StorageError:
    """What a producer is told about a batch that `verify_produced` does not take: the first fault in Kafka's order."""
    try:
        header = parse_header(buffer)
    except StorageError as error:
        return _unreadable(buffer, error)
    size = len(buffer)
    if header.length > size:
        return InvalidRecord(f"the batch says {header.length} bytes, {size} came")
    if header.length < size:
        return InvalidRecord("more than one batch for a partition in one request")
    if checksum(buffer, CRC_START, size) != header.crc:
        return CorruptBatch("the batch does not match its CRC-32C")
    if header.base_offset != 0:
        return InvalidRecord(f"a produced batch starts at offset 0, not {header.base_offset}")
    if header.record_count <= 0 or header.last_offset_delta != header.record_count - 1:
        return InvalidRecord(f"{header.record_count} records but a last offset delta of {header.last_offset_delta}")
    if header.attributes & CONTROL_BIT:
        return InvalidRecord("clients may not write control batches")
    return InvalidRecord("an idempotent batch needs a sequence and an epoch that are not negative")


def _unreadable(buffer: Buffer, error: StorageError) -> StorageError:
    """What a producer is told whose batch has no sound header."""
    older = len(buffer) >= HEADER_SIZE and buffer[MAGIC_POSITION] < MAGIC
    cut = len(buffer) < HEADER_SIZE or int.from_bytes(buffer[8:LOG_OVERHEAD], "big", signed=True) + LOG_OVERHEAD != len(
        buffer
    )
    return InvalidRecord(str(error)) if older or cut else CorruptBatch(str(error))


def verify_stored(buffer: Buffer, position: int, header: BatchHeader) -> None:
    """Check the CRC of a stored batch that lies in `buffer` at `position`; raises CorruptBatch."""
    end = position + header.length
    if end > len(buffer):
        raise CorruptBatch(f"the batch says {header.length} bytes, {len(buffer) - position} are left")
    if checksum(buffer, position + CRC_START, end) != header.crc:
        raise CorruptBatch(f"the batch at offset {header.base_offset} does not match its CRC-32C")


def patch_offset(batch: bytearray | memoryview, base_offset: int, leader_epoch: int) -> None:
    """Write the offset and epoch that the leader assigns; the CRC does not cover them."""
    _OFFSET.pack_into(batch, 0, base_offset)
    _EPOCH.pack_into(batch, LOG_OVERHEAD, leader_epoch)


def patch_log_append_time(batch: bytearray | memoryview, attributes: int, now_ms: int) -> None:
    """Stamp a batch with the broker's time (attribute bit 3, max timestamp) and give it a new CRC."""
    _ATTRIBUTES.pack_into(batch, 21, attributes | LOG_APPEND_TIME_BIT)
    _OFFSET.pack_into(batch, 35, now_ms)
    _CRC.pack_into(batch, 17, checksum(batch, CRC_START, len(batch)))


# --- Opening a batch: cold path only ------------------------------------------------------------------------------


class Record(NamedTuple):
    """One record of a batch; `timestamp` is in ms since the epoch, or -1."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A zig-zag varint of at most 10 bytes and the position behind it."""
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise CorruptBatch("a varint runs past its end")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7


def _read_bytes(data: bytes, position: int) -> tuple[bytes | None, int]:
    length, position = read_varint(data, position)
    if length < 0:
        return None, position
    if position + length > len(data):
        raise CorruptBatch("a field runs past the end of its batch")
    return data[position : position + length], position + length


def _read_headers(data: bytes, position: int) -> tuple[tuple[tuple[str, bytes | None], ...], int]:
    count, position = read_varint(data, position)
    if count < 0 or count > len(data) - position:
        raise CorruptBatch(f"impossible number of record headers: {count}")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, position = _read_bytes(data, position)
        value, position = _read_bytes(data, position)
        headers.append(((name or b"").decode("utf-8", "replace"), value))
    return tuple(headers), position


def iterate_records(batch: Buffer) -> Iterator[Record]:
    """The records of one batch, decompressed.

    Raises CorruptBatch for damaged bytes and compression.CodecMissing when a codec's module is not installed. The CRC is
    not checked here.
    """
    header = parse_header(batch)
    data = decompress(header.attributes & CODEC_MASK, bytes(batch[HEADER_SIZE : header.length]))
    append_time = bool(header.attributes & LOG_APPEND_TIME_BIT)
    position = 0
    for _ in range(header.record_count):
        length, position = read_varint(data, position)
        end = position + length
        if length < 1 or end > len(data):
            raise CorruptBatch("a record runs past the end of its batch")
        timestamp_delta, position = read_varint(data, position + 1)  # one byte of unused attributes
        offset_delta, position = read_varint(data, position)
        key, position = _read_bytes(data, position)
        value, position = _read_bytes(data, position)
        headers, position = _read_headers(data, position)
        if position != end:
            raise CorruptBatch("a record's length contradicts its fields")
        timestamp = header.max_timestamp if append_time else header.base_timestamp + timestamp_delta
        yield Record(header.base_offset + offset_delta, timestamp, key, value, headers)


# --- Building a batch: internal topics and tests ------------------------------------------------------------------


def varint(value: int) -> bytes:
    """A zig-zag varint."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _length_prefixed(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def _encode_record(
    delta: int,
    timestamp_delta: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> bytes:
    parts = [b"\x00", varint(timestamp_delta), varint(delta), _length_prefixed(key), _length_prefixed(value)]
    parts.append(varint(len(headers)))
    for name, data in headers:
        parts += [_length_prefixed(name.encode()), _length_prefixed(data)]
    body = b"".join(parts)
    return varint(len(body)) + body


def build_batch(
    records: Iterable[tuple[bytes | None, bytes | None] | Record],
    *,
    timestamp_ms: int,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    attributes: int = 0,
) -> bytearray:
    """An uncompressed batch that starts at offset 0, ready for `PartitionLog.append`.

    `records` are (key, value) pairs stamped with `timestamp_ms`, or Records, whose own timestamp and headers count and
    whose offset does not. Raises ValueError when there are none.
    """
    rows = [row if isinstance(row, Record) else Record(0, timestamp_ms, row[0], row[1]) for row in records]
    if not rows:
        raise ValueError("a batch holds at least one record")
    base_timestamp = rows[0].timestamp
    body = b"".join(
        _encode_record(delta, row.timestamp - base_timestamp, row.key, row.value, row.headers)
        for delta, row in enumerate(rows)
    )
    batch = bytearray(HEADER_SIZE) + body
    _HEADER.pack_into(
        batch,
        0,
        0,
        len(batch) - LOG_OVERHEAD,
        -1,
        2,
        0,
        attributes,
        len(rows) - 1,
        base_timestamp,
        max(row.timestamp for row in rows),
        producer_id,
        producer_epoch,
        base_sequence,
        len(rows),
    )
    _CRC.pack_into(batch, 17, checksum(batch, CRC_START, len(batch)))
    return batch


def with_records(header: BatchHeader, body: bytes, attributes: int) -> bytes:
    """The batch with the same records in another codec."""
    return rebuild_batch(header, body, attributes, header.base_timestamp, header.max_timestamp, header.record_count)


def rebuild_batch(
    header: BatchHeader, body: bytes, attributes: int, base_timestamp: int, max_timestamp: int, record_count: int
) -> bytes:
    """A stored batch with another records section; offsets, epoch, producer and sequence stay, the CRC is new."""
    batch = bytearray(HEADER_SIZE) + body
    _HEADER.pack_into(
        batch,
        0,
        header.base_offset,
        len(batch) - LOG_OVERHEAD,
        header.leader_epoch,
        2,
        0,
        attributes,
        header.last_offset_delta,
        base_timestamp,
        max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        record_count,
    )
    _CRC.pack_into(batch, 17, checksum(batch, CRC_START, len(batch)))
    return bytes(batch)
