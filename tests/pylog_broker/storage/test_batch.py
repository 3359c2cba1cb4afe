"""Record batches: what is refused, what is patched, what a batch holds."""

from __future__ import annotations

import contextlib
import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pylog_broker.storage.batch import (
    CRC_START,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    Record,
    build_batch,
    checksum,
    iterate_records,
    parse_header,
    patch_log_append_time,
    patch_offset,
    verify_produced,
    verify_stored,
)
from harness.pylog_broker.storage.errors import CorruptBatch, InvalidRecord

from .batches import NOW_MS, batch_of


def _with(batch: bytearray, position: int, layout: str, value: int) -> bytearray:
    """Change a field and give the batch a CRC that fits, so that only the field is wrong."""
    struct.pack_into(layout, batch, position, value)
    struct.pack_into(">I", batch, 17, checksum(batch, CRC_START, len(batch)))
    return batch


def test_a_sound_batch_passes() -> None:
    header = verify_produced(batch_of(b"a", b"b"))
    assert (header.base_offset, header.record_count, header.last_offset_delta, header.magic) == (0, 2, 1, 2)
    assert header.length == len(batch_of(b"a", b"b"))


@pytest.mark.parametrize(
    ("position", "layout", "value", "error"),
    [
        (0, ">q", 5, InvalidRecord),  # base offset
        (16, ">b", 1, InvalidRecord),
        (16, ">b", 3, CorruptBatch),
        (21, ">h", 0x20, InvalidRecord),  # control batch
        (23, ">i", 5, InvalidRecord),  # last offset delta
        (57, ">i", 0, InvalidRecord),  # record count
        (57, ">i", -1, CorruptBatch),
        (23, ">i", -1, CorruptBatch),
        (8, ">i", 1000, InvalidRecord),  # longer than what came
        (8, ">i", 3, InvalidRecord),  # shorter than a header
        (8, ">i", -1, InvalidRecord),
        (43, ">q", 7, InvalidRecord),  # a producer id without sequence and epoch
    ],
)
def test_a_wrong_field_is_refused(position: int, layout: str, value: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        verify_produced(_with(batch_of(b"a", b"b"), position, layout, value))


def test_two_batches_are_refused() -> None:
    with pytest.raises(InvalidRecord):
        verify_produced(batch_of(b"a") + batch_of(b"b"))


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_any_flipped_bit_behind_the_crc_is_found(where: int, bit: int) -> None:
    batch = batch_of(b"some value", b"another")
    batch[CRC_START + where % (len(batch) - CRC_START)] ^= 1 << bit
    with pytest.raises((CorruptBatch, InvalidRecord)):
        verify_produced(batch)


@pytest.mark.parametrize("size", [0, 1, 12, HEADER_SIZE - 1])
def test_a_short_header_is_refused(size: int) -> None:
    with pytest.raises(CorruptBatch):
        parse_header(batch_of(b"a")[:size])


def test_offset_and_epoch_are_outside_of_the_crc() -> None:
    batch = batch_of(b"a")
    patch_offset(batch, 1234, 9)
    header = parse_header(batch)
    assert (header.base_offset, header.leader_epoch, header.last_offset) == (1234, 9, 1234)
    verify_stored(batch, 0, header)


def test_log_append_time_gets_a_new_crc() -> None:
    batch = batch_of(b"a", b"b", timestamp_ms=1)
    patch_log_append_time(batch, 0, NOW_MS)
    header = parse_header(batch)
    verify_stored(batch, 0, header)
    assert header.attributes == LOG_APPEND_TIME_BIT
    assert [record.timestamp for record in iterate_records(batch)] == [NOW_MS, NOW_MS]


_texts = st.one_of(st.none(), st.binary(max_size=40))
_records = st.builds(
    Record,
    offset=st.just(0),
    timestamp=st.integers(0, 2**45),
    key=_texts,
    value=_texts,
    headers=st.lists(st.tuples(st.text(max_size=5), _texts), max_size=3).map(tuple),
)


@given(st.lists(_records, min_size=1, max_size=20))
def test_what_was_built_is_read_back(records: list[Record]) -> None:
    batch = build_batch(records, timestamp_ms=0)
    header = verify_produced(batch)
    assert header.max_timestamp == max(record.timestamp for record in records)
    expected = [record._replace(offset=offset) for offset, record in enumerate(records)]
    assert list(iterate_records(batch)) == expected


def _snappy_xerial(data: bytes) -> bytes:
    snappy = pytest.importorskip("snappy")
    blocks = [snappy.compress(data[:10]), snappy.compress(data[10:])]
    framed = b"".join(len(block).to_bytes(4, "big") + block for block in blocks)
    return b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + framed


COMPRESSORS = {
    1: gzip.compress,
    2: _snappy_xerial,
    3: lambda data: pytest.importorskip("lz4.frame").compress(data),
    4: lambda data: pytest.importorskip("zstandard").compress(data),
}


@pytest.mark.parametrize("codec", COMPRESSORS)
def test_each_codec_is_opened(codec: int) -> None:
    plain = batch_of(b"one" * 10, b"two" * 10)
    packed = bytearray(plain[:HEADER_SIZE]) + COMPRESSORS[codec](bytes(plain[HEADER_SIZE:]))
    struct.pack_into(">i", packed, 8, len(packed) - 12)
    _with(packed, 21, ">h", codec)
    verify_produced(packed)
    assert [record.value for record in iterate_records(packed)] == [b"one" * 10, b"two" * 10]


def test_raw_snappy_is_opened() -> None:
    snappy = pytest.importorskip("snappy")
    plain = batch_of(b"one")
    packed = bytearray(plain[:HEADER_SIZE]) + snappy.compress(bytes(plain[HEADER_SIZE:]))
    struct.pack_into(">i", packed, 8, len(packed) - 12)
    assert [record.value for record in iterate_records(_with(packed, 21, ">h", 2))] == [b"one"]


@given(st.integers(0, 4), st.binary(max_size=60), st.integers(0, 3))
def test_garbage_for_records_never_escapes_as_another_error(codec: int, garbage: bytes, count: int) -> None:
    batch = bytearray(batch_of(b"x")[:HEADER_SIZE]) + garbage
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">i", batch, 57, count)
    _with(batch, 21, ">h", codec)
    with contextlib.suppress(CorruptBatch):
        list(iterate_records(batch))


def test_a_large_batch_is_checked_piecewise_with_the_same_result() -> None:
    import google_crc32c

    data = bytes(range(256)) * 4096
    assert checksum(bytearray(data), 21, len(data)) == google_crc32c.value(data[21:])


def test_batches_agree_with_another_implementation() -> None:
    """kafka-python reads what is built here, and what it builds passes here."""
    records = pytest.importorskip("kafka.record.default_records")
    ours = build_batch(
        [Record(0, NOW_MS, b"k", b"v", (("h", b"1"),)), Record(0, NOW_MS + 5, None, None)], timestamp_ms=0
    )
    theirs = records.DefaultRecordBatch(bytes(ours))
    assert theirs.validate_crc()
    assert [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in theirs] == [
        (0, NOW_MS, b"k", b"v", [("h", b"1")]),
        (1, NOW_MS + 5, None, None, []),
    ]
    builder = records.DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    builder.append(0, NOW_MS, b"k", b"v", [("h", b"1")])
    builder.append(1, NOW_MS + 1, None, b"w", [])
    built = bytearray(builder.build())
    verify_produced(built)
    assert [(r.key, r.value) for r in iterate_records(built)] == [(b"k", b"v"), (None, b"w")]
