"""Reading a history: only the columns asked for, a piece at a time, whether it was merged or its harness crashed.

A merged table is one Parquet file. While ``streams/`` is still there the run was cut off (or its merge was), and the worker streams are
read instead: they hold everything that was flushed, and a torn end is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import HistoryError
from harness.history.clocks import Clocks
from harness.history.merge import corrected_batches, stream_batches, stream_files
from harness.history.meta import HistoryMeta
from harness.history.schema import TABLES
from harness.history.writer import STREAMS_FOLDER

Column = npt.NDArray[Any]
Columns = dict[str, Column]


@dataclass(frozen=True, slots=True)
class Event:
    """A mark of the run. ``at_ns`` is monotonic; the fields of ``detail`` are those of ``schema.EVENT_KINDS``."""

    at_ns: int
    worker: str
    kind: str
    detail: dict[str, Any]


class History:
    """One history folder, read-only. Every method raises HistoryError, with the file and what can be done, where it is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta = HistoryMeta.load(folder)
        self.merged = not (folder / STREAMS_FOLDER).is_dir()

    @property
    def again(self) -> str:
        """The command that makes such a history anew."""
        return f"harness run {self.meta.workload} -b {self.meta.broker}"

    def batches(self, table: str, names: Sequence[str], *, group: int | None = None) -> Iterator[Columns]:
        """The rows of ``table`` in pieces, each a mapping of ``names`` to arrays of equal length; of one group when asked.

        Row groups that cannot hold the group are not read: the rows of one member lie together in a merged file.
        """
        wanted = list(names) if group is None or "group" in names else [*names, "group"]
        source = self._parquet(table, wanted, group) if self.merged else self._streams(table, wanted)
        for batch in source:
            columns = {name: _array(batch.column(name)) for name in wanted}
            if group is not None:
                mine = columns["group"] == group
                if not mine.all():
                    columns = {name: column[mine] for name, column in columns.items()}
            if len(columns[wanted[0]]):
                yield {name: columns[name] for name in names}

    def columns(self, table: str, names: Sequence[str], *, group: int | None = None) -> Columns:
        """The same in one piece: arrays of shape (rows,)."""
        pieces: dict[str, list[Column]] = {name: [] for name in names}
        for batch in self.batches(table, names, group=group):
            for name, column in batch.items():
                pieces[name].append(column)
        schema = TABLES[table]
        whole: Columns = {}
        for name in names:
            parts = pieces.pop(name)
            kind = schema.field(name).type
            whole[name] = np.concatenate(parts) if parts else np.empty(0, dtype=_dtype(kind))
        return whole

    def events(self) -> list[Event]:
        """All marks in order of time. A detail that is not JSON (a torn write) is empty."""
        columns = self.columns("event", ["at_ns", "worker", "kind", "detail"])
        rows = zip(*(columns[name].tolist() for name in ("at_ns", "worker", "kind", "detail")), strict=True)
        return sorted((Event(at, worker, kind, _json(detail)) for at, worker, kind, detail in rows), key=_at)

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        if self.merged:
            return int(self._open(table).metadata.num_rows)
        return sum(batch.num_rows for path in stream_files(self.folder, table) for batch in stream_batches(table, path))

    # -- the two kinds of file ----------------------------------------------------------------------------------------

    def _open(self, table: str) -> Any:
        path = self.folder / f"{table}.parquet"
        try:
            file = pq.ParquetFile(path)
        except FileNotFoundError:
            raise HistoryError(f"the history is not whole: {path} is missing", next_command=self.again) from None
        except (pa.ArrowException, OSError) as error:
            raise HistoryError(
                f"{path} is truncated or damaged: {_first_line(error)}", next_command=self.again
            ) from None
        return file

    def _parquet(self, table: str, names: list[str], group: int | None) -> Iterator[Any]:
        path = self.folder / f"{table}.parquet"
        with self._open(table) as file:
            missing = set(names) - set(file.schema_arrow.names)
            if missing:
                raise HistoryError(
                    f"{path} has no column {', '.join(sorted(missing))}: it was written by another version",
                    next_command=self.again,
                )
            kept = [
                number for number in range(file.num_row_groups) if _may_hold(file.metadata.row_group(number), group)
            ]
            for number in kept:
                try:
                    yield file.read_row_group(number, columns=names, use_threads=False)
                except (pa.ArrowException, OSError) as error:
                    raise HistoryError(
                        f"{path} is damaged in row group {number}: {_first_line(error)}", next_command=self.again
                    ) from None

    def _streams(self, table: str, names: list[str]) -> Iterator[Any]:
        clocks = Clocks.load(self.folder)
        for path in stream_files(self.folder, table):
            for batch in corrected_batches(table, path, clocks):
                missing = set(names) - set(batch.schema.names)
                if missing:
                    raise HistoryError(
                        f"{path} has no column {', '.join(sorted(missing))}: it was written by another version",
                        next_command=self.again,
                    )
                yield batch


def _at(event: Event) -> int:
    return event.at_ns


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _json(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}


def _dtype(kind: Any) -> Any:
    return np.dtype(object) if kind == pa.string() else kind.to_pandas_dtype()


def _array(column: Any) -> Column:
    """An Arrow column as numpy; strings become objects."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    array: Column = column.to_numpy(zero_copy_only=False)
    return array


def _may_hold(row_group: Any, group: int | None) -> bool:
    """Whether a Parquet row group may have rows of the group, by its statistics."""
    if group is None:
        return True
    for number in range(row_group.num_columns):
        column = row_group.column(number)
        if column.path_in_schema == "group":
            statistics = column.statistics
            if statistics is None or not statistics.has_min_max:
                return True
            return bool(statistics.min <= group <= statistics.max)
    return True
