"""The log of one partition: append, read, look up by time, forget.

A list of segments, the last of which is active. An append is one `write` on a file opened with O_APPEND; a read hands out a
range of a file for `sendfile` and touches batch headers only to find its boundaries. Offsets, sizes and producer state change
only after the write went through, so a failed append leaves the log as it was.

In files of one subject each, one class on top of the other: `log_core` (state, settings), `log_sync`, `log_segments`, `log_reader`, and
here what is written and how it ends.

Not safe for several threads: one thread owns a log. Only the jobs given to the worker run elsewhere, and they touch files,
never the state of the log.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress

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
from harness.pylog_broker.storage.compression import CodecMissing, compress, decompress
from harness.pylog_broker.storage.control import Marker, build_marker
from harness.pylog_broker.storage.disk_worker import Job
from harness.pylog_broker.storage.errors import (
    CorruptBatch,
    CorruptLog,
    InvalidTimestamp,
    MessageTooLarge,
    OffsetOutOfRange,
    StorageFailed,
)
from harness.pylog_broker.storage.facts import EMPTY_SLICE, AppendResult, LogSlice, LogState
from harness.pylog_broker.storage.housekeeping import (
    write_recovery_aids,
)
from harness.pylog_broker.storage.index import RELATIVE_OFFSET_MAX, SparseIndex
from harness.pylog_broker.storage.log_reader import ReadableLog
from harness.pylog_broker.storage.raw_records import require_keys, require_times
from harness.pylog_broker.storage.segment import BadBatch, Segment, SegmentFile
from harness.pylog_broker.storage.transaction_index import AbortedTransaction

__all__ = ["EMPTY_SLICE", "AppendResult", "LogSlice", "LogState", "PartitionLog"]

CHECKPOINT_COST = 16 << 20  # bytes to be scanned by a recovery, at least, before a checkpoint is due
BATCH_SCAN_COST = 2 << 10  # what the header of a batch costs a scan, in bytes of CRC

_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


class PartitionLog(ReadableLog):
    """One partition's log, whole: what is appended, deleted, checkpointed and closed."""

    __slots__ = ()

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
            self._check_create_time(batch, header, now_ms)
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

    def _check_create_time(self, batch: bytearray | memoryview, header: BatchHeader, now_ms: int) -> None:
        earliest = now_ms - self.config.message_timestamp_before_max_ms
        latest = now_ms + self.config.message_timestamp_after_max_ms
        if header.max_timestamp <= latest and not 0 <= header.base_timestamp < earliest:
            return
        with suppress(CorruptBatch, CodecMissing):  # the batch is opened to say which records it is refused for
            data = decompress(header.attributes & CODEC_MASK, bytes(batch[HEADER_SIZE : header.length]))
            require_times(data, header.record_count, header.base_timestamp, earliest, latest)
        raise InvalidTimestamp(
            f"timestamps {header.base_timestamp} to {header.max_timestamp} are not within {earliest} and {latest}"
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

    # --- deletion, checkpoints and shutdown ---------------------------------------------------------------------------

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
