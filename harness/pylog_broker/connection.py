"""Framing of one connection, without I/O: received bytes in, whole requests out.

A request is an int32 size and that many bytes. Small requests are received into one scratch buffer that all connections
share and are handed out as views of it, so that a busy connection costs no allocation. Only a request larger than
`SMALL_FRAME_BYTES_MAX` gets a buffer of its own, from `FrameMemory`, which grows with the bytes that have really come:
a peer that announces 100 MiB and sends nothing costs nothing.

    reader.received(socket.recv_into(reader.receive_buffer()))
    while (frame := reader.next_frame()) is not None:
        ...                       # the view is valid until the next call on the reader
    reader.keep()                 # take what is left out of the scratch buffer
"""

from __future__ import annotations

import struct

SCRATCH_BYTES = 128 << 10
SMALL_FRAME_BYTES_MAX = 64 << 10  # half of the scratch buffer: a kept rest always leaves room to receive
SIZE_BYTES = 4
HEADER_BYTES_MIN = 8  # API key, version, correlation id
EAGER_BUFFER_BYTES = 1 << 20  # a usual large request is given its whole buffer at once, while memory is plentiful
FIRST_BUFFER_BYTES = 64 << 10
SPARE_BYTES_MAX = 16 << 20  # buffers kept for the next large request

_SIZE = struct.Struct(">i")
_read_size = _SIZE.unpack_from


class FramingError(Exception):
    """The peer broke the framing: its connection is closed, others go on."""


class FrameMemory:
    """Buffers for large requests: reused, and bounded in sum over all connections."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_used = 0
        self._spare: dict[int, list[bytearray]] = {}
        self._spare_bytes = 0

    def acquire(self, size: int) -> bytearray:
        """A buffer of at least `size` bytes (a power of two). Raises FramingError when the bound is reached."""
        size = 1 << (size - 1).bit_length()
        if self.bytes_used + size > self.bytes_max:
            raise FramingError(
                f"large requests in flight hold {self.bytes_used} bytes; another {size} would exceed "
                f"queued.max.request.bytes={self.bytes_max}"
            )
        self.bytes_used += size
        spare = self._spare.get(size)
        if spare:
            self._spare_bytes -= size
            return spare.pop()
        return bytearray(size)

    def release(self, buffer: bytearray) -> None:
        """Give a buffer back."""
        size = len(buffer)
        self.bytes_used -= size
        if self._spare_bytes + size <= SPARE_BYTES_MAX:
            self._spare.setdefault(size, []).append(buffer)
            self._spare_bytes += size

    def first_size(self, frame_bytes: int) -> int:
        """How much to give a frame of this size before any of it has come."""
        plentiful = self.bytes_used <= self.bytes_max // 4
        return min(frame_bytes, EAGER_BUFFER_BYTES if plentiful else FIRST_BUFFER_BYTES)


class FrameReader:
    """Cuts the byte stream of one connection into requests."""

    __slots__ = (
        "_end",
        "_filled",
        "_finished",
        "_large",
        "_memory",
        "_position",
        "_rest",
        "_scratch",
        "_size_max",
        "_total",
        "_view",
    )

    def __init__(self, scratch: memoryview, memory: FrameMemory, *, size_max: int) -> None:
        self._scratch = scratch
        self._memory = memory
        self._size_max = size_max
        self._view = scratch
        self._position = 0
        self._end = 0
        self._rest = bytearray()
        self._large: bytearray | None = None  # the buffer of a large frame that is not complete yet
        self._filled = 0
        self._total = 0
        self._finished: bytearray | None = None  # the buffer of the large frame handed out last

    @property
    def is_mid_frame(self) -> bool:
        """Whether a request has begun to arrive and is not complete."""
        return self._large is not None or len(self._rest) > 0

    def receive_buffer(self) -> memoryview:
        """Where the next bytes are to be received; never empty. Only between `keep` and `received`."""
        if self._large is not None:
            return memoryview(self._large)[self._filled : min(self._total, len(self._large))]
        kept = len(self._rest)
        if not kept:
            return self._scratch
        self._scratch[:kept] = self._rest
        return self._scratch[kept:]

    def received(self, count: int) -> None:
        """`count` bytes have come into the receive buffer. Raises FramingError when memory is exhausted."""
        if self._large is None:
            self._view = self._scratch
            self._position = 0
            self._end = len(self._rest) + count
            if self._rest:
                self._rest = bytearray()
            return
        self._filled += count
        if self._filled == len(self._large) < self._total:
            larger = self._memory.acquire(min(self._total, 2 * self._filled))
            larger[: self._filled] = self._large
            self._memory.release(self._large)
            self._large = larger

    def resume(self) -> None:
        """Go on with what `keep` had put aside, after a pause."""
        if self._large is None:
            self._view = memoryview(self._rest)
            self._position = 0
            self._end = len(self._rest)
            self._rest = bytearray()

    def next_frame(self) -> memoryview | None:
        """The next whole request without its size, or None. Raises FramingError for an impossible size."""
        if self._finished is not None:
            self._memory.release(self._finished)
            self._finished = None
        if self._large is not None:
            return self._next_large()
        position = self._position
        left = self._end - position
        if left < SIZE_BYTES:
            return None
        size: int = _read_size(self._view, position)[0]
        if not HEADER_BYTES_MIN <= size <= self._size_max:
            raise FramingError(
                f"a request of {size} bytes; {HEADER_BYTES_MIN} to socket.request.max.bytes={self._size_max} are allowed"
            )
        stop = position + SIZE_BYTES + size
        if stop <= self._end:
            self._position = stop
            return self._view[position + SIZE_BYTES : stop]
        if size > SMALL_FRAME_BYTES_MAX - SIZE_BYTES:
            self._begin_large(size + SIZE_BYTES)
        return None

    def _begin_large(self, total: int) -> None:
        have = self._end - self._position
        large = self._memory.acquire(max(have + 1, self._memory.first_size(total)))
        large[:have] = self._view[self._position : self._end]
        self._large, self._filled, self._total = large, have, total
        self._position = self._end

    def _next_large(self) -> memoryview | None:
        if self._filled < self._total:
            return None
        self._finished, self._large = self._large, None
        self._view, self._position, self._end = self._scratch, 0, 0
        return memoryview(self._finished)[SIZE_BYTES : self._total]  # type: ignore[arg-type]

    def keep(self) -> None:
        """Put what is not parsed yet aside, out of the scratch buffer."""
        if self._finished is not None:
            self._memory.release(self._finished)
            self._finished = None
        if self._position < self._end:
            self._rest = bytearray(self._view[self._position : self._end])
        self._position = self._end = 0

    def close(self) -> None:
        """Give the memory back; the reader is not used any more."""
        for buffer in (self._finished, self._large):
            if buffer is not None:
                self._memory.release(buffer)
        self._finished = self._large = None
        self._rest = bytearray()
