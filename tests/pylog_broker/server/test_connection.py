"""Framing: whatever way the bytes are cut, the same requests come out, in bounded memory."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pylog_broker.connection import (
    EAGER_BUFFER_BYTES,
    SCRATCH_BYTES,
    SMALL_FRAME_BYTES_MAX,
    FrameMemory,
    FrameReader,
    FramingError,
)

SIZE_MAX = 4 << 20
MEMORY_MAX = 64 << 20


def _reader(size_max: int = SIZE_MAX, memory: FrameMemory | None = None) -> FrameReader:
    return FrameReader(memoryview(bytearray(SCRATCH_BYTES)), memory or FrameMemory(MEMORY_MAX), size_max=size_max)


def _framed(*bodies: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(body)) + body for body in bodies)


def _receive(reader: FrameReader, data: bytes) -> int:
    buffer = reader.receive_buffer()
    count = min(len(buffer), len(data))
    assert count > 0
    buffer[:count] = data[:count]
    reader.received(count)
    return count


def _feed(reader: FrameReader, data: bytes, cut: int) -> list[bytes]:
    """Everything that comes out when `data` arrives in pieces of at most `cut` bytes."""
    frames = []
    position = 0
    while position < len(data):
        position += _receive(reader, data[position : position + cut])
        while (frame := reader.next_frame()) is not None:
            frames.append(bytes(frame))
        reader.keep()
    return frames


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(
        st.one_of(
            st.integers(8, 300),
            st.integers(SMALL_FRAME_BYTES_MAX - 10, SMALL_FRAME_BYTES_MAX + 10),
            st.integers(SCRATCH_BYTES - 10, SCRATCH_BYTES + 10),
            st.integers(8, 400_000),
        ),
        min_size=1,
        max_size=6,
    ),
    cut=st.one_of(st.integers(50, 3_000), st.just(SCRATCH_BYTES), st.integers(3_000, 2_000_000)),
)
def test_any_cut_gives_the_same_frames(sizes: list[int], cut: int) -> None:
    generator = random.Random(len(sizes))
    bodies = [generator.randbytes(size) for size in sizes]
    memory = FrameMemory(MEMORY_MAX)
    assert _feed(_reader(memory=memory), _framed(*bodies), cut) == bodies
    assert memory.bytes_used == 0


def test_byte_by_byte() -> None:
    bodies = [b"12345678", b"abcdefghij"]
    assert _feed(_reader(), _framed(*bodies), 1) == bodies


@pytest.mark.parametrize("size", [-1, -(2**31), 0, 7, SIZE_MAX + 1, 2**31 - 1])
def test_an_impossible_size_is_refused_before_anything_is_allocated(size: int) -> None:
    memory = FrameMemory(MEMORY_MAX)
    reader = _reader(memory=memory)
    _receive(reader, struct.pack(">i", size))
    with pytest.raises(FramingError, match=r"socket\.request\.max\.bytes"):
        reader.next_frame()
    assert memory.bytes_used == 0


def test_a_large_announcement_alone_costs_at_most_the_first_buffer() -> None:
    memory = FrameMemory(MEMORY_MAX)
    reader = _reader(size_max=50 << 20, memory=memory)
    _receive(reader, struct.pack(">i", 40 << 20) + b"x" * 10)
    assert reader.next_frame() is None
    reader.keep()
    assert memory.bytes_used <= EAGER_BUFFER_BYTES


def test_many_announcements_stay_within_the_bound() -> None:
    memory = FrameMemory(8 << 20)
    readers = [_reader(memory=memory) for _ in range(1_000)]

    def announce_all() -> None:
        for reader in readers:
            _receive(reader, struct.pack(">i", SIZE_MAX) + b"x")
            reader.next_frame()
            reader.keep()

    with pytest.raises(FramingError, match=r"queued\.max\.request\.bytes"):
        announce_all()
    assert memory.bytes_used <= memory.bytes_max
    for reader in readers:
        reader.close()
    assert memory.bytes_used == 0


def test_buffers_grow_with_what_has_come() -> None:
    memory = FrameMemory(64 << 20)
    reader = _reader(size_max=20 << 20, memory=memory)
    body = random.Random(1).randbytes(17 << 20)
    data = _framed(body)
    position = 0
    frames = []
    while position < len(data):
        position += _receive(reader, data[position : position + 100_000])
        assert memory.bytes_used <= max(EAGER_BUFFER_BYTES, 4 * position)
        while (frame := reader.next_frame()) is not None:
            frames.append(bytes(frame))
        reader.keep()
    assert frames == [body]


def test_a_pause_keeps_what_has_come_and_resumes_with_it() -> None:
    bodies = [bytes([index]) * 20 for index in range(5)]
    reader = _reader()
    data = _framed(*bodies)
    _receive(reader, data[:-3])
    first = reader.next_frame()
    assert first is not None
    assert bytes(first) == bodies[0]
    reader.keep()
    reader.resume()
    found = []
    while (frame := reader.next_frame()) is not None:
        frame[0:1] = frame[0:1]  # a produced batch is patched in place: views must be writable
        found.append(bytes(frame))
    reader.keep()
    assert found == bodies[1:4]
    assert _feed(reader, data[-3:], 10) == bodies[4:]


def test_spare_buffers_are_reused() -> None:
    memory = FrameMemory(MEMORY_MAX)
    first = memory.acquire(100_000)
    memory.release(first)
    assert memory.acquire(100_000) is first
