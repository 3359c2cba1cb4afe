"""A file system for tests: real files underneath, and faults on command."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.disk_worker import InlineWorker
from harness.pylog_broker.storage.filesystem import OsFileSystem

BOOT = "boot-1"
OTHER_BOOT = "boot-2"


class PowerCut(BaseException):
    """The process is gone: not an Exception, so that no handler of the code under test survives it."""


class FaultyFileSystem(OsFileSystem):
    """Counts mutating calls; dies before one of them, tears a write, or runs out of space."""

    def __init__(self) -> None:
        self.calls = 0
        self.die_at: int | None = None  # number of the mutating call that does not happen any more
        self.torn_bytes = 0  # ... of which this many bytes still arrive, if it is a write
        self.dead = False
        self.space_bytes: int | None = None
        self.sync_error = False
        self.truncate_error = False
        self.syncs = 0

    def _step(self) -> bool:
        """Account for a mutating call; True when it is the one to die in."""
        if self.dead:
            raise PowerCut
        self.calls += 1
        self.dead = self.calls == self.die_at
        return self.dead

    def _mutate(self, act: Callable[[], None]) -> None:
        if self._step():
            raise PowerCut
        act()

    def open(self, path: str, flags: int, mode: int) -> int:  # type: ignore[override]
        if self.dead:
            raise PowerCut
        if flags & os.O_CREAT and self._step():
            raise PowerCut
        return os.open(path, flags, mode)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        if self._step():
            os.write(fd, bytes(data[: min(self.torn_bytes, len(data))]))
            raise PowerCut
        if self.space_bytes is not None:
            if self.space_bytes == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = data[: self.space_bytes]
            self.space_bytes -= len(data)
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:  # type: ignore[override]
        if self.truncate_error:
            raise OSError(errno.EIO, "Input/output error")
        self._mutate(lambda: os.ftruncate(fd, size))

    def sync(self, fd: int) -> None:  # type: ignore[override]
        if self.sync_error:
            raise OSError(errno.EIO, "Input/output error")
        self.syncs += 1

    def rename(self, source: str, target: str) -> None:  # type: ignore[override]
        self._mutate(lambda: os.replace(source, target))

    def unlink(self, path: str) -> None:  # type: ignore[override]
        self._mutate(lambda: os.unlink(path))

    def rmdir(self, path: str) -> None:  # type: ignore[override]
        self._mutate(lambda: os.rmdir(path))

    def mkdir(self, path: str) -> None:  # type: ignore[override]
        self._mutate(lambda: os.makedirs(path, exist_ok=True))


class Clock:
    """Time in ms that moves only when a test says so."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def open_catalog(
    directory: str | os.PathLike[str],
    *,
    file_system: OsFileSystem | None = None,
    clock: Clock | None = None,
    boot_id: str = BOOT,
) -> Catalog:
    """A catalog without threads."""
    return Catalog.open(
        directory,
        clock=clock or Clock(),
        file_system=file_system or OsFileSystem(),
        worker=InlineWorker(),
        boot_id=boot_id,
    )


def kill(catalog: Catalog) -> None:
    """Leave a catalog as `kill -9` does: the lock goes, nothing else is done."""
    catalog._lock.release()
