"""Sparse index of one segment: where a batch lies, by offset and by time.

An entry is made about each `index.interval.bytes` of log; between two entries a reader walks batch headers. Entries live in
arrays that `bisect` searches (8 bytes per entry by offset, 12 by time) and are written beside the segment when it is closed,
at checkpoints and at shutdown. The files end in a CRC-32C of what they hold. They are a cache: one that is missing or damaged is
rebuilt from the segment.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right

from harness.pylog_broker.storage.batch import checksum
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.filesystem import FileSystem, read_file

OFFSET_ENTRY_SIZE = 8  # offset relative to the segment's base, position in bytes
TIME_ENTRY_SIZE = 12  # ms since the epoch, offset relative to the segment's base
RELATIVE_OFFSET_MAX = 2**31 - 1
CRC_SIZE = 4


class SparseIndex:
    """Offset and time entries of the segment that starts at `base_offset`."""

    __slots__ = ("base_offset", "offsets", "positions", "time_offsets", "timestamps")

    def __init__(self, base_offset: int) -> None:
        self.base_offset = base_offset
        self.offsets = array("I")  # relative base offset of a batch ...
        self.positions = array("I")  # ... and its position in the segment
        self.timestamps = array("q")  # a maximum timestamp so far ...
        self.time_offsets = array("I")  # ... and the relative base offset of the batch that has it

    @property
    def last_position(self) -> int:
        """Position of the newest entry, or 0 without entries: an entry for position 0 is never needed."""
        return self.positions[-1] if self.positions else 0

    def add(self, base_offset: int, position: int, max_timestamp: int, max_timestamp_offset: int) -> None:
        """Note the batch at `position`, and the largest timestamp seen up to and including it."""
        self.offsets.append(base_offset - self.base_offset)
        self.positions.append(position)
        self.add_time(max_timestamp, max_timestamp_offset)

    def add_time(self, max_timestamp: int, max_timestamp_offset: int) -> None:
        """Note the largest timestamp so far, if it grew."""
        if max_timestamp > (self.timestamps[-1] if self.timestamps else -1):
            self.timestamps.append(max_timestamp)
            self.time_offsets.append(max_timestamp_offset - self.base_offset)

    def before_offset(self, offset: int) -> tuple[int, int]:
        """(position, base offset) of a batch from which to walk forward to the one that holds `offset`."""
        return self._entry(bisect_right(self.offsets, offset - self.base_offset) - 1)

    def before_position(self, position: int) -> tuple[int, int]:
        """(position, base offset) of the last indexed batch that begins at or before `position`."""
        return self._entry(bisect_right(self.positions, position) - 1)

    def _entry(self, slot: int) -> tuple[int, int]:
        if slot < 0:
            return 0, self.base_offset
        return self.positions[slot], self.base_offset + self.offsets[slot]

    def offset_before_time(self, timestamp_ms: int) -> int:
        """Offset from which to walk forward to the first record at or after `timestamp_ms`."""
        slot = bisect_right(self.timestamps, timestamp_ms - 1) - 1
        return self.base_offset + (self.time_offsets[slot] if slot >= 0 else 0)

    def copy(self) -> SparseIndex:
        """The present entries, for another thread to write down."""
        copy = SparseIndex(self.base_offset)
        copy.offsets, copy.positions = self.offsets[:], self.positions[:]
        copy.timestamps, copy.time_offsets = self.timestamps[:], self.time_offsets[:]
        return copy

    def truncate(self, position: int) -> None:
        """Forget entries at or behind `position`."""
        keep = bisect_right(self.positions, position - 1) if position > 0 else 0
        del self.offsets[keep:]
        del self.positions[keep:]
        # A time entry behind the cut would claim a timestamp that is gone; entries of kept batches are re-added by the scan.
        last_kept = self.offsets[-1] if keep else -1
        times = 0
        while times < len(self.time_offsets) and self.time_offsets[times] <= last_kept:
            times += 1
        del self.timestamps[times:]
        del self.time_offsets[times:]

    def encode_offsets(self) -> bytes:
        """The bytes of the `.index` file: all offsets, then all positions, 4 bytes each."""
        return _sealed(_big_endian(self.offsets) + _big_endian(self.positions))

    def encode_times(self) -> bytes:
        """The bytes of the `.timeindex` file: all timestamps, 8 bytes each, then all offsets, 4 bytes each."""
        return _sealed(_big_endian(self.timestamps) + _big_endian(self.time_offsets))

    @classmethod
    def decode(cls, base_offset: int, offset_bytes: bytes, time_bytes: bytes, *, size_max: int) -> SparseIndex:
        """Read back the two files; raises CorruptLog when they cannot belong to a segment of `size_max` bytes."""
        index = cls(base_offset)
        offset_bytes, time_bytes = _unsealed(offset_bytes), _unsealed(time_bytes)
        if len(offset_bytes) % OFFSET_ENTRY_SIZE or len(time_bytes) % TIME_ENTRY_SIZE:
            raise CorruptLog("an index file has a torn entry")
        half = len(offset_bytes) // 2
        index.offsets = _native("I", offset_bytes[:half])
        index.positions = _native("I", offset_bytes[half:])
        split = len(time_bytes) // TIME_ENTRY_SIZE * 8
        index.timestamps = _native("q", time_bytes[:split])
        index.time_offsets = _native("I", time_bytes[split:])
        for column in (index.offsets, index.positions, index.timestamps, index.time_offsets):
            values = column.tolist()
            if sorted(values) != values:
                raise CorruptLog("an index file is not in ascending order")
        if index.positions and index.last_position >= size_max:
            raise CorruptLog("an index entry points behind the end of its segment")
        return index


def read_newest_time(file_system: FileSystem, path: str) -> tuple[int, int] | None:
    """(timestamp, relative offset) of the newest entry of a `.timeindex` file; None where it does not say, or is damaged."""
    try:
        data = _unsealed(read_file(file_system, path))
    except (FileNotFoundError, CorruptLog):
        return None
    entries, torn = divmod(len(data), TIME_ENTRY_SIZE)
    if torn or entries == 0:
        return None
    return int.from_bytes(data[entries * 8 - 8 : entries * 8], "big", signed=True), int.from_bytes(data[-4:], "big")


def _sealed(data: bytes) -> bytes:
    return data + checksum(data, 0, len(data)).to_bytes(CRC_SIZE, "big")


def _unsealed(data: bytes) -> bytes:
    content = data[:-CRC_SIZE]
    if len(data) < CRC_SIZE or int.from_bytes(data[-CRC_SIZE:], "big") != checksum(content, 0, len(content)):
        raise CorruptLog("an index file does not have the CRC that it says")
    return content


def _big_endian(column: array[int]) -> bytes:
    if sys.byteorder == "little":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _native(typecode: str, data: bytes) -> array[int]:
    column: array[int] = array(typecode, data)
    if sys.byteorder == "little":
        column.byteswap()
    return column
