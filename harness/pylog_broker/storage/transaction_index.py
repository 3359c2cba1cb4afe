"""Which transactions were aborted, segment by segment: what a read_committed fetch needs to know (KIP-98).

One file a segment, `<base offset>.txnindex`, made with the first abort marker in that segment. Rows are appended in the
order of their markers, so that the last offsets ascend. Each has a CRC-32C of its own: a damaged row is refused, for it
would make aborted records visible. A row that was torn by a kill is cut off when recovery replays the batches behind the
last snapshot; rows that a snapshot already covers are on disk before the snapshot is.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from harness.pylog_broker.storage.batch import checksum
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, sync_directory, write_file

SUFFIX = ".txnindex"
_ROW = struct.Struct(">qqqq")
_CRC = struct.Struct(">I")
ROW_BYTES = _ROW.size + _CRC.size


class AbortedTransaction(NamedTuple):
    """`last_offset` is the marker's; below `last_stable_offset` all transactions had ended when it was written."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


def encode_row(row: AbortedTransaction) -> bytes:
    """One row of the file."""
    data = _ROW.pack(*row)
    return data + _CRC.pack(checksum(data, 0, len(data)))


class TransactionIndex:
    """The aborted transactions whose markers lie in one segment; read when first asked for."""

    __slots__ = ("_fs", "_path", "_rows", "changed")

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self._fs = file_system
        self._path = path + SUFFIX
        self._rows: list[AbortedTransaction] | None = None
        self.changed = False
        """Rows were written that are not fsynced yet."""

    @property
    def rows(self) -> Sequence[AbortedTransaction]:
        """All rows, by ascending last offset; raises CorruptLog."""
        if self._rows is None:
            self._rows, torn = self._load()
            if torn:
                raise CorruptLog(
                    f"{self._path} is damaged behind row {len(self._rows)}. Restore the file from a copy, or read "
                    f"this part of the log with isolation.level=read_uncommitted"
                )
        return self._rows

    def append(self, row: AbortedTransaction) -> None:
        """Write one more row; raises OSError or CorruptLog."""
        rows = self.rows
        descriptor = self._fs.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._fs.write(descriptor, encode_row(row))
        finally:
            self._fs.close(descriptor)
        assert isinstance(rows, list)
        rows.append(row)
        self.changed = True

    def cut_from(self, offset: int) -> None:
        """Forget rows whose marker is at `offset` or behind, and what is damaged; replaying the log writes them again."""
        rows, torn = (self._rows, False) if self._rows is not None else self._load()
        kept = rows[: bisect_left(rows, offset, key=lambda row: row.last_offset)]
        if torn or len(kept) < len(rows):
            write_file(self._fs, self._path, b"".join(encode_row(row) for row in kept), durable=False)
            self.changed = True
        self._rows = kept

    def sync(self) -> None:
        """Make the rows durable; raises OSError."""
        if not self.changed:
            return
        self.changed = False
        try:
            descriptor = self._fs.open(self._path, os.O_RDONLY, 0)
        except FileNotFoundError:
            return  # deleted meanwhile
        try:
            self._fs.sync(descriptor)
        finally:
            self._fs.close(descriptor)
        sync_directory(self._fs, os.path.dirname(self._path))

    def release(self) -> None:
        """Let go of the rows in memory; they are read again when needed."""
        self._rows = None

    def _load(self) -> tuple[list[AbortedTransaction], bool]:
        """Sound rows, and whether something that is none follows them."""
        try:
            data = read_file(self._fs, self._path)
        except FileNotFoundError:
            return [], False
        rows: list[AbortedTransaction] = []
        previous = -1
        for position in range(0, len(data) - ROW_BYTES + 1, ROW_BYTES):
            row = AbortedTransaction(*_ROW.unpack_from(data, position))
            (crc,) = _CRC.unpack_from(data, position + _ROW.size)
            if crc != checksum(data, position, position + _ROW.size) or row.last_offset <= previous:
                return rows, True
            rows.append(row)
            previous = row.last_offset
        return rows, len(data) % ROW_BYTES != 0


class _Indexed(Protocol):
    """A segment, as far as this module cares."""

    @property
    def transactions(self) -> TransactionIndex: ...


def aborted_between(segments: Sequence[_Indexed], start: int, end: int) -> list[tuple[int, int]]:
    """(producer id, first offset) of the aborted transactions with records in [start, end), first offset ascending.

    `segments` begin with the one that holds `start`. A transaction's row is where its marker is, which may be segments
    behind its records, so the search goes on until a row says that everything below `end` was decided. Raises CorruptLog.
    """
    found: list[tuple[int, int]] = []
    for segment in segments:
        rows = segment.transactions.rows
        for row in rows[bisect_left(rows, start, key=lambda row: row.last_offset) :]:
            if row.first_offset < end:
                found.append((row.producer_id, row.first_offset))
            if row.last_stable_offset >= end:
                found.sort(key=lambda pair: pair[1])
                return found
    found.sort(key=lambda pair: pair[1])
    return found
