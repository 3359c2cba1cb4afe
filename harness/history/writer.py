"""Writing a history: each worker appends to streams of its own, and the end of the run merges them.

A worker collects columns and writes them out as one Arrow record batch every ``FLUSH_ROWS`` rows or ``FLUSH_SECONDS``: one ``write`` on
an unbuffered file, so a kill of the worker (or of the whole harness) loses at most what was collected since, and a torn last
batch is recognised and left out when reading. Recording is cheap because nothing here is done a message at a time, and because
Arrow's own stream writer, which calls ``write`` for every column, is not in the way: calls cost more than bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from harness.errors import DiskFull
from harness.history.schema import EVENT_KINDS, TABLES

FLUSH_ROWS: Final = 8192
FLUSH_SECONDS: Final = 0.25
STREAMS_FOLDER: Final = "streams"

_ALIASES: Final = {"bytes": "size"}  # columns whose field in ``rows`` is called otherwise
_END_OF_STREAM: Final = b"\xff\xff\xff\xff\0\0\0\0"  # Arrow IPC streaming format

Columns = Mapping[str, "np.ndarray[Any, np.dtype[Any]] | int | Sequence[str]"]


class TableWriter:
    """Appends rows of one table. Not thread-safe: one owner."""

    def __init__(self, folder: Path, table: str, worker: str, schema: pa.Schema | None = None) -> None:
        self._schema = schema or TABLES[table]
        self._kinds = [_kind(field.type) for field in self._schema]
        self._constants: dict[
            str, np.ndarray[Any, np.dtype[Any]]
        ] = {}  # columns of one value, kept from flush to flush
        streams = folder / STREAMS_FOLDER
        streams.mkdir(parents=True, exist_ok=True)
        self._path = streams / f"{table}-{worker}.arrows"
        self._file = self._path.open("xb", buffering=0)
        self._pending: list[tuple[int, Columns, np.ndarray[Any, np.dtype[np.void]] | None]] = []
        self._pending_rows = 0
        self._flushed_at = time.monotonic()
        self.rows = 0
        self._write(self._schema.serialize())

    def append(self, count: int, columns: Columns, rows: np.ndarray[Any, np.dtype[np.void]] | None = None) -> None:
        """``count`` rows; each column an array of shape (count,) or one value for all rows. Arrays are kept, not copied.

        ``rows``, a structured array, gives the columns that ``columns`` does not name; every call of one writer must leave the
        same columns to it, or more.
        """
        if count == 0:
            return
        self._pending.append((count, columns, rows))
        self._pending_rows += count
        if self._pending_rows >= FLUSH_ROWS:
            self.flush()

    def flush_if_due(self, *, overdue: bool = False) -> None:
        """Write out what was collected for long enough; with ``overdue``, only when it has waited twice as long as that."""
        if self._pending_rows and time.monotonic() - self._flushed_at >= FLUSH_SECONDS * (1 + overdue):
            self.flush()

    def flush(self) -> None:
        """Write out what was collected. Raises DiskFull; what was written before stays readable."""
        self._flushed_at = time.monotonic()
        if not self._pending_rows:
            return
        kept = [rows for _, _, rows in self._pending if rows is not None]
        joined = _joined(kept) if len(kept) == len(self._pending) else None
        arrays = [self._column(field, kind, joined) for field, kind in zip(self._schema, self._kinds, strict=True)]
        self._write(pa.RecordBatch.from_arrays(arrays, schema=self._schema).serialize())
        self.rows += self._pending_rows
        self._pending = []
        self._pending_rows = 0

    def _column(self, field: pa.Field, kind: Any, joined: np.ndarray[Any, np.dtype[np.void]] | None) -> pa.Array:
        """One column of all that is pending."""
        name = field.name
        if kind is None:
            return pa.array([text for _, columns, _ in self._pending for text in columns[name]], type=pa.string())  # type: ignore[union-attr]
        values = [columns.get(name) for _, columns, _ in self._pending]
        first = values[0]
        if joined is not None and all(value is None for value in values):
            numbers = joined[_ALIASES.get(name, name)]
        elif isinstance(first, int) and all(
            value is first or (isinstance(value, int) and value == first) for value in values
        ):
            numbers = self._constant(name, first, kind)
        elif len(values) == 1:
            numbers = np.asarray(first)
        else:
            numbers = np.concatenate([
                np.full(count, value, dtype=kind)
                if isinstance(value, int)
                else np.asarray(rows[_ALIASES.get(name, name)] if value is None and rows is not None else value)
                for value, (count, _, rows) in zip(values, self._pending, strict=True)
            ])  # fmt: skip
        buffer = pa.py_buffer(np.ascontiguousarray(numbers, dtype=kind))
        return pa.Array.from_buffers(field.type, self._pending_rows, [None, buffer])

    def _constant(self, name: str, value: int, kind: Any) -> np.ndarray[Any, np.dtype[Any]]:
        kept = self._constants.get(name)
        if kept is None or kept[0] != value or len(kept) < self._pending_rows:
            kept = self._constants[name] = np.full(max(self._pending_rows, FLUSH_ROWS), value, dtype=kind)
        return kept[: self._pending_rows]

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self.flush()
            self._write(_END_OF_STREAM)
        finally:
            self._file.close()

    def _write(self, message: Any) -> None:
        """All of it: a raw file writes less than it was given where the disk has no room for the rest."""
        rest = memoryview(message)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise DiskFull(f"cannot write the history {self._path}: {error}", next_command="df -h .") from error


def _kind(type_: pa.DataType) -> Any:
    """What numpy calls it; None for text."""
    if pa.types.is_fixed_size_binary(type_):
        return np.dtype((np.void, type_.byte_width))
    return None if type_ == pa.string() else type_.to_pandas_dtype()


def _joined(kept: list[np.ndarray[Any, np.dtype[np.void]]]) -> np.ndarray[Any, np.dtype[np.void]] | None:
    """All rows as one array. By bytes: numpy works out a common type of structured arrays anew for every array."""
    if len(kept) < 2:
        return kept[0] if kept else None
    pieces: list[Any] = [*kept]
    joined: np.ndarray[Any, np.dtype[np.void]] = np.frombuffer(b"".join(pieces), dtype=pieces[0].dtype)
    return joined


class EventLog:
    """The ``event`` table of one process: rare, so written out at once."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._table = TableWriter(folder, "event", worker)
        self._worker = worker

    def add(self, kind: str, at_ns: int | None = None, **detail: object) -> None:
        if kind not in EVENT_KINDS:
            raise ValueError(f"unknown event kind {kind!r}")
        at = time.monotonic_ns() if at_ns is None else at_ns
        self._table.append(
            1, {"at_ns": at, "worker": [self._worker], "kind": [kind], "detail": [json.dumps(detail, default=str)]}
        )
        self._table.flush()

    def close(self) -> None:
        self._table.close()
