"""From worker streams to one Parquet file a table: at the end of a run, or later after a crash."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DiskFull
from harness.history import consume
from harness.history.clocks import Clocks
from harness.history.schema import TABLES
from harness.history.writer import STREAMS_FOLDER

ROW_GROUP_ROWS = 1 << 18


def stream_files(folder: Path, table: str) -> list[Path]:
    """The streams that hold rows of ``table``, in order."""
    names = (table, consume.STREAM) if table in consume.READ_AS else (table,)
    return sorted(path for name in names for path in (folder / STREAMS_FOLDER).glob(f"{name}-*.arrows"))


def stream_batches(table: str, path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of ``table`` in the whole batches of one stream; a torn end is where it stops."""
    packed = path.name.startswith(f"{consume.STREAM}-")
    try:
        with path.open("rb") as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                yield consume.rows_of(table, batch) if packed else batch
    except (pa.ArrowInvalid, EOFError, OSError):
        return


def corrected_batches(table: str, path: Path, clocks: Clocks) -> Iterator[pa.RecordBatch]:
    """The same, with times on the clock of the master."""
    return clocks.corrected(table, path.stem.partition("-")[2], stream_batches(table, path))


def merge_streams(folder: Path) -> dict[str, int]:
    """Write ``<table>.parquet`` for every table, then remove the streams. Rows by table (empty when it was done before). Bounded memory.

    Each file appears by rename, and the streams are renamed last: a kill in the middle leaves everything needed to do it again.
    """
    streams = folder / STREAMS_FOLDER
    merged = folder / f"{STREAMS_FOLDER}.merged"
    rows: dict[str, int] = {}
    if not streams.is_dir():
        shutil.rmtree(merged, ignore_errors=True)
        return rows
    clocks = Clocks.load(folder)
    for table, schema in TABLES.items():
        target = folder / f"{table}.parquet"
        scratch = folder / f"{table}.parquet.tmp"
        count = 0
        try:
            with pq.ParquetWriter(scratch, schema, compression="zstd", compression_level=1) as writer:
                pending: list[pa.RecordBatch] = []
                pending_rows = 0
                for path in stream_files(folder, table):
                    for batch in corrected_batches(table, path, clocks):
                        pending.append(batch)
                        pending_rows += batch.num_rows
                        if pending_rows >= ROW_GROUP_ROWS:
                            writer.write_table(pa.Table.from_batches(pending), row_group_size=ROW_GROUP_ROWS)
                            count, pending, pending_rows = count + pending_rows, [], 0
                if pending:
                    writer.write_table(pa.Table.from_batches(pending), row_group_size=ROW_GROUP_ROWS)
                    count += pending_rows
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise DiskFull(f"cannot write {target}: {error}", next_command="df -h .") from error
        scratch.replace(target)
        rows[table] = count
    streams.rename(merged)
    shutil.rmtree(merged, ignore_errors=True)
    return rows
