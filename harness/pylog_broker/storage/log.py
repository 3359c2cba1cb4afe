"""The log of one partition: append, read, look up by time, forget.

A list of segments, the last of which is active. An append is one `write` on a file opened with O_APPEND; a read hands out a
range of a file for `sendfile` and touches batch headers only to find its boundaries. Offsets, sizes and producer state change
only after the write went through, so a failed append leaves the log as it was.

Not safe for several threads: one thread owns a log. Only the jobs given to the worker run elsewhere, and they touch files,
never the state of the log.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress

from harness.pylog_broker.storage import lookup
from harness.pylog_broker.storage.batch import (
    CODEC_MASK,
    HEADER_SIZE,
    KIND_BITS,
    TRANSACTIONAL_BIT,
    BatchHeader,
    parse_header,
    patch_log_append_time,
    patch_offset,
    with_records,
)
from harness.pylog_broker.storage.compression import CODEC_NUMBERS, compress, decompress
from harness.pylog_broker.storage.control import Marker, build_marker
from harness.pylog_broker.storage.disk_worker import InlineWorker, Job, Worker
from harness.pylog_broker.storage.errors import (
    CorruptLog,
    InvalidTimestamp,
    MessageTooLarge,
    OffsetOutOfRange,
    StorageFailed,
)
from harness.pylog_broker.storage.facts import EMPTY_SLICE, AppendResult, LogSlice, LogState
from harness.pylog_broker.storage.filesystem import FileSystem
from harness.pylog_broker.storage.housekeeping import (
    delete_segment_files,
    finish_closed_segment,
    write_recovery_aids,
)
from harness.pylog_broker.storage.index import RELATIVE_OFFSET_MAX, SparseIndex
from harness.pylog_broker.storage.raw_records import require_keys
from harness.pylog_broker.storage.retention import SegmentFacts, expired_segments
from harness.pylog_broker.storage.segment import BadBatch, OpenSegments, Segment, SegmentFile
from harness.pylog_broker.storage.stability import Unreplicated
from harness.pylog_broker.storage.sync import Sync
from harness.pylog_broker.storage.topic_config import INT64_MAX, TopicConfig
from harness.pylog_broker.storage.transaction_index import AbortedTransaction, aborted_between

__all__ = ["EMPTY_SLICE", "AppendResult", "LogSlice", "LogState", "PartitionLog"]

CHECKPOINT_COST = 16 << 20  # bytes to be scanned by a recovery, at least, before a checkpoint is due
BATCH_SCAN_COST = 2 << 10  # what the header of a batch costs a scan, in bytes of CRC
CURSORS_MAX = 256  # read positions remembered per partition, for readers that go on where they stopped

_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


def _ignore(_: PartitionLog) -> None:
    pass


class PartitionLog:
    """One partition's log. `log_end_offset` is the offset of the next record, `high_watermark` what consumers see.

    `replicated_to` is the rule that says up to which offset every in-sync replica has the log, given its new end. None is
    the rule of a sole replica: what is appended is replicated. `leader_epoch` is the epoch of this leader, which every
    batch gets. `discard` has a job that frees bytes run after a delay in ms.
    """

    # With more than thirty attributes, CPython would give each log a dictionary of its own: 1.5 kB, and slower look-ups.
    __slots__ = (
        "_active",
        "_bases",
        "_codec",
        "_cursors",
        "_directory_synced",
        "_discard",
        "_flush_messages",
        "_fs",
        "_index_interval",
        "_log_append_time",
        "_max_message_bytes",
        "_open_segments",
        "_persist_start",
        "_replicated_to",
        "_roll_at_ms",
        "_roll_stamp_ms",
        "_scan_cost",
        "_segment_bytes",
        "_segments",
        "_syncing",
        "_unflushed_records",
        "_unflushed_since_ms",
        "_unreplicated",
        "_worker",
        "_write",
        "awaited_offset",
        "cleaning",
        "config",
        "directory",
        "failure",
        "high_watermark",
        "leader_epoch",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "opens_batches",
        "partition",
        "producers",
        "topic",
    )

    def __init__(
        self,
        file_system: FileSystem,
        directory: str,
        *,
        topic: str,
        partition: int,
        config: TopicConfig,
        state: LogState,
        open_segments: OpenSegments | None = None,
        worker: Worker | None = None,
        persist_start: Callable[[PartitionLog], None] = _ignore,
        replicated_to: Callable[[int], int] | None = None,
        discard: Callable[[Job, int], None] | None = None,
    ) -> None:
        self._fs = file_system
        self._write = file_system.write
        self.directory = directory
        self.topic = topic
        self.partition = partition
        self._open_segments = open_segments or OpenSegments()
        self._worker = worker or InlineWorker()
        self._persist_start = persist_start
        self._discard = discard or (lambda job, _delay_ms: self._worker.submit(job))
        self._segments = state.segments
        self._bases = [segment.base_offset for segment in state.segments]
        self._active = state.segments[-1]
        self.log_start_offset = state.log_start_offset
        self.log_end_offset = state.log_end_offset
        self._replicated_to = replicated_to
        self.high_watermark = state.log_end_offset if replicated_to is None else state.log_start_offset
        self.producers = state.producers
        self.leader_epoch = state.leader_epoch
        self.leader_epochs = state.leader_epochs
        self._unreplicated = Unreplicated()
        self.failure: str | None = None
        self.cleaning = False
        """Closed segments are being compacted: their files stay until that is done."""
        self._cursors: dict[int, tuple[Segment, int, int]] = {}
        self._unflushed_records = 0
        self._unflushed_since_ms = -1
        self.awaited_offset = -1
        """The log end as of the last append that a sync is still owed to (`append` with `deferred`), or -1."""
        self._syncing: Sync | None = None
        self._directory_synced = False
        self._scan_cost = 0
        self.set_config(config)
        self._begin_epoch()

    # --- facts ------------------------------------------------------------------------------------------------------

    @property
    def last_stable_offset(self) -> int:
        """Offset below which every transaction has ended and is replicated: what read_committed consumers see."""
        stable = self.high_watermark
        ongoing = self.producers.ongoing
        if ongoing or self._unreplicated:
            for first in ongoing.values():  # ascending: the first one is the oldest
                stable = min(stable, first)
                break
            stable = max(self.log_start_offset, self._unreplicated.limit(stable, self.high_watermark))
        return stable

    def advance_high_watermark(self, offset: int) -> bool:
        """Let consumers see what lies below `offset`; it never moves back, nor beyond the log end. Whether it moved."""
        offset = min(offset, self.log_end_offset)
        if offset <= self.high_watermark:
            return False
        self.high_watermark = offset
        return True

    @property
    def size_bytes(self) -> int:
        return sum(segment.size for segment in self._segments)

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(self._segments)

    @property
    def synced_offset(self) -> int:
        """Base offset of the first segment that was not fsynced as a whole: where a machine's crash can have bitten."""
        for segment in self._segments:
            if not segment.synced:
                return segment.base_offset
        return self._active.base_offset

    def set_config(self, config: TopicConfig) -> None:
        """Apply new settings to what comes from now on."""
        self.config = config
        self._max_message_bytes = config.max_message_bytes
        self._segment_bytes = config.segment_bytes
        self._index_interval = config.index_interval_bytes
        self._flush_messages = config.flush_messages
        self._log_append_time = config.log_append_time
        self._codec = CODEC_NUMBERS.get(config.compression_type)
        self.opens_batches = config.compacts or self._codec is not None
        """Whether what producers send has to go through `prepare` first."""
        self._schedule_roll()

    def _schedule_roll(self) -> None:
        """When the active segment is closed: segment.ms after it began, by the broker's clock or by the records' own.

        By the records' own, as in Apache Kafka: when old records are read in again, a segment holds segment.ms of them, and
        retention by age finds them in pieces. Jitter keeps many partitions from rolling at once.
        """
        active = self._active
        self._roll_at_ms = self._roll_stamp_ms = INT64_MAX
        if active.size > 0:
            age_ms = self._roll_age_ms()
            self._roll_at_ms = active.created_ms + age_ms
            if active.first_timestamp >= 0:
                self._roll_stamp_ms = active.first_timestamp + age_ms

    def _roll_age_ms(self) -> int:
        config = self.config
        age_ms = config.segment_ms
        if config.segment_jitter_ms > 0:
            from random import randrange  # needed by few topics: a cold start does without it

            age_ms -= randrange(min(config.segment_jitter_ms, config.segment_ms))
        if config.compacts:
            age_ms = min(age_ms, config.max_compaction_lag_ms)
        return age_ms

    def _begin_epoch(self) -> None:
        """Note that this leader writes from the log end on, before anything is written with its epoch."""
        if self.leader_epochs.assign(self.leader_epoch, self.log_end_offset):
            try:
                self.leader_epochs.save(self._fs, self.directory)
            except OSError as error:
                raise StorageFailed(f"{self.directory}: {error}") from error

    # --- append -----------------------------------------------------------------------------------------------------

    def prepare(self, batch: bytearray | memoryview, header: BatchHeader) -> tuple[bytearray | memoryview, BatchHeader]:
        """A verified batch as this topic stores it: with keys where it compacts, in its codec where it has one.

        Raises InvalidRecord, CorruptBatch or CodecMissing.
        """
        codec = self._codec
        recompress = codec is not None and codec != header.attributes & CODEC_MASK
        if not recompress and not self.config.compacts:
            return batch, header
        data = decompress(header.attributes & CODEC_MASK, bytes(batch[HEADER_SIZE : header.length]))
        if self.config.compacts:
            require_keys(data, header.record_count)
        if codec is None or not recompress:
            return batch, header
        attributes = (header.attributes & ~CODEC_MASK) | codec
        stored = bytearray(with_records(header, compress(codec, data), attributes))
        return stored, parse_header(stored)

    def append(
        self, batch: bytearray | memoryview, header: BatchHeader, *, now_ms: int, deferred: bool = False
    ) -> AppendResult:
        """Assign offsets to a verified batch and write it; patches `batch` in place.

        Where `flush.messages` asks for a sync, it is done before this returns, or, `deferred`, it is left to `begin_sync`:
        until then the batch is not visible, and not to be acknowledged as long as `awaited_offset` is above its offset.

        Raises MessageTooLarge, InvalidTimestamp, OutOfOrderSequence, InvalidProducerEpoch, InvalidTransactionState, or
        StorageFailed when the disk refuses. After any of them the log is as it was.
        """
        size = header.length
        if size > self._max_message_bytes:
            raise MessageTooLarge(f"a batch of {size} bytes; max.message.bytes is {self._max_message_bytes}")
        if header.producer_id >= 0:
            earlier = self.producers.check(header)
            if earlier is not None:
                return AppendResult(earlier.base_offset, earlier.append_time_ms, self.log_start_offset, True)
        if not self._log_append_time:
            self._check_create_time(header, now_ms)
        return self._append(batch, header, now_ms, deferred)

    def append_marker(self, marker: Marker, *, now_ms: int) -> AppendResult:
        """End a producer's transaction in this partition; raises InvalidProducerEpoch, CoordinatorFenced, StorageFailed.

        Where no transaction is open, the marker still raises the producer's epoch.
        """
        self.producers.check_marker(marker)
        batch = build_marker(marker, timestamp_ms=now_ms)
        result = self._append(batch, parse_header(batch), now_ms)
        first_offset = self.producers.end_transaction(marker, now_ms)
        if first_offset is None:
            return result
        if self.high_watermark <= result.base_offset:
            self._unreplicated.add(first_offset, result.base_offset)
        if not marker.committed:
            try:
                row = AbortedTransaction(
                    marker.producer_id, first_offset, result.base_offset, self._stable_after_marker()
                )
                self._active.transactions.append(row)
            except (OSError, CorruptLog) as error:
                # The marker is in the log: a restart rebuilds the index from it. Until then nothing may be served.
                self.failure = f"the index of aborted transactions could not be written: {error}"
                raise StorageFailed(self._failure_text()) from error
        return result

    def _stable_after_marker(self) -> int:
        return next(iter(self.producers.ongoing.values()), self.log_end_offset)

    def _append(
        self, batch: bytearray | memoryview, header: BatchHeader, now_ms: int, deferred: bool = False
    ) -> AppendResult:
        """Write a batch that may be written."""
        size = header.length
        base_offset = self.log_end_offset
        end_offset = base_offset + header.last_offset_delta + 1
        segment = self._active
        position = segment.size
        timestamp = now_ms if self._log_append_time else header.max_timestamp
        file, index = segment.file, segment.index
        if file is None or index is None:
            file, index = self._open_active()
        if (
            position + size > self._segment_bytes
            or now_ms >= self._roll_at_ms
            or timestamp > self._roll_stamp_ms
            or end_offset - segment.base_offset > RELATIVE_OFFSET_MAX
        ) and position > 0:
            segment = self._roll()
            file, index = segment.open()
            position = 0
        if self._log_append_time:
            append_time_ms = now_ms
            patch_log_append_time(batch, header.attributes, now_ms)
        else:
            append_time_ms = -1
        patch_offset(batch, base_offset, self.leader_epoch)
        self._write_whole(file, batch, size)
        if position == 0:
            self._begin_segment(segment, size, now_ms, timestamp)

        if timestamp > segment.max_timestamp:
            segment.max_timestamp, segment.max_timestamp_offset = timestamp, base_offset
        if position - index.last_position >= self._index_interval:
            index.add(base_offset, position, segment.max_timestamp, segment.max_timestamp_offset)
        segment.size = position + size
        self.log_end_offset = end_offset
        self._scan_cost += size + BATCH_SCAN_COST
        if header.producer_id >= 0:
            if header.base_sequence >= 0:
                self.producers.update(header, base_offset, append_time_ms, now_ms)
            elif header.attributes & KIND_BITS == TRANSACTIONAL_BIT:
                self.producers.begin(header, base_offset, now_ms=now_ms)
        if self._unflushed_records == 0:
            self._unflushed_since_ms = now_ms
        self._unflushed_records += header.record_count
        if self._unflushed_records < self._flush_messages or not self._owe_sync(end_offset, deferred):
            self.high_watermark = end_offset if self._replicated_to is None else self._replicated_to(end_offset)
        return _new_tuple(AppendResult, (base_offset, append_time_ms, self.log_start_offset, False))

    def _check_create_time(self, header: BatchHeader, now_ms: int) -> None:
        config = self.config
        ahead_ms = header.max_timestamp - now_ms
        if ahead_ms > config.message_timestamp_after_max_ms:
            raise InvalidTimestamp(
                f"timestamp {header.max_timestamp} is {ahead_ms} ms ahead of the broker; "
                f"message.timestamp.after.max.ms allows {config.message_timestamp_after_max_ms}"
            )
        if 0 <= header.base_timestamp < now_ms - config.message_timestamp_before_max_ms:
            raise InvalidTimestamp(
                f"timestamp {header.base_timestamp} is older than message.timestamp.before.max.ms allows"
            )

    def _write_whole(self, file: SegmentFile, batch: bytearray | memoryview, size: int) -> None:
        if self.failure is not None:
            raise StorageFailed(self._failure_text())
        try:
            written = self._write(file.fd, batch)
        except OSError as error:
            self._undo_write(file, str(error))
        else:
            if written != size:
                self._undo_write(file, f"only {written} of {size} bytes were written; the disk may be full")

    def _undo_write(self, file: SegmentFile, reason: str) -> None:
        """Cut off what a failed write may have left, and say why; without the cut, the log goes offline."""
        try:
            self._fs.truncate(file.fd, self._active.size)
        except OSError as error:
            self.failure = f"{reason}; and what was written could not be cut off: {error}"
        raise StorageFailed(f"{self._active.log_path}: {self.failure or reason}")

    def _failure_text(self) -> str:
        return f"{self.topic}-{self.partition} is offline since an earlier failure ({self.failure}); restart the broker"

    def _open_active(self) -> tuple[SegmentFile, SparseIndex]:
        """Open the active segment for its first append by this process."""
        if self.failure is not None:
            raise StorageFailed(self._failure_text())
        active = self._active
        try:
            opened = active.open(create=True)
            if active.size > 0:
                with suppress(BadBatch):  # whoever reads it is told
                    active.first_timestamp = active.oldest_ms()
        except OSError as error:
            raise StorageFailed(f"{active.log_path}: {error}") from error
        self._schedule_roll()
        return opened

    def _begin_segment(self, segment: Segment, size: int, now_ms: int, timestamp: int) -> None:
        """Note when the first batch of a segment came, and its largest timestamp."""
        segment.created_ms, segment.first_timestamp, segment.size = now_ms, timestamp, size
        self._schedule_roll()

    def _owe_sync(self, end_offset: int, deferred: bool) -> bool:
        """`flush.messages` is reached: sync now, or note that it is owed; whether it is."""
        if deferred:
            self.awaited_offset = end_offset
        else:
            self.flush()
        return deferred

    def flush(self) -> None:
        """Force all that was appended to the disk; raises StorageFailed, and the log stays offline then.

        After a failed fsync the kernel may have dropped the data and report success the next time, so nothing more is
        promised on this log until a restart has looked at what is really there.
        """
        if self.failure is not None:
            raise StorageFailed(self._failure_text())
        if self._syncing is not None:  # the kernel reports a failure once: to that one, perhaps
            self._syncing.wait()
            self.end_sync(self._syncing)
        if self.failure is None:
            sync = self.begin_sync()
            if sync is not None:
                sync.run()
                self.end_sync(sync)
        if self.failure is not None:
            raise StorageFailed(f"{self._active.log_path}: {self.failure}")

    def begin_sync(self) -> Sync | None:
        """A sync of everything appended so far, to be run on any thread, and then `end_sync`; None where nothing is due."""
        file = self._active.file
        if file is None or self._unflushed_records == 0 or self.failure is not None:
            return None
        self._unflushed_records = 0
        self._syncing = Sync(
            self._fs, file, None if self._directory_synced else self.directory, offset=self.log_end_offset
        )
        return self._syncing

    def end_sync(self, sync: Sync) -> None:
        """A sync has run: what it covers becomes visible, or the log goes offline. Once for each; more often does no harm."""
        if self._syncing is not sync:
            return
        self._syncing = None
        if sync.error is not None:
            self.failure = self.failure or sync.error
        if self.failure is not None:
            return
        if sync.directory is not None:
            self._directory_synced = True
        if self.awaited_offset <= sync.offset:
            self.awaited_offset = -1
        covered = sync.offset if self._replicated_to is None else self._replicated_to(sync.offset)
        self.advance_high_watermark(covered)

    def flush_if_due(self, now_ms: int) -> None:
        """Honour `flush.ms`; raises StorageFailed."""
        if self._unflushed_records > 0 and now_ms - self._unflushed_since_ms >= self.config.flush_ms:
            self.flush()

    # --- segments ---------------------------------------------------------------------------------------------------

    def _roll(self) -> Segment:
        """Close the active segment and start an empty one at the log end."""
        if self._flush_messages < INT64_MAX:
            self.flush()
        closed = self._active
        closed.synced = False
        fresh = Segment(self._fs, self.directory, self.log_end_offset, size=0, created_ms=0)
        try:
            fresh.open(create=True)
        except OSError as error:
            raise StorageFailed(f"{fresh.log_path}: {error}") from error
        self._segments.append(fresh)
        self._bases.append(fresh.base_offset)
        self._active = fresh
        self._directory_synced = False
        self._schedule_roll()
        self._worker.submit(self._finish_closed(closed))
        self._open_segments.touch(closed)
        return fresh

    def _finish_closed(self, segment: Segment) -> Job:
        def note_failure(reason: str) -> None:
            if self._flush_messages < INT64_MAX:
                self.failure = reason

        return finish_closed_segment(self._fs, segment, on_failure=note_failure)

    def sync_closed(self) -> None:
        """Have the closed segments that are not known to be durable fsynced by the worker."""
        for segment in self._segments[:-1]:
            if not segment.synced:
                self._worker.submit(self._finish_closed(segment))
                self._open_segments.touch(segment)

    def apply_retention(self, now_ms: int) -> int:
        """Close an active segment that is due, and delete closed ones that are expired; how many were deleted."""
        if self.failure is not None:
            return 0
        config, active = self.config, self._active
        expired = config.deletes and 0 <= config.retention_ms < now_ms - active.newest_ms()
        if active.size > 0 and (now_ms >= self._roll_at_ms or expired):
            self._roll()
        facts = [
            SegmentFacts(segment.size, self._bases[slot + 1], segment.newest_ms())
            for slot, segment in enumerate(self._segments[:-1])
        ]
        count = expired_segments(
            facts,
            active_size=self._active.size,
            log_start_offset=self.log_start_offset,
            config=config,
            now_ms=now_ms,
        )
        self._delete_oldest(count)
        return count

    def _delete_oldest(self, count: int) -> None:
        if count == 0 or self.cleaning:  # retention comes again soon
            return
        removed = self._segments[:count]
        del self._segments[:count]
        del self._bases[:count]
        self._cursors = {offset: cursor for offset, cursor in self._cursors.items() if cursor[0] not in removed}
        self.log_start_offset = max(self.log_start_offset, self._bases[0])
        self.leader_epochs.cut_before(self.log_start_offset)
        for segment in removed:
            segment.deleted = True
            self._open_segments.forget(segment)
            self._discard(delete_segment_files(self._fs, segment), self.config.file_delete_delay_ms)
        self._scan_cost += 1

    def touch(self, segment: Segment) -> None:
        """Note that a closed segment was opened."""
        self._open_segments.touch(segment)

    def replace_segments(self, end_offset: int, fresh: Segment) -> None:
        """Put a compacted segment in the place of those from its base offset up to `end_offset`."""
        first, last = bisect_left(self._bases, fresh.base_offset), bisect_left(self._bases, end_offset)
        removed = self._segments[first:last]
        assert removed
        assert removed[-1] is not self._active
        self._segments[first:last], self._bases[first:last] = [fresh], [fresh.base_offset]
        self._cursors.clear()
        for segment in removed:
            segment.deleted = True
            self._open_segments.forget(segment)

    def delete_records_before(self, offset: int) -> int:
        """Move the log start up to `offset` (DeleteRecords) and delete segments that lie wholly below it.

        Returns the new log start, which never moves down; raises OffsetOutOfRange above the high watermark. The new start
        is on disk before this returns.
        """
        if not 0 <= offset <= self.high_watermark:
            raise OffsetOutOfRange(f"cannot delete before {offset}; the high watermark is {self.high_watermark}")
        if offset == self.log_end_offset and self._active.size > 0:
            self._roll()  # nothing of the active segment is left either
        if offset > self.log_start_offset:
            self.log_start_offset = offset
            self._persist_start(self)
        self._delete_oldest(max(0, bisect_right(self._bases, self.log_start_offset) - 1))
        return self.log_start_offset

    # --- read -------------------------------------------------------------------------------------------------------

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

    # --- look-up by time --------------------------------------------------------------------------------------------

    def offset_for_timestamp(self, timestamp_ms: int) -> tuple[int, int] | None:
        """(offset, timestamp in ms) of the first record stamped at or after `timestamp_ms`, or None; see `lookup`."""
        return lookup.first_at_or_after(self._fs, self._segments, self.log_start_offset, timestamp_ms)

    def offset_of_max_timestamp(self) -> tuple[int, int] | None:
        """(offset, timestamp in ms) of the first record with the largest timestamp of the log, or None (KIP-734)."""
        return lookup.first_with_max_timestamp(self._fs, self._segments, self.log_start_offset)

    # --- checkpoints and shutdown -----------------------------------------------------------------------------------

    def checkpoint(self) -> tuple[dict[str, int], Job]:
        """Where the log stands, for the checkpoint document, and a job that writes index and producer snapshot of that.

        Once both are on disk, recovery after a killed process reads only what was appended since.
        """
        active = self._active
        frozen = None
        if active.index is not None:
            active.index.add_time(active.max_timestamp, active.max_timestamp_offset)
            frozen = active.index.copy()
        self._scan_cost = 0
        snapshot = self.producers.to_body()
        offset = self.log_end_offset
        epochs = self.leader_epochs.encode()
        return self.recovery_row(), lambda: write_recovery_aids(self._fs, active, frozen, snapshot, offset, epochs)

    @property
    def needs_checkpoint(self) -> bool:
        """Whether recovery after a kill would have enough to scan that a checkpoint pays."""
        return self._scan_cost > max(CHECKPOINT_COST, self._active.size >> 4)

    @property
    def changed_since_checkpoint(self) -> bool:
        return self._scan_cost > 0

    def recovery_row(self) -> dict[str, int]:
        """Where the log stands, as the checkpoint document holds it."""
        active = self._active
        return {
            "start": self.log_start_offset,
            "end": self.log_end_offset,
            "segment": active.base_offset,
            "size": active.size,
            "created_ms": active.created_ms,
            "max_timestamp": active.max_timestamp,
            "max_timestamp_offset": active.max_timestamp_offset,
            "producers": len(self.producers),
            "synced": self.synced_offset,
            "leader_epoch": self.leader_epoch,
        }

    def close(self) -> None:
        """Force everything to disk and let go of all files; raises StorageFailed.

        The catalog then writes the clean-shutdown marker; without it the next start looks for a torn tail.
        """
        try:
            if self.failure is None:
                self.flush_all()
        finally:
            for segment in self._segments:
                self._open_segments.forget(segment)

    def abandon(self) -> None:
        """Let go of all files without forcing anything to disk: the partition is being deleted.

        Whoever still holds this log finds it empty and offline; a topic of the same name may take over its folder.
        """
        self.failure = "the partition was deleted"
        for segment in self._segments:
            segment.deleted = True
            self._open_segments.forget(segment)
        self._active = Segment(self._fs, self.directory, self.log_end_offset, size=0, created_ms=0)
        self._segments, self._bases = [self._active], [self.log_end_offset]
        self.log_start_offset = self.high_watermark = self.log_end_offset
        self.producers.clear()
        self._cursors.clear()

    def flush_all(self) -> None:
        """Make every segment durable, the active one included."""
        if self._syncing is not None:
            self._syncing.wait()
            self.end_sync(self._syncing)
        try:
            for segment in self._segments:
                written = segment is self._active and self._unflushed_records > 0
                if segment.size > 0 and (written or not segment.synced):
                    file, _ = segment.open()
                    self._fs.sync(file.fd)
                    segment.synced = True
                segment.transactions.sync()
        except OSError as error:
            self.failure = f"fsync failed: {error}"
            raise StorageFailed(f"{self.directory}: {self.failure}") from error
        self._unflushed_records = 0
