"""Forcing what was appended to a log onto the disk: at once, by a `Sync` that any thread runs, or all of it at shutdown."""

from __future__ import annotations

from harness.pylog_broker.storage.errors import (
    StorageFailed,
)
from harness.pylog_broker.storage.log_core import LogCore
from harness.pylog_broker.storage.sync import Sync


class SyncedLog(LogCore):
    """A log that can be made durable."""

    __slots__ = ()

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
