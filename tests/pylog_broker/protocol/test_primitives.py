"""Primitives: round trips of anything, and every bad length refused as `MalformedMessage`."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pylog_broker.protocol import primitives as p
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.protocol.primitives import CLASSIC, COMPACT, Buffer, Encoding, MalformedMessage

ENCODINGS = st.sampled_from([CLASSIC, COMPACT])
PADDING = st.binary(max_size=5)


def _malformed_or_struct_error(read, *arguments) -> None:
    """What `Message.decode` turns into `MalformedMessage`."""
    with pytest.raises((MalformedMessage, struct.error, UnicodeDecodeError)):
        read(*arguments)


@given(st.integers(0, 2**32 - 1), PADDING, PADDING)
def test_unsigned_varint(value: int, before: bytes, after: bytes) -> None:
    out = bytearray(before)
    p.write_unsigned_varint(out, value)
    assert len(out) - len(before) <= 5
    assert p.read_unsigned_varint(memoryview(out + after), len(before)) == (value, len(out))


@given(st.integers(-(2**63), 2**63 - 1), PADDING)
def test_varlong(value: int, after: bytes) -> None:
    out = bytearray()
    p.write_varlong(out, value)
    assert len(out) <= 10
    assert p.read_varlong(out + after, 0) == (value, len(out))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 4, b"\x80" * 5 + b"\x01", b"\xff" * 4 + b"\x10", b"\xff" * 9])
def test_bad_unsigned_varints(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        p.read_unsigned_varint(data, 0)


@pytest.mark.parametrize("data", [b"", b"\x80" * 9, b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x02", b"\xff" * 20])
def test_bad_varlongs(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        p.read_varlong(data, 0)


def test_known_varints() -> None:
    for value, data in (
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (2**32 - 1, b"\xff\xff\xff\xff\x0f"),
    ):
        out = bytearray()
        p.write_unsigned_varint(out, value)
        assert out == data
    for value, data in ((0, b"\x00"), (-1, b"\x01"), (1, b"\x02"), (-64, b"\x7f"), (64, b"\x80\x01")):
        out = bytearray()
        p.write_varlong(out, value)
        assert out == data


@given(ENCODINGS, st.one_of(st.none(), st.text(max_size=300)), PADDING)
def test_strings(encoding: Encoding, value: str | None, after: bytes) -> None:
    out = bytearray(b"xx")
    encoding.write_string(out, value)
    data = memoryview(bytes(out) + after)
    assert encoding.read_nullable_string(data, 2) == (value, len(out))
    if value is None:
        with pytest.raises(MalformedMessage):
            encoding.read_string(data, 2)
    else:
        assert encoding.read_string(data, 2) == (value, len(out))
    for end in range(2, len(out)):
        _malformed_or_struct_error(encoding.read_nullable_string, data[:end], 2)


@given(ENCODINGS, st.one_of(st.none(), st.binary(max_size=300)), PADDING)
def test_byte_strings(encoding: Encoding, value: bytes | None, after: bytes) -> None:
    out = bytearray()
    encoding.write_bytes(out, value)
    data = memoryview(bytes(out) + after)
    found, end = encoding.read_nullable_bytes(data, 0)
    assert (found, end) == (value, len(out))
    assert found is None or type(found) is bytes, "a copy, not a view of a buffer that is used again"
    if value is None:
        with pytest.raises(MalformedMessage):
            encoding.read_bytes(data, 0)
    else:
        assert encoding.read_bytes(data, 0) == (value, len(out))
    for cut in range(len(out)):
        _malformed_or_struct_error(encoding.read_nullable_bytes, data[:cut], 0)


@given(ENCODINGS, st.one_of(st.none(), st.integers(0, 300)), st.integers(1, 9))
def test_counts_are_capped_by_what_is_left(encoding: Encoding, count: int | None, element_bytes_min: int) -> None:
    out = bytearray()
    encoding.write_count(out, None if count is None else range(count))
    enough = bytes(out) + bytes((count or 0) * element_bytes_min)
    assert encoding.read_nullable_count(enough, 0, element_bytes_min) == (-1 if count is None else count, len(out))
    if count is None:
        with pytest.raises(MalformedMessage):
            encoding.read_count(enough, 0, element_bytes_min)
    elif count > 0:
        with pytest.raises(MalformedMessage):
            encoding.read_count(enough[:-1], 0, element_bytes_min)


@pytest.mark.parametrize("count", [-2, -(2**31), 2**31 - 1])
def test_impossible_classic_counts(count: int) -> None:
    data = struct.pack(">i", count) + bytes(100)
    for read in (CLASSIC.read_count, CLASSIC.read_nullable_count):
        with pytest.raises(MalformedMessage):
            read(data, 0, 1)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=20)), max_size=5), PADDING)
def test_tagged_fields(tags: list[tuple[int, bytes]], after: bytes) -> None:
    out = bytearray()
    p.write_tags(out, tags)
    data = bytes(out) + after
    assert p.skip_tags(data, 0) == len(out)
    count, position = p.read_unsigned_varint(data, 0)
    found = []
    for _ in range(count):
        tag, start, position = p.read_tag(data, position)
        found.append((tag, data[start:position]))
    assert found == tags
    for end in range(len(out)):
        with pytest.raises(MalformedMessage):
            p.skip_tags(data[:end], 0)


def test_a_string_too_long_for_the_classic_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="32768 bytes"):
        p.write_string(bytearray(), "x" * 32768)


def test_invalid_utf8_is_malformed() -> None:
    class OneString(Message):
        __slots__ = ("text",)

        def __init__(self, text: str) -> None:
            self.text = text

        @classmethod
        def read(cls, data: Buffer, position: int, version: int) -> tuple[OneString, int]:
            text, position = COMPACT.read_string(data, position)
            return cls(text), position

    assert OneString.decode(b"\x03ab", 0).text == "ab"
    with pytest.raises(MalformedMessage, match="OneString version 7"):
        OneString.decode(b"\x03\xff\xfe", 7)
