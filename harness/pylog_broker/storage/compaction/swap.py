"""Cleaned segments in the place of the old ones, so that a crash at any point leaves the one or the other, never both.

    <base>.<end>.cleaned    being written; worth nothing yet
    <base>.<end>.txnswap    its index of aborted transactions, durable before the next step
    <base>.<end>.swap       the cleaned segment counts: it replaces all segments with base <= their base offset < end

The rename from `.cleaned` to `.swap` decides. What follows can be repeated as often as needed, and is, at the next start.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from typing import NamedTuple

from harness.pylog_broker.storage.filesystem import FileSystem
from harness.pylog_broker.storage.transaction_index import SUFFIX

_PENDING = re.compile(r"(\d{20})\.(\d{20})\.(cleaned|txnswap|swap)")
_SEGMENT = re.compile(r"(\d{20})\.(log|index|timeindex|txnindex)")


class SwapName(NamedTuple):
    """Where the cleaned form of the segments with base offsets in [base, end) lies on the way to its place."""

    directory: str
    base: int
    end: int

    def _path(self, suffix: str) -> str:
        return os.path.join(self.directory, f"{self.base:020d}.{self.end:020d}.{suffix}")

    @property
    def cleaned(self) -> str:
        return self._path("cleaned")

    @property
    def swap(self) -> str:
        return self._path("swap")

    @property
    def transactions(self) -> str:
        return self._path("txnswap")

    @property
    def segment(self) -> str:
        """The path of the segment it becomes, without suffix."""
        return os.path.join(self.directory, f"{self.base:020d}")


def decide(file_system: FileSystem, name: SwapName) -> None:
    """From here on the cleaned segment counts; raises OSError."""
    file_system.rename(name.cleaned, name.swap)


def complete(file_system: FileSystem, name: SwapName, remove: Callable[[str], None]) -> None:
    """Put a decided swap in place; `remove` takes an old file out of the log. Raises OSError."""
    for entry in file_system.listdir(name.directory):
        match = _SEGMENT.fullmatch(entry)
        if match and (name.base < int(match[1]) < name.end or (int(match[1]) == name.base and "index" in match[2])):
            if match[1] == f"{name.base:020d}" and "." + match[2] == SUFFIX:
                continue  # replaced by rename, so that a second attempt does not lose the new one
            remove(os.path.join(name.directory, entry))
    with contextlib.suppress(FileNotFoundError):  # renamed by an earlier attempt
        file_system.rename(name.transactions, name.segment + SUFFIX)
    file_system.rename(name.swap, name.segment + ".log")


def finish_swaps(file_system: FileSystem, directory: str) -> None:
    """At start: complete the swaps that were decided, and delete what came of those that were not. Raises OSError."""
    pending = [match for match in map(_PENDING.fullmatch, file_system.listdir(directory)) if match]
    for match in pending:
        if match[3] == "swap":
            name = SwapName(directory, int(match[1]), int(match[2]))
            complete(file_system, name, file_system.unlink)
    for match in pending:
        if match[3] != "swap":
            with contextlib.suppress(FileNotFoundError):
                file_system.unlink(os.path.join(directory, match.string))
