"""One segment: a file of record batches, its sparse index, and what is known about the health of its bytes.

Bytes that this process appended were checked when they came in. Bytes found on disk at start are checked against their
CRC before they are served for the first time, unless recovery has checked them already; `VerifiedRanges` remembers that.
"""

from __future__ import annotations

import logging
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator

from harness.pylog_broker.storage.batch import HEADER_SIZE, NO_TIMESTAMP, BatchHeader, parse_header, verify_stored
from harness.pylog_broker.storage.errors import CorruptBatch, CorruptLog, UnsupportedMagic
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, write_file
from harness.pylog_broker.storage.index import SparseIndex, read_newest_time
from harness.pylog_broker.storage.transaction_index import TransactionIndex

logger = logging.getLogger(__name__)

WALK_BYTES = 8 << 10  # one read of a header walk: an index interval and a bit
SCAN_BYTES = 1 << 20  # one read of a CRC scan
OPEN_SEGMENTS_MAX = 256  # closed segments whose file and index are kept open, over all partitions
INDEX_INTERVAL_BYTES = 4096  # for an index that is rebuilt
VERIFIED_RANGES_MAX = 512  # per segment; beyond it the oldest knowledge is dropped and checked again


class SegmentFile:
    """An open descriptor that closes when its last holder lets go.

    A reader in the middle of a sendfile holds it, so a segment may be deleted meanwhile: the bytes stay until then.
    """

    __slots__ = ("_close", "fd")

    def __init__(self, file_system: FileSystem, path: str, flags: int) -> None:
        self.fd = -1
        self._close = file_system.close
        self.fd = file_system.open(path, flags | os.O_CLOEXEC, 0o644)

    def __del__(self) -> None:
        if self.fd >= 0:
            self._close(self.fd)
            self.fd = -1


class BadBatch(Exception):
    """A scan met bytes that are not a sound batch at `position`."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"{reason} (position {position})")
        self.position = position


def _header_at(buffer: bytes, offset_in_buffer: int, position: int, end: int) -> BatchHeader:
    try:
        header = parse_header(buffer, offset_in_buffer)
    except (CorruptBatch, UnsupportedMagic) as error:
        raise BadBatch(position, str(error)) from error
    if position + header.length > end:
        raise BadBatch(position, f"the batch says {header.length} bytes, {end - position} are left")
    return header


def walk_headers(
    file_system: FileSystem,
    fd: int,
    position: int,
    end: int,
    *,
    expected_offset: int | None,
    read_bytes: int = WALK_BYTES,
    gaps: bool = False,
) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of each batch in [position, end), without checking CRCs.

    Offsets have to follow each other without a gap, from `expected_offset` on where that is known: the base offset is not
    covered by the CRC, its neighbours are what it can be checked against. With `gaps`, as compaction leaves them, offsets only
    have to ascend. Raises BadBatch.
    """
    buffer, start = b"", position
    while position < end:
        inside = position - start
        if inside + HEADER_SIZE > len(buffer):
            buffer, start, inside = file_system.pread(fd, read_bytes, position), position, 0
        header = _header_at(buffer, inside, position, end)
        if expected_offset is not None and header.base_offset != expected_offset:
            _refuse_offset(position, header.base_offset, expected_offset, gaps)
        yield position, header
        position += header.length
        expected_offset = header.next_offset


def _refuse_offset(position: int, offset: int, expected_offset: int, gaps: bool) -> None:
    if not gaps or offset < expected_offset:
        raise BadBatch(position, f"offset {offset} where {expected_offset} has to be")


def check_batches(
    file_system: FileSystem, fd: int, position: int, end: int, *, expected_offset: int | None, gaps: bool = False
) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of each batch in [position, end), offsets and CRC checked; raises BadBatch at the first unsound one."""
    buffer, start = b"", position
    while position < end:
        inside = position - start
        if inside + HEADER_SIZE > len(buffer):
            buffer, start, inside = file_system.pread(fd, SCAN_BYTES, position), position, 0
        header = _header_at(buffer, inside, position, end)
        if expected_offset is not None and header.base_offset != expected_offset:
            _refuse_offset(position, header.base_offset, expected_offset, gaps)
        if inside + header.length > len(buffer):
            buffer, start, inside = file_system.pread(fd, max(SCAN_BYTES, header.length), position), position, 0
        try:
            verify_stored(buffer, inside, header)
        except CorruptBatch as error:
            raise BadBatch(position, str(error)) from error
        yield position, header
        position += header.length
        expected_offset = header.next_offset


class VerifiedRanges:
    """Disjoint byte ranges of a segment whose CRCs were checked since this process started."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def covers(self, start: int, end: int) -> bool:
        slot = bisect_right(self._starts, start) - 1
        return slot >= 0 and self._ends[slot] >= end

    def add(self, start: int, end: int) -> None:
        first = bisect_right(self._ends, start - 1)
        last = bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        if len(self._starts) > VERIFIED_RANGES_MAX:
            del self._starts[0], self._ends[0]


class Segment:
    """The batches from `base_offset` on. `size` is what counts: bytes behind it do not belong to the log."""

    __slots__ = (
        "_fs",
        "base_offset",
        "created_ms",
        "damaged",
        "deleted",
        "file",
        "first_timestamp",
        "gaps",
        "index",
        "max_timestamp",
        "max_timestamp_offset",
        "path",
        "size",
        "synced",
        "transactions",
        "trusted_from",
        "verified",
    )

    def __init__(
        self, file_system: FileSystem, directory: str, base_offset: int, *, size: int, created_ms: int
    ) -> None:
        self._fs = file_system
        self.base_offset = base_offset
        self.path = os.path.join(directory, f"{base_offset:020d}")
        self.size = size
        self.created_ms = created_ms  # when its first batch came, for segment.ms
        self.first_timestamp = NO_TIMESTAMP  # the largest of its first batch; by segment.ms from there on it is closed
        self.max_timestamp = NO_TIMESTAMP
        self.max_timestamp_offset = base_offset
        self.file: SegmentFile | None = None
        self.index: SparseIndex | None = None
        self.transactions = TransactionIndex(file_system, self.path)
        self.trusted_from = size  # everything behind was appended by this process
        self.verified = VerifiedRanges()
        self.synced = False  # all that was in it when it was closed, or found at start, is fsynced
        self.damaged = False  # unsound batches were met; what lies behind them is not known
        self.deleted = False
        self.gaps = False  # compaction has been here: offsets ascend, and need not follow each other

    @property
    def log_path(self) -> str:
        return self.path + ".log"

    def open(self, *, create: bool = False) -> tuple[SegmentFile, SparseIndex]:
        """The file and index, opened and loaded when they are not yet."""
        if self.file is None:
            flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
            self.file = SegmentFile(self._fs, self.log_path, flags)
        if self.index is None:
            self.index = self._load_index()
        return self.file, self.index

    def release(self) -> None:
        """Let go of the descriptor and the index; readers in flight keep the descriptor alive."""
        self.file = None
        self.index = None
        self.transactions.release()

    def save_index(self, index: SparseIndex | None) -> None:
        """Write the index files, unless there is nothing to write; without an fsync, since they can be rebuilt.

        The index of a damaged segment is not written: it would look complete the next time.
        """
        if index is not None and not self.damaged:
            index.add_time(self.max_timestamp, self.max_timestamp_offset)
            write_file(self._fs, self.path + ".index", index.encode_offsets(), durable=False)
            write_file(self._fs, self.path + ".timeindex", index.encode_times(), durable=False)

    def _load_index(self) -> SparseIndex:
        if self.size == 0:
            return SparseIndex(self.base_offset)
        try:
            offset_bytes = read_file(self._fs, self.path + ".index")
            time_bytes = read_file(self._fs, self.path + ".timeindex")
            index = SparseIndex.decode(self.base_offset, offset_bytes, time_bytes, size_max=self.size)
            if index.timestamps and (index.positions or self.size <= SCAN_BYTES):
                return index
        except FileNotFoundError:
            pass
        except CorruptLog as error:
            logger.warning("%s: %s; the index is rebuilt from the segment", self.log_path, error)
        return self._rebuild_index()  # also where the files are in order, and say nothing

    def _rebuild_index(self) -> SparseIndex:
        assert self.file is not None
        index = SparseIndex(self.base_offset)
        self.max_timestamp, self.max_timestamp_offset = NO_TIMESTAMP, self.base_offset
        try:
            for position, header in walk_headers(
                self._fs,
                self.file.fd,
                0,
                self.size,
                expected_offset=self.base_offset,
                read_bytes=SCAN_BYTES,
                gaps=self.gaps,
            ):
                self.note(index, position, header, interval=INDEX_INTERVAL_BYTES)
        except BadBatch:
            self.damaged = True  # entries up to the damage; readers that come there are refused
        return index

    def note(self, index: SparseIndex, position: int, header: BatchHeader, *, interval: int) -> None:
        """Account for a batch at `position`: largest timestamp, and an index entry when one is due."""
        if header.max_timestamp > self.max_timestamp:
            self.max_timestamp, self.max_timestamp_offset = header.max_timestamp, header.base_offset
        if position - index.last_position >= interval:
            index.add(header.base_offset, position, self.max_timestamp, self.max_timestamp_offset)

    def load_max_timestamp(self) -> int:
        """The largest timestamp in ms, or -1; read from the time index of a segment found on disk when not known yet."""
        if self.max_timestamp == NO_TIMESTAMP and self.size > 0:
            newest = read_newest_time(self._fs, self.path + ".timeindex") if self.index is None else None
            if newest is not None:
                self.max_timestamp, self.max_timestamp_offset = newest[0], self.base_offset + newest[1]
                return self.max_timestamp
            _, index = self.open()
            if index.timestamps and index.timestamps[-1] > self.max_timestamp:
                self.max_timestamp = index.timestamps[-1]
                self.max_timestamp_offset = self.base_offset + index.time_offsets[-1]
        return self.max_timestamp

    def newest_ms(self) -> int:
        """Largest timestamp in ms; the time of its last write where the records carry none, or not all can be read."""
        timestamp = self.load_max_timestamp()
        if (timestamp < 0 and self.size > 0) or self.damaged:
            try:
                return int(self._fs.stat(self.log_path).st_mtime * 1000)
            except FileNotFoundError:
                return 0
        return timestamp

    def oldest_ms(self) -> int:
        """Largest timestamp in ms of the first batch, or -1."""
        file, _ = self.open()
        for _, header in walk_headers(self._fs, file.fd, 0, self.size, expected_offset=None):
            return header.max_timestamp
        return NO_TIMESTAMP

    # --- finding batches --------------------------------------------------------------------------------------------

    def corrupt(self, error: BadBatch) -> CorruptLog:
        return CorruptLog(
            f"{self.log_path}: {error}. Restore the file from a copy, or give up what it holds: delete the records "
            f"before the next segment, or before the log end where this is the last one"
        )

    def walk_from(self, offset: int) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of batches, from one at or before `offset` to the end; raises CorruptLog."""
        file, index = self.open()
        position, expected_offset = index.before_offset(offset)
        try:
            yield from walk_headers(
                self._fs, file.fd, position, self.size, expected_offset=expected_offset, gaps=self.gaps
            )
        except BadBatch as error:
            raise self.corrupt(error) from error

    def locate(self, offset: int) -> tuple[int, BatchHeader] | None:
        """Position and header of the first batch that ends at or behind `offset`; None when all end before it."""
        for position, header in self.walk_from(offset):
            if header.last_offset >= offset:
                return position, header
        return None

    def first_batch(self, position: int) -> tuple[int, int]:
        """End of the batch at `position`, and the offset that follows it; raises CorruptLog."""
        file, _ = self.open()
        try:
            _, header = next(walk_headers(self._fs, file.fd, position, self.size, expected_offset=None))
        except BadBatch as error:
            raise self.corrupt(error) from error
        return position + header.length, header.next_offset

    def boundary_before(self, start: int, position_max: int) -> tuple[int, int]:
        """The last batch boundary in [start, position_max], and the offset that follows it (-1 when not known).

        `start` is itself a boundary; an answer of `start` says that the first batch does not fit.
        """
        file, index = self.open()
        walk_from, expected_offset = index.before_position(position_max)
        if walk_from < start:
            walk_from, expected_offset = start, -1
        boundary, next_offset = walk_from, -1
        try:
            for position, header in walk_headers(
                self._fs,
                file.fd,
                walk_from,
                self.size,
                expected_offset=expected_offset if expected_offset >= 0 else None,
                gaps=self.gaps,
            ):
                if position + header.length > position_max:
                    if next_offset < 0 and position > start:
                        next_offset = header.base_offset
                    break
                boundary, next_offset = position + header.length, header.next_offset
        except BadBatch as error:
            if boundary == start:
                raise self.corrupt(error) from error
        return boundary, next_offset

    def verify(self, start: int, end: int, *, expected_offset: int) -> int:
        """Check what lies in [start, end), unless that was done; the position of the first unsound batch, or `end`.

        `expected_offset` is the base offset of the batch at `start`. Raises CorruptLog when already that one is unsound.
        """
        end_found_on_disk = min(end, self.trusted_from)
        if start >= end_found_on_disk or self.verified.covers(start, end_found_on_disk):
            return end
        file, _ = self.open()
        try:
            for _ in check_batches(
                self._fs, file.fd, start, end_found_on_disk, expected_offset=expected_offset, gaps=self.gaps
            ):
                pass
        except BadBatch as error:
            if error.position == start:
                raise self.corrupt(error) from error
            self.verified.add(start, error.position)
            return error.position
        self.verified.add(start, end_found_on_disk)
        return end


class OpenSegments:
    """Closed segments whose file and index are open, least recently used first out."""

    def __init__(self, limit: int = OPEN_SEGMENTS_MAX) -> None:
        self._limit = limit
        self._segments: OrderedDict[Segment, None] = OrderedDict()

    def touch(self, segment: Segment) -> None:
        """Note a use of a closed segment; the one unused longest is closed when there are too many."""
        self._segments[segment] = None
        self._segments.move_to_end(segment)
        if len(self._segments) > self._limit:
            evicted, _ = self._segments.popitem(last=False)
            evicted.release()

    def forget(self, segment: Segment) -> None:
        self._segments.pop(segment, None)
        segment.release()
