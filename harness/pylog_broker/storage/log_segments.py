"""The segments of a log: closed and begun, expired, replaced by compacted ones."""

from __future__ import annotations

from bisect import bisect_left

from harness.pylog_broker.storage.disk_worker import Job
from harness.pylog_broker.storage.errors import (
    StorageFailed,
)
from harness.pylog_broker.storage.housekeeping import (
    delete_segment_files,
    finish_closed_segment,
)
from harness.pylog_broker.storage.log_sync import SyncedLog
from harness.pylog_broker.storage.retention import SegmentFacts, expired_segments
from harness.pylog_broker.storage.segment import Segment
from harness.pylog_broker.storage.topic_config import INT64_MAX


class SegmentedLog(SyncedLog):
    """A log that closes segments and lets go of old ones."""

    __slots__ = ()

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
