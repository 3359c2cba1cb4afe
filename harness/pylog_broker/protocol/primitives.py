"""Primitive types of the Kafka protocol, as pairs of functions over bytes.

A reader takes `(data, position)` and returns `(value, position after it)`; a writer appends to a `bytearray`.
Fixed-width integers are big-endian and go through `struct` in the generated code, several at a time. Strings, byte
strings and arrays come in two encodings: the classic one (int16 or int32 length, -1 for null) and the compact one of
flexible versions (KIP-482: unsigned varint of length + 1, 0 for null).

Nothing here trusts a length: a size that goes past the end of the data, a count that could not fit into the bytes
left, or an overlong varint raises `MalformedMessage` before anything is allocated.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

Buffer = bytes | bytearray | memoryview

ZERO_UUID = UUID(int=0)

UNSIGNED_VARINT_BYTES_MAX = 5
UNSIGNED_VARLONG_BYTES_MAX = 10

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_read_int16 = _INT16.unpack_from
_read_int32 = _INT32.unpack_from
_pack_int16 = _INT16.pack
_pack_int32 = _INT32.pack


class MalformedMessage(ValueError):
    """The bytes are not a message of the claimed type and version: the sender's fault; its connection is closed."""


def read_unsigned_varint(data: Buffer, position: int) -> tuple[int, int]:
    """Read an unsigned 32-bit varint (at most five bytes)."""
    try:
        byte = data[position]
        if byte < 0x80:
            return byte, position + 1
        value = byte & 0x7F
        byte = data[position + 1]
        if byte < 0x80:
            return value | byte << 7, position + 2
        value |= (byte & 0x7F) << 7
        for index in range(2, UNSIGNED_VARINT_BYTES_MAX):
            byte = data[position + index]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value > 0xFFFFFFFF:
                    break
                return value, position + index + 1
    except IndexError:
        raise MalformedMessage("a varint runs past the end of the message") from None
    raise MalformedMessage(f"a varint is longer than {UNSIGNED_VARINT_BYTES_MAX} bytes or exceeds 32 bits")


def write_unsigned_varint(out: bytearray, value: int) -> None:
    """Append `value` (0 to 2**32 - 1) as an unsigned varint."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def read_varlong(data: Buffer, position: int) -> tuple[int, int]:
    """Read a zigzag-encoded signed 64-bit varint (at most ten bytes), as records use it."""
    value = 0
    try:
        for index in range(UNSIGNED_VARLONG_BYTES_MAX):
            byte = data[position + index]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value > 0xFFFFFFFFFFFFFFFF:
                    break
                return (value >> 1) ^ -(value & 1), position + index + 1
    except IndexError:
        raise MalformedMessage("a varint runs past the end of the message") from None
    raise MalformedMessage(f"a varint is longer than {UNSIGNED_VARLONG_BYTES_MAX} bytes or exceeds 64 bits")


def write_varlong(out: bytearray, value: int) -> None:
    """Append a signed 64-bit integer as a zigzag varint."""
    value = (value << 1) ^ (value >> 63)
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _take(data: Buffer, position: int, length: int) -> int:
    end = position + length
    if length < 0 or end > len(data):
        raise MalformedMessage(f"a field of {length} bytes does not fit into the {len(data) - position} bytes left")
    return end


def _read_classic_length(data: Buffer, position: int) -> tuple[int, int]:
    (length,) = _read_int16(data, position)
    return length, position + 2


def read_string(data: Buffer, position: int) -> tuple[str, int]:
    """Read a classic string: int16 length, UTF-8."""
    length, position = _read_classic_length(data, position)
    end = _take(data, position, length)
    return str(data[position:end], "utf-8"), end


def read_nullable_string(data: Buffer, position: int) -> tuple[str | None, int]:
    """Read a classic string in which length -1 is null."""
    length, position = _read_classic_length(data, position)
    if length == -1:
        return None, position
    end = _take(data, position, length)
    return str(data[position:end], "utf-8"), end


def read_compact_string(data: Buffer, position: int) -> tuple[str, int]:
    """Read a compact string: unsigned varint of length + 1, UTF-8."""
    length, position = read_unsigned_varint(data, position)
    end = _take(data, position, length - 1)
    return str(data[position:end], "utf-8"), end


def read_compact_nullable_string(data: Buffer, position: int) -> tuple[str | None, int]:
    """Read a compact string in which length 0 is null."""
    length, position = read_unsigned_varint(data, position)
    if length == 0:
        return None, position
    end = _take(data, position, length - 1)
    return str(data[position:end], "utf-8"), end


def read_bytes(data: Buffer, position: int) -> tuple[bytes, int]:
    """Read a classic byte string: int32 length; the result is a copy."""
    (length,) = _read_int32(data, position)
    end = _take(data, position + 4, length)
    return bytes(data[position + 4 : end]), end


def read_nullable_bytes(data: Buffer, position: int) -> tuple[bytes | None, int]:
    """Read a classic byte string in which length -1 is null."""
    (length,) = _read_int32(data, position)
    if length == -1:
        return None, position + 4
    end = _take(data, position + 4, length)
    return bytes(data[position + 4 : end]), end


def read_compact_bytes(data: Buffer, position: int) -> tuple[bytes, int]:
    """Read a compact byte string; the result is a copy."""
    length, position = read_unsigned_varint(data, position)
    end = _take(data, position, length - 1)
    return bytes(data[position:end]), end


def read_compact_nullable_bytes(data: Buffer, position: int) -> tuple[bytes | None, int]:
    """Read a compact byte string in which length 0 is null."""
    length, position = read_unsigned_varint(data, position)
    if length == 0:
        return None, position
    end = _take(data, position, length - 1)
    return bytes(data[position:end]), end


def _check_count(data: Buffer, position: int, count: int, element_bytes_min: int) -> None:
    if count < 0 or count * element_bytes_min > len(data) - position:
        raise MalformedMessage(
            f"an array of {count} elements of at least {element_bytes_min} bytes does not fit into the "
            f"{len(data) - position} bytes left"
        )


def read_count(data: Buffer, position: int, element_bytes_min: int) -> tuple[int, int]:
    """Read a classic array count; every element takes at least `element_bytes_min` bytes."""
    (count,) = _read_int32(data, position)
    _check_count(data, position + 4, count, element_bytes_min)
    return count, position + 4


def read_nullable_count(data: Buffer, position: int, element_bytes_min: int) -> tuple[int, int]:
    """Read a classic array count; -1 stands for a null array."""
    (count,) = _read_int32(data, position)
    if count != -1:
        _check_count(data, position + 4, count, element_bytes_min)
    return count, position + 4


def read_compact_count(data: Buffer, position: int, element_bytes_min: int) -> tuple[int, int]:
    """Read a compact array count."""
    count, position = read_unsigned_varint(data, position)
    _check_count(data, position, count - 1, element_bytes_min)
    return count - 1, position


def read_compact_nullable_count(data: Buffer, position: int, element_bytes_min: int) -> tuple[int, int]:
    """Read a compact array count; -1 stands for a null array."""
    count, position = read_unsigned_varint(data, position)
    if count != 0:
        _check_count(data, position, count - 1, element_bytes_min)
    return count - 1, position


def write_string(out: bytearray, value: str | None) -> None:
    """Append a classic string; None becomes length -1. Raises ValueError above 32,767 bytes."""
    if value is None:
        out += b"\xff\xff"
        return
    encoded = value.encode()
    if len(encoded) > 0x7FFF:
        raise ValueError(f"a string of {len(encoded)} bytes does not fit a classic string")
    out += _pack_int16(len(encoded))
    out += encoded


def write_compact_string(out: bytearray, value: str | None) -> None:
    """Append a compact string; None becomes 0."""
    if value is None:
        out.append(0)
        return
    encoded = value.encode()
    write_unsigned_varint(out, len(encoded) + 1)
    out += encoded


def write_bytes(out: bytearray, value: Buffer | None) -> None:
    """Append a classic byte string; None becomes length -1."""
    if value is None:
        out += b"\xff\xff\xff\xff"
        return
    out += _pack_int32(len(value))
    out += value


def write_compact_bytes(out: bytearray, value: Buffer | None) -> None:
    """Append a compact byte string; None becomes 0."""
    if value is None:
        out.append(0)
        return
    write_unsigned_varint(out, len(value) + 1)
    out += value


def write_count(out: bytearray, value: Sequence[object] | None) -> None:
    """Append the classic count of an array; a null array becomes -1."""
    out += b"\xff\xff\xff\xff" if value is None else _pack_int32(len(value))


def write_compact_count(out: bytearray, value: Sequence[object] | None) -> None:
    """Append the compact count of an array; a null array becomes 0."""
    write_unsigned_varint(out, 0 if value is None else len(value) + 1)


def read_uuid(data: Buffer, position: int) -> tuple[UUID, int]:
    """Read sixteen bytes as a UUID."""
    end = _take(data, position, 16)
    return UUID(bytes=bytes(data[position:end])), end


def skip_tags(data: Buffer, position: int) -> int:
    """Skip the tagged fields at the end of a flexible structure (KIP-482) and return the position after them."""
    if position < len(data) and data[position] == 0:
        return position + 1  # as nearly always: none
    count, position = read_unsigned_varint(data, position)
    _check_count(data, position, count, 2)
    for _ in range(count):
        _, position, position_after = read_tag(data, position)
        position = position_after
    return position


def read_tag(data: Buffer, position: int) -> tuple[int, int, int]:
    """Read the head of one tagged field: its tag, where its value begins, and where it ends."""
    tag, position = read_unsigned_varint(data, position)
    size, position = read_unsigned_varint(data, position)
    return tag, position, _take(data, position, size)


def write_tags(out: bytearray, tags: Sequence[tuple[int, Buffer]]) -> None:
    """Append a tagged-field section; `tags` is in ascending order of tag."""
    write_unsigned_varint(out, len(tags))
    for tag, value in tags:
        write_unsigned_varint(out, tag)
        write_unsigned_varint(out, len(value))
        out += value


class Encoding(NamedTuple):
    """The six variable-length codecs of one encoding; generated code picks one of two per message version."""

    read_string: Callable[[Buffer, int], tuple[str, int]]
    read_nullable_string: Callable[[Buffer, int], tuple[str | None, int]]
    read_bytes: Callable[[Buffer, int], tuple[bytes, int]]
    read_nullable_bytes: Callable[[Buffer, int], tuple[bytes | None, int]]
    read_count: Callable[[Buffer, int, int], tuple[int, int]]
    read_nullable_count: Callable[[Buffer, int, int], tuple[int, int]]
    write_string: Callable[[bytearray, str | None], None]
    write_bytes: Callable[[bytearray, Buffer | None], None]
    write_count: Callable[[bytearray, Sequence[object] | None], None]


CLASSIC = Encoding(
    read_string,
    read_nullable_string,
    read_bytes,
    read_nullable_bytes,
    read_count,
    read_nullable_count,
    write_string,
    write_bytes,
    write_count,
)
COMPACT = Encoding(
    read_compact_string,
    read_compact_nullable_string,
    read_compact_bytes,
    read_compact_nullable_bytes,
    read_compact_count,
    read_compact_nullable_count,
    write_compact_string,
    write_compact_bytes,
    write_compact_count,
)
