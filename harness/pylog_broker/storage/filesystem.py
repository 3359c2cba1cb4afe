"""The few system calls that the log makes, as an argument.

`OsFileSystem` maps each name straight to a function of `os`, so that the hot path is one attribute look-up and one
system call. Crash tests pass a `FileSystem` of their own, which tears writes, runs out of space or fails to sync.
All paths are `str`; file descriptors are the integers of the operating system, because `os.sendfile` needs them.
"""

from __future__ import annotations

import os
from typing import Protocol


class FileSystem(Protocol):
    """System calls of the storage; each raises OSError as its namesake in `os` does."""

    def open(self, path: str, flags: int, mode: int, /) -> int: ...

    def close(self, fd: int, /) -> None: ...

    def write(self, fd: int, data: bytes | bytearray | memoryview, /) -> int: ...

    def pread(self, fd: int, length: int, position: int, /) -> bytes: ...

    def truncate(self, fd: int, size: int, /) -> None: ...

    def sync(self, fd: int, /) -> None: ...

    def rename(self, source: str, target: str, /) -> None: ...

    def unlink(self, path: str, /) -> None: ...

    def rmdir(self, path: str, /) -> None: ...

    def mkdir(self, path: str, /) -> None: ...

    def listdir(self, path: str, /) -> list[str]: ...

    def stat(self, path: str, /) -> os.stat_result: ...


def _mkdir(path: str) -> None:
    os.makedirs(path, mode=0o755, exist_ok=True)


class OsFileSystem:
    """The real file system."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    write = staticmethod(os.write)
    pread = staticmethod(os.pread)
    truncate = staticmethod(os.ftruncate)
    # fdatasync also flushes a changed file size, which is all the metadata that reading back needs
    sync = staticmethod(getattr(os, "fdatasync", os.fsync))
    rename = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    rmdir = staticmethod(os.rmdir)
    mkdir = staticmethod(_mkdir)
    listdir = staticmethod(os.listdir)
    stat = staticmethod(os.stat)


def sync_directory(file_system: FileSystem, path: str) -> None:
    """Make the directory entries of `path` durable: a new or renamed file is lost by a power cut otherwise."""
    descriptor = file_system.open(path, os.O_RDONLY | os.O_DIRECTORY, 0)
    try:
        file_system.sync(descriptor)
    finally:
        file_system.close(descriptor)


def read_file(file_system: FileSystem, path: str) -> bytes:
    """All bytes of a small file; raises FileNotFoundError."""
    descriptor = file_system.open(path, os.O_RDONLY, 0)
    try:
        chunks: list[bytes] = []
        position = 0
        while chunk := file_system.pread(descriptor, 1 << 20, position):
            chunks.append(chunk)
            position += len(chunk)
        return b"".join(chunks)
    finally:
        file_system.close(descriptor)


def write_file(file_system: FileSystem, path: str, data: bytes, *, durable: bool) -> None:
    """Replace a file as a whole: temporary file, fsync, rename, fsync of the folder.

    A reader sees the old bytes or the new ones, never a mixture. With `durable=False` both syncs are left out, which is
    enough against a killed process, not against a power cut.
    """
    temporary = path + ".tmp"
    descriptor = file_system.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[file_system.write(descriptor, view) :]
        if durable:
            file_system.sync(descriptor)
    finally:
        file_system.close(descriptor)
    file_system.rename(temporary, path)
    if durable:
        sync_directory(file_system, os.path.dirname(path))
