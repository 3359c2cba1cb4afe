"""What is really on disk: how a partition's folder becomes a log again after a shutdown, a kill or a power cut.

Three cases, told apart by the checkpoint document and the machine's boot id:

- clean: the broker closed everything and said so. Nothing is read but file sizes.
- killed: the process died, the machine did not. What was written is still there, so only what came after the last checkpoint
  is scanned.
- unknown: the machine went down, or there is no checkpoint. Everything that is not known to be fsynced is scanned.

A scan checks the CRC of each batch. The first unsound batch of the *last* segment with bytes in it is a torn tail and is cut off,
with all that follows. In an earlier segment it is damage: the file is left alone, and readers that reach the place are
refused. Empty segments that do not begin where the log ends are what a power cut leaves of lost ones, and are deleted.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
from collections.abc import Mapping
from typing import NamedTuple

from harness.pylog_broker.storage.batch import CONTROL_BIT, BatchHeader
from harness.pylog_broker.storage.compaction.swap import finish_swaps
from harness.pylog_broker.storage.control import read_marker
from harness.pylog_broker.storage.documents import read_document
from harness.pylog_broker.storage.errors import CorruptBatch, CorruptLog, UnsupportedFormat
from harness.pylog_broker.storage.facts import LogState
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory
from harness.pylog_broker.storage.index import SparseIndex
from harness.pylog_broker.storage.leader_epochs import LeaderEpochs, load_leader_epochs
from harness.pylog_broker.storage.producer_state import SNAPSHOT_KIND, ProducerState
from harness.pylog_broker.storage.segment import (
    INDEX_INTERVAL_BYTES,
    BadBatch,
    Segment,
    SegmentFile,
    check_batches,
    walk_headers,
)
from harness.pylog_broker.storage.transaction_index import AbortedTransaction

logger = logging.getLogger(__name__)

NAME_DIGITS = 20


class Shutdown(enum.Enum):
    """How the last run ended."""

    CLEAN = "clean"
    KILLED = "killed"
    UNKNOWN = "unknown"


class Report(NamedTuple):
    """What recovery found in one partition."""

    scanned_bytes: int
    truncated_bytes: int
    damage: tuple[str, ...]


def recover(
    file_system: FileSystem,
    directory: str,
    *,
    row: Mapping[str, int] | None,
    log_start: int,
    shutdown: Shutdown,
    gaps_to: int = 0,
) -> tuple[LogState, Report]:
    """Rebuild the state of the log in `directory`.

    `row` is the partition's row of the checkpoint document, if there is one; `log_start` is where DeleteRecords has moved the
    log start, and `gaps_to` the offset below which compaction may have left gaps. Raises OSError.
    """
    return _Recovery(file_system, directory, row, log_start, shutdown, gaps_to).run()


class _Recovery:
    def __init__(
        self,
        file_system: FileSystem,
        directory: str,
        row: Mapping[str, int] | None,
        log_start: int,
        shutdown: Shutdown,
        gaps_to: int,
    ) -> None:
        self.fs = file_system
        self.gaps_to = gaps_to
        self.directory = directory
        self.row = row
        self.log_start = log_start
        self.shutdown = shutdown if row is not None else Shutdown.UNKNOWN
        self.names: list[str] = []
        self.segments: list[Segment] = []
        self.scanned_bytes = 0
        self.truncated_bytes = 0
        self.damage: list[str] = []
        self.epochs = LeaderEpochs()

    def run(self) -> tuple[LogState, Report]:
        self._list_segments()
        row = self.row
        if not self.segments:
            start = max(self.log_start, row["end"] if row is not None else 0)
            self.segments = [Segment(self.fs, self.directory, start, size=0, created_ms=0)]
            epoch = row.get("leader_epoch", 0) if row is not None else 0
            return LogState(self.segments, start, start, ProducerState(), epoch, LeaderEpochs()), Report(0, 0, ())
        self._mark_synced()
        self._load_epochs()
        end = self._adopt_row() if self._row_is_exact() else self._scan()
        first = self.segments[0].base_offset
        start = max(first, self.log_start, row["start"] if row is not None else 0)
        if end < start:  # a lost tail must not bring back offsets that were deleted
            end = start
            fresh = Segment(self.fs, self.directory, start, size=0, created_ms=0)
            fresh.open(create=True)
            fresh.release()
            self.segments.append(fresh)
        producers = self._producers(end)
        self.epochs.truncate_from(end)
        self.epochs.cut_before(start)
        report = Report(self.scanned_bytes, self.truncated_bytes, tuple(self.damage))
        return LogState(self.segments, start, end, producers, self._leader_epoch(), self.epochs), report

    def _list_segments(self) -> None:
        finish_swaps(self.fs, self.directory)
        self.names = self.fs.listdir(self.directory)
        bases: list[int] = []
        for name in self.names:
            stem, _, suffix = name.partition(".")
            if suffix == "log" and len(stem) == NAME_DIGITS and stem.isdigit():
                bases.append(int(stem))
            elif suffix.endswith(("deleted", "tmp")):
                self.fs.unlink(os.path.join(self.directory, name))
        for base in sorted(bases):
            path = os.path.join(self.directory, f"{base:0{NAME_DIGITS}d}.log")
            status = self.fs.stat(path)
            created_ms = int(status.st_mtime * 1000)
            segment = Segment(self.fs, self.directory, base, size=status.st_size, created_ms=created_ms)
            segment.gaps = base < self.gaps_to
            self.segments.append(segment)

    def _mark_synced(self) -> None:
        if self.row is not None:
            for segment in self.segments[:-1]:
                segment.synced = self.shutdown is Shutdown.CLEAN or segment.base_offset < self.row["synced"]
            self.segments[-1].synced = self._row_is_exact()

    def _row_is_exact(self) -> bool:
        """Whether the last run ended cleanly and its last row fits what is there."""
        row, last = self.row, self.segments[-1]
        return (
            self.shutdown is Shutdown.CLEAN
            and row is not None
            and (row["segment"], row["size"]) == (last.base_offset, last.size)
        )

    def _adopt_row(self) -> int:
        assert self.row is not None
        last, row = self.segments[-1], self.row
        last.created_ms = row["created_ms"]
        last.max_timestamp, last.max_timestamp_offset = row["max_timestamp"], row["max_timestamp_offset"]
        return row["end"]

    # --- leader epochs ----------------------------------------------------------------------------------------------

    def _load_epochs(self) -> None:
        """From the checkpoint file, or from all batch headers where it is missing or damaged."""
        try:
            self.epochs = load_leader_epochs(self.fs, self.directory)
        except (FileNotFoundError, CorruptLog) as error:
            if isinstance(error, CorruptLog):
                logger.warning("%s; leader epochs are rebuilt from the log", error)
            for segment in self.segments:
                file, _ = segment.open()
                with contextlib.suppress(BadBatch):  # the scan cuts it off, or readers are refused there
                    for _, header in walk_headers(self.fs, file.fd, 0, segment.size, expected_offset=None):
                        self.epochs.assign(header.leader_epoch, header.base_offset)
                segment.release()

    def _leader_epoch(self) -> int:
        """The epoch of the leader that starts now.

        After a clean shutdown the log is what it was, and the epoch stays: clients go on without asking anew. After any
        other end the tail may be gone and its offsets be given to other records, so this is a new leader, with a new
        epoch, and clients can see where the old one ends (KIP-320). The checkpoint document makes it durable before the
        first request.
        """
        known = max(self.epochs.latest, self.row.get("leader_epoch", 0) if self.row is not None else 0)
        return known if self._row_is_exact() else known + 1

    # --- scanning ---------------------------------------------------------------------------------------------------

    def _scan(self) -> int:
        """Check what can have been torn; the offset at which the log ends."""
        row = self.row
        end = self.segments[0].base_offset
        last_written = next((segment for segment in reversed(self.segments) if segment.size > 0), None)
        if last_written is None:
            return self._scan_nothing()
        for segment in list(self.segments):
            is_last = segment is self.segments[-1]
            if segment.size == 0 and segment.gaps and not is_last:
                end = self._base_behind(segment)  # compaction left nothing of it; its offsets still belong to the log
                continue
            if segment.size == 0 and self._is_hollow(segment, end, is_last=is_last):
                self._drop_hollow(segment)
                continue
            position = 0
            if row is not None:
                if self.shutdown is not Shutdown.UNKNOWN and self._row_describes(segment, row):
                    position = row["size"]
                    end = row["end"]
                elif not is_last and self._is_older_than_scan(segment, row):
                    end = self._base_behind(segment)
                    continue
            if position == 0:
                end = segment.base_offset
            may_be_torn = is_last or (segment is last_written and not segment.gaps)
            end = self._scan_segment(segment, position, end, may_be_torn=may_be_torn)
            if segment.gaps and not is_last:
                end = self._base_behind(segment)
        return end

    def _scan_nothing(self) -> int:
        """Of segments that are all empty, one stays: the first, or the one to which DeleteRecords has moved the start."""
        first, start = self.segments[0].base_offset, self._start_moved_to()
        kept = [segment for segment in self.segments if segment.base_offset <= max(first, start)][-1]
        for segment in list(self.segments):
            if segment is not kept:
                self._drop_hollow(segment)
        return kept.base_offset

    def _start_moved_to(self) -> int:
        return max(self.log_start, self.row["start"] if self.row is not None else 0)

    def _base_behind(self, segment: Segment) -> int:
        """Where the segment behind a closed one begins."""
        return self.segments[self.segments.index(segment) + 1].base_offset

    def _is_hollow(self, segment: Segment, end: int, *, is_last: bool) -> bool:
        """Whether an empty segment is not where the log goes on after `end`, nor where DeleteRecords has moved its start."""
        goes_on = segment.base_offset == end or end < segment.base_offset <= self._start_moved_to()
        return not (is_last and goes_on)

    def _drop_hollow(self, segment: Segment) -> None:
        logger.warning("an empty segment that is not where the log ends is deleted: %s", segment.log_path)
        self.segments.remove(segment)
        for suffix in (".log", ".index", ".timeindex"):
            with contextlib.suppress(FileNotFoundError):
                self.fs.unlink(segment.path + suffix)
        sync_directory(self.fs, self.directory)

    def _row_describes(self, segment: Segment, row: Mapping[str, int]) -> bool:
        return segment.base_offset == row["segment"] and segment.size >= row["size"]

    def _is_older_than_scan(self, segment: Segment, row: Mapping[str, int]) -> bool:
        trusted_below = row["synced"] if self.shutdown is Shutdown.UNKNOWN else row["segment"]
        return segment.base_offset < trusted_below

    def _scan_segment(self, segment: Segment, start: int, end_offset: int, *, may_be_torn: bool) -> int:
        """Check batches from `start` on, rebuild the index behind it, cut a torn tail; the offset that follows."""
        file, index = self._index_up_to(segment, start)
        position = start
        try:
            for position_found, header in check_batches(
                self.fs, file.fd, start, segment.size, expected_offset=end_offset, gaps=segment.gaps
            ):
                segment.note(index, position_found, header, interval=INDEX_INTERVAL_BYTES)
                if header.leader_epoch > self.epochs.latest:
                    self.epochs.assign(header.leader_epoch, header.base_offset)
                position = position_found + header.length
                end_offset = header.next_offset
        except BadBatch as error:
            if not may_be_torn:
                segment.damaged = True
                self.damage.append(f"{segment.log_path}: {error}")
                logger.error("damage in a closed segment, %s: %s", segment.log_path, error)
            else:
                logger.warning("torn tail cut off, %s: %s", segment.log_path, error)
                self.truncated_bytes += segment.size - error.position
                self.fs.truncate(file.fd, error.position)
                segment.size = segment.trusted_from = error.position
        self.scanned_bytes += position - start
        segment.verified.add(start, position)
        segment.save_index(index)
        segment.release()
        return end_offset

    def _index_up_to(self, segment: Segment, start: int) -> tuple[SegmentFile, SparseIndex]:
        """The file, and an index without entries from `start` on, which the scan makes anew."""
        if start == 0:
            segment.index = SparseIndex(segment.base_offset)
            return segment.open()
        file, index = segment.open()
        index.truncate(start)
        assert self.row is not None
        segment.created_ms = self.row["created_ms"]
        segment.max_timestamp = self.row["max_timestamp"]
        segment.max_timestamp_offset = self.row["max_timestamp_offset"]
        return file, index

    # --- producers --------------------------------------------------------------------------------------------------

    def _producers(self, end: int) -> ProducerState:
        """State from the newest snapshot that is not ahead of the log, plus the batches behind it."""
        state, known_to = ProducerState(), self.segments[0].base_offset
        row = self.row
        if row is not None and row["producers"] == 0 and row["end"] <= end:
            known_to = row["end"]
        for name in sorted(name for name in self.names if name.endswith(".snapshot")):
            offset = int(name.partition(".")[0])
            if offset > end:  # of a tail that is gone; other records will take these offsets
                self.fs.unlink(os.path.join(self.directory, name))
                continue
            snapshot = self._snapshot(name) if offset > known_to else None
            if snapshot is not None:
                state, known_to = snapshot, offset
        if known_to < end:
            self._replay(state, known_to)
        return state

    def _snapshot(self, name: str) -> ProducerState | None:
        path = os.path.join(self.directory, name)
        try:
            body = read_document(self.fs, path, SNAPSHOT_KIND)
        except (CorruptLog, UnsupportedFormat) as error:
            logger.warning("%s; producer state is rebuilt from the log", error)
            return None
        return None if body is None else ProducerState.from_body(body)

    def _replay(self, state: ProducerState, offset: int) -> None:
        """Bring `state`, known up to `offset`, up to the log end; the indexes of aborted transactions come along."""
        following = [segment.base_offset for segment in self.segments[1:]]
        for segment, next_base in zip(self.segments, [*following, None], strict=True):
            if next_base is not None and next_base <= offset:
                continue
            segment.transactions.cut_from(offset)
            if segment.size == 0:
                continue
            file, index = segment.open()
            start, expected_offset = index.before_offset(offset)
            try:
                for position, header in check_batches(
                    self.fs, file.fd, start, segment.size, expected_offset=expected_offset, gaps=segment.gaps
                ):
                    if header.base_offset < offset:
                        continue
                    if header.attributes & CONTROL_BIT:
                        self._replay_marker(state, segment, header, self.fs.pread(file.fd, header.length, position))
                    else:
                        state.replay(header)
            except (BadBatch, CorruptBatch):
                # What the producers wrote last cannot be read: without memory they go on, with an old one they would
                # be told of a gap that is none. The damage itself is reported to the reader who comes there.
                state.clear()
            if next_base is not None:
                segment.release()

    def _replay_marker(self, state: ProducerState, segment: Segment, header: BatchHeader, batch: bytes) -> None:
        marker = read_marker(header, batch)
        if marker is None:
            return
        first_offset = state.end_transaction(marker, header.max_timestamp)
        if first_offset is not None and not marker.committed:
            stable = next(iter(state.ongoing.values()), header.next_offset)
            segment.transactions.append(
                AbortedTransaction(marker.producer_id, first_offset, header.base_offset, stable)
            )
