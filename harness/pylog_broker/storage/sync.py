"""One fsync of a log for all that was appended before it, which any thread can run."""

from __future__ import annotations

import threading

from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory
from harness.pylog_broker.storage.segment import SegmentFile


class Sync:
    """An fsync of what lies below `offset`: of a segment's file, and of its folder where the file may be new there."""

    __slots__ = ("_done", "_file", "_fs", "directory", "error", "offset")

    def __init__(self, file_system: FileSystem, file: SegmentFile, directory: str | None, offset: int) -> None:
        self._fs = file_system
        self._file = file  # held, so that the descriptor stays open whatever becomes of the segment
        self.directory = directory
        self.offset = offset
        self.error: str | None = None
        """Why it failed, once it has run."""
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._fs.sync(self._file.fd)
            if self.directory is not None:
                sync_directory(self._fs, self.directory)
        except OSError as error:
            self.error = f"fsync failed: {error}"
        finally:
            self._done.set()

    def wait(self) -> None:
        """Block until it has run."""
        self._done.wait()
