"""One process per data folder, held by `flock`: the kernel lets go of it however the process ends."""

from __future__ import annotations

import fcntl
import os

from harness.pylog_broker.storage.errors import FolderLocked

LOCK_NAME = ".lock"


class FolderLock:
    """An exclusive lock on a folder, held from construction to `release`."""

    def __init__(self, directory: str) -> None:
        """Raises FolderLocked, naming the process that holds it."""
        path = os.path.join(directory, LOCK_NAME)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 64, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise FolderLocked(
                f"the data folder {directory} is in use by process {holder}. "
                f"Stop it with 'kill {holder}', or choose another --data-dir"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the folder; the file stays, an empty one misleads nobody."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1
