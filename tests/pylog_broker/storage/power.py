"""A disk that forgets: what a power cut may leave of files and folders that nobody has synced.

Real files underneath, and beside them a model of what is durable: of a file, its bytes at the last fsync; of a folder, its
entries at the last fsync of the folder. Files are appended to or replaced, never written in the middle. `aftermath` lays out
in another folder what a reboot could find.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from harness.pylog_broker.storage.filesystem import OsFileSystem

UNCHECKED = ("partition.metadata",)


class File:
    """A file's bytes: as read now, and as they were at its last fsync."""

    def __init__(self) -> None:
        self.now = b""
        self.durable = b""
        self.checked = True
        """Whether a flipped bit in it is noticed at the next start, rather than by who comes to the place."""

    @property
    def tail(self) -> bytes:
        """What has been appended since the last fsync."""
        return self.now[len(self.durable) :] if self.now.startswith(self.durable) else b""


class Folder:
    """A folder's entries: as listed now, and as they were at its last fsync."""

    def __init__(self) -> None:
        self.now: dict[str, File | Folder] = {}
        self.durable: dict[str, File | Folder] = {}


Ending = Callable[[File, random.Random], bytes]


def _flipped(file: File, generator: random.Random) -> bytes:
    if not file.tail or not file.checked:
        return file.now
    data = bytearray(file.now)
    data[generator.randrange(len(file.durable), len(data))] ^= 1 << generator.randrange(8)
    return bytes(data)


def _any(file: File, generator: random.Random) -> bytes:
    return ENDINGS[generator.choice(["nothing", "zeros", "half", "flipped", "everything"])](file, generator)


ENDINGS: dict[str, Ending] = {
    "everything": lambda file, _: file.now,
    "nothing": lambda file, _: file.durable,
    "zeros": lambda file, _: file.durable + bytes(len(file.tail)),
    "half": lambda file, _: file.durable + file.tail[: len(file.tail) // 2],
    "flipped": _flipped,
    "mixed": _any,
}
"""What becomes of bytes that were written and not synced."""


class ForgetfulFileSystem(OsFileSystem):
    """Calls `before` ahead of each call that changes something, with its name, its path and the bytes to be written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = Folder()
        self.before: Callable[[str, str, bytes], None] = lambda _call, _path, _data: None
        self._open: dict[int, tuple[str, File | Folder]] = {}

    # --- the model --------------------------------------------------------------------------------------------------

    def _parent(self, path: str) -> tuple[Folder, str]:
        *folders, name = Path(path).relative_to(self.root).parts or ("",)
        node = self.tree
        for part in folders:
            child = node.now[part]
            assert isinstance(child, Folder)
            node = child
        return node, name

    def _node(self, path: str) -> File | Folder | None:
        parent, name = self._parent(path)
        return parent.now.get(name) if name else self.tree

    # --- the calls --------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: int, mode: int) -> int:  # type: ignore[override]
        node = self._node(path)
        if flags & os.O_CREAT and (node is None or flags & os.O_TRUNC):
            self.before("create", path, b"")
            parent, name = self._parent(path)
            node = parent.now.setdefault(name, File())
        fd = os.open(path, flags, mode)
        assert node is not None
        if flags & os.O_TRUNC and isinstance(node, File):
            node.now = b""
        self._open[fd] = path, node
        return fd

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        path, node = self._open[fd]
        assert isinstance(node, File)
        self.before("write", path, bytes(data))
        node.now += bytes(data)
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:  # type: ignore[override]
        path, node = self._open[fd]
        assert isinstance(node, File)
        self.before("truncate", path, b"")
        node.now = node.now[:size]
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:  # type: ignore[override]
        path, node = self._open[fd]
        self.before("sync", path, b"")
        if isinstance(node, File):
            node.durable = node.now
        else:
            node.durable = dict(node.now)

    def rename(self, source: str, target: str) -> None:  # type: ignore[override]
        self.before("rename", target, b"")
        os.replace(source, target)
        (old, name), (new, new_name) = self._parent(source), self._parent(target)
        node = new.now[new_name] = old.now.pop(name)
        if isinstance(node, File):
            node.checked = not new_name.endswith(UNCHECKED)

    def unlink(self, path: str) -> None:  # type: ignore[override]
        self.before("unlink", path, b"")
        os.unlink(path)
        parent, name = self._parent(path)
        del parent.now[name]

    def rmdir(self, path: str) -> None:  # type: ignore[override]
        self.before("rmdir", path, b"")
        os.rmdir(path)
        parent, name = self._parent(path)
        del parent.now[name]

    def mkdir(self, path: str) -> None:  # type: ignore[override]
        if self._node(path) is not None:
            return
        self.before("mkdir", path, b"")
        os.makedirs(path, exist_ok=True)
        parent, name = self._parent(path)
        parent.now[name] = Folder()

    # --- afterwards -------------------------------------------------------------------------------------------------

    def aftermath(self, target: Path, ending: Ending, generator: random.Random, *, entries_kept: bool) -> None:
        """Lay out what is left: each file by `ending`, each folder with its present entries or its durable ones."""
        self._lay_out(self.tree, target, ending, generator, entries_kept)

    def _lay_out(
        self, folder: Folder, target: Path, ending: Ending, generator: random.Random, entries_kept: bool
    ) -> None:
        target.mkdir()
        for name, node in (folder.now if entries_kept else folder.durable).items():
            if isinstance(node, Folder):
                self._lay_out(node, target / name, ending, generator, entries_kept)
            else:
                (target / name).write_bytes(ending(node, generator))
