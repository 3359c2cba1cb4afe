"""Reading a log: ranges of files by offset, look-up by time, aborted transactions."""

from __future__ import annotations

from bisect import bisect_right

from harness.pylog_broker.storage import lookup
from harness.pylog_broker.storage.errors import (
    CorruptLog,
    OffsetOutOfRange,
)
from harness.pylog_broker.storage.facts import EMPTY_SLICE, LogSlice
from harness.pylog_broker.storage.log_segments import SegmentedLog
from harness.pylog_broker.storage.segment import Segment
from harness.pylog_broker.storage.transaction_index import aborted_between

CURSORS_MAX = 256  # read positions remembered per partition, for readers that go on where they stopped

_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


class ReadableLog(SegmentedLog):
    """A log that can be read."""

    __slots__ = ()

    def read(self, offset: int, max_bytes: int, *, limit_offset: int, at_least_one: bool) -> LogSlice:
        """Whole batches from the one that holds `offset` on, inside one segment, below `limit_offset`.

        At most `max_bytes` long, except that `at_least_one` lets the first batch through whatever its size. Empty when there
        is nothing between `offset` and the limit. Raises OffsetOutOfRange, or CorruptLog when the bytes on disk are damaged.
        """
        log_end = self.log_end_offset
        if not self.log_start_offset <= offset <= log_end:
            raise OffsetOutOfRange(f"offset {offset} is not in {self.log_start_offset} .. {log_end}")
        limit = limit_offset if limit_offset < log_end else log_end
        if offset >= limit:
            return EMPTY_SLICE
        cursor = self._cursors.get(offset)
        if cursor is None or cursor[1] >= cursor[0].size:
            cursor = self._locate(offset)
            if cursor is None:
                return EMPTY_SLICE
        segment, position, first_offset = cursor
        end, next_offset = self._slice_end(segment, limit)
        if end - position > max_bytes:
            end, next_offset = segment.boundary_before(position, position + max_bytes)
            if end == position:
                if not at_least_one:
                    return EMPTY_SLICE
                end, next_offset = segment.first_batch(position)
        if end <= position:
            return EMPTY_SLICE
        if position < segment.trusted_from:
            sound_end = segment.verify(position, end, expected_offset=first_offset)
            if sound_end < end:
                end, next_offset = sound_end, -1
        if next_offset >= 0:
            self._remember(next_offset, segment, end)
        file, _ = segment.open()
        if segment is not self._active:
            self._open_segments.touch(segment)
        return _new_tuple(LogSlice, (file, position, end - position, next_offset))

    def _remember(self, offset: int, segment: Segment, position: int) -> None:
        cursors = self._cursors
        cursors[offset] = (segment, position, offset)
        if len(cursors) > CURSORS_MAX:
            del cursors[next(iter(cursors))]

    def _locate(self, offset: int) -> tuple[Segment, int, int] | None:
        """Segment, position and base offset of the first batch that ends at or behind `offset`.

        Raises CorruptLog where nothing is at `offset` and compaction has not been there: the end of a segment was lost.
        """
        slot = max(bisect_right(self._bases, offset) - 1, 0)
        for segment in self._segments[slot:]:
            if segment.size > 0:
                found = segment.locate(offset)
                if found is not None:
                    if found[1].base_offset > offset and not self._segments[slot].gaps:
                        raise CorruptLog(
                            f"{self._segments[slot].log_path}: offsets {offset} to {found[1].base_offset} are missing. "
                            f"Restore the file from a copy, or delete the records before {found[1].base_offset}"
                        )
                    return segment, found[0], found[1].base_offset
        return None

    def _slice_end(self, segment: Segment, limit: int) -> tuple[int, int]:
        """Where batches below `limit` end in a segment, and the offset that follows."""
        if segment is self._active:
            if limit >= self.log_end_offset:
                return segment.size, self.log_end_offset
        else:
            following = self._bases[bisect_right(self._bases, segment.base_offset)]
            if limit >= following:
                return segment.size, following
        found = segment.locate(limit)
        return (segment.size, -1) if found is None else (found[0], found[1].base_offset)

    def aborted_transactions(self, offset: int, end: int) -> list[tuple[int, int]]:
        """(producer id, first offset) of the aborted transactions with records in [offset, end); raises CorruptLog."""
        slot = max(bisect_right(self._bases, offset) - 1, 0)
        return aborted_between(self._segments[slot:], offset, end)

    def offset_for_timestamp(self, timestamp_ms: int) -> tuple[int, int] | None:
        """(offset, timestamp in ms) of the first record stamped at or after `timestamp_ms`, or None; see `lookup`."""
        return lookup.first_at_or_after(self._fs, self._segments, self.log_start_offset, timestamp_ms)

    def offset_of_max_timestamp(self) -> tuple[int, int] | None:
        """(offset, timestamp in ms) of the first record with the largest timestamp of the log, or None (KIP-734)."""
        return lookup.first_with_max_timestamp(self._fs, self._segments, self.log_start_offset)
