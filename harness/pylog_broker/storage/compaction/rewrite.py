"""The work of one cleaning on files, off the thread that serves requests: it reads old segments and writes cleaned ones.

It touches nothing of the log's state. Everything it has to know was gathered on the log's own thread before (`Task`); what it
made is handed back (`CleanedSegment`) and put in place there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from harness.pylog_broker.storage.batch import CODEC_MASK, CONTROL_BIT, HEADER_SIZE, BatchHeader, parse_header
from harness.pylog_broker.storage.compaction.filtering import AbortedTransactions, Filter, LastBatch
from harness.pylog_broker.storage.compaction.offset_map import OffsetMap
from harness.pylog_broker.storage.compaction.swap import SwapName
from harness.pylog_broker.storage.compression import decompress
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory, write_file
from harness.pylog_broker.storage.index import SparseIndex
from harness.pylog_broker.storage.raw_records import raw_records
from harness.pylog_broker.storage.segment import BadBatch, Segment, SegmentFile, check_batches
from harness.pylog_broker.storage.transaction_index import AbortedTransaction, encode_row

WRITE_BYTES = 1 << 20


class Source(NamedTuple):
    """An old segment: its open file, which stays readable whatever happens to its name."""

    base_offset: int
    end_offset: int
    size: int
    file: SegmentFile
    gaps: bool


class Task(NamedTuple):
    """One cleaning of one log."""

    directory: str
    sources: tuple[Source, ...]
    """All segments to be rewritten, oldest first."""
    groups: tuple[int, ...]
    """How many of them go into each cleaned segment."""
    first_dirty: int
    aborted: tuple[AbortedTransaction, ...]
    """All rows of the log, those whose markers lie behind the segments to be rewritten too."""
    last_batches: dict[int, LastBatch]
    delete_retention_ms: int
    index_interval: int
    now_ms: int
    map_bytes: int


class CleanedSegment(NamedTuple):
    """A cleaned file on disk, synced, not yet in place."""

    name: SwapName
    size: int
    entries: SparseIndex
    max_timestamp: int
    max_timestamp_offset: int


class Cleaned(NamedTuple):
    """What a cleaning made. Segments in which nothing changed are not among `segments`."""

    segments: tuple[CleanedSegment, ...]
    clean_to: int
    records_read: int
    bytes_before: int
    bytes_after: int


class Stopped(Exception):
    """The broker is closing, or the partition was deleted: nothing of this cleaning counts."""


Pace = Callable[[int], None]
"""Called with the number of bytes just read: it waits as long as it likes, or raises Stopped."""


def clean(file_system: FileSystem, task: Task, pace: Pace) -> Cleaned:
    """Do one cleaning. Raises BadBatch or CorruptBatch for damage, CodecMissing, OSError, Stopped."""
    offsets = OffsetMap(task.map_bytes)
    aborted = AbortedTransactions(task.aborted)
    clean_to, records = _fill(file_system, task, offsets, aborted, pace)
    made: list[CleanedSegment] = []
    first = bytes_before = bytes_after = 0
    rules = Filter(
        last_offset_of=offsets.last_offset,
        aborted=aborted,
        last_batches=task.last_batches,
        now_ms=task.now_ms,
        delete_retention_ms=task.delete_retention_ms,
    )
    for count in task.groups:
        sources = task.sources[first : first + count]
        first += count
        if sources[0].base_offset >= clean_to:
            break
        segment = _Rewrite(file_system, task, sources, rules, clean_to).run(pace)
        size = sum(source.size for source in sources)
        bytes_before += size
        bytes_after += segment.size if segment is not None else size
        if segment is not None:
            made.append(segment)
    if made:
        sync_directory(file_system, task.directory)
    return Cleaned(tuple(made), clean_to, records, bytes_before, bytes_after)


def _batches(file_system: FileSystem, source: Source, pace: Pace) -> Iterator[tuple[bytes, BatchHeader]]:
    for position, header in check_batches(
        file_system, source.file.fd, 0, source.size, expected_offset=source.base_offset, gaps=source.gaps
    ):
        pace(header.length)
        yield file_system.pread(source.file.fd, header.length, position), header


def _fill(
    file_system: FileSystem, task: Task, offsets: OffsetMap, aborted: AbortedTransactions, pace: Pace
) -> tuple[int, int]:
    """Note the last offset of each key of the dirty part; the offset up to which there was room, and records seen."""
    seen = 0
    for source in task.sources:
        if source.end_offset <= task.first_dirty:
            continue
        for batch, header in _batches(file_system, source, pace):
            if header.attributes & CONTROL_BIT or header.base_offset < task.first_dirty or aborted.holds(header):
                continue
            if not offsets.room_for(header.record_count) and len(offsets):
                return header.base_offset, seen
            data = decompress(header.attributes & CODEC_MASK, batch[HEADER_SIZE : header.length])
            for row in raw_records(data, header.record_count):
                if row.key is not None:
                    offsets.put(row.key, header.base_offset + row.offset_delta)
            seen += header.record_count
    return task.sources[-1].end_offset, seen


class _Rewrite:
    """One group of segments into one cleaned file."""

    def __init__(
        self, file_system: FileSystem, task: Task, sources: Sequence[Source], rules: Filter, clean_to: int
    ) -> None:
        self.fs = file_system
        self.task = task
        self.sources = sources
        self.rules = rules
        self.clean_to = clean_to
        self.name = SwapName(task.directory, sources[0].base_offset, sources[-1].end_offset)
        # A segment that is never opened: it keeps the account of the new file's index and timestamps.
        self.account = Segment(file_system, task.directory, self.name.base, size=0, created_ms=0)
        self.index = SparseIndex(self.name.base)
        self.markers: set[int] = set()
        self.pending = bytearray()
        self.written = 0

    def run(self, pace: Pace) -> CleanedSegment | None:
        """Write the file; None where it would be what is there already."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        fd = self.fs.open(self.name.cleaned, flags, 0o644)
        try:
            changed = len(self.sources) > 1
            for source in self.sources:
                for batch, header in _batches(self.fs, source, pace):
                    changed = self._take(fd, batch, header) or changed
            self._flush(fd)
            if changed:
                self.fs.sync(fd)
        finally:
            self.fs.close(fd)
        if not changed:
            self.fs.unlink(self.name.cleaned)
            return None
        rows = b"".join(encode_row(row) for row in self.task.aborted if row.last_offset in self.markers)
        write_file(self.fs, self.name.transactions, rows, durable=True)
        self.index.add_time(self.account.max_timestamp, self.account.max_timestamp_offset)
        return CleanedSegment(
            self.name, self.written, self.index, self.account.max_timestamp, self.account.max_timestamp_offset
        )

    def _take(self, fd: int, batch: bytes, header: BatchHeader) -> bool:
        kept: bytes | None = batch
        changed = False
        if header.base_offset < self.clean_to:
            kept, changed = self.rules.take(batch, header)
        if kept is None:
            return True
        if header.attributes & CONTROL_BIT:
            self.markers.add(header.base_offset)
        if changed:
            header = parse_header(kept)
        self.account.note(self.index, self.written, header, interval=self.task.index_interval)
        self.pending += kept
        self.written += len(kept)
        if len(self.pending) >= WRITE_BYTES:
            self._flush(fd)
        return changed

    def _flush(self, fd: int) -> None:
        view = memoryview(self.pending)
        while view:
            view = view[self.fs.write(fd, view) :]
        self.pending = bytearray()


__all__ = ["BadBatch", "Cleaned", "CleanedSegment", "Source", "Stopped", "Task", "clean"]
