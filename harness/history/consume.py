"""What a member writes: one stream, one row a delivery, with what became of it; read as the tables ``deliver`` and ``settle``.

A member's processor time belongs to its client library. So an envelope is written as it came, what is the same for all rows stands once in
the stream's metadata, and one row holds both the delivery and its settling; columns are made of that when it is read.
A row that was not settled has ``settled_ns`` 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.history.schema import CONSUME, TABLES
from harness.model import envelope

STREAM: Final = "consume"
READ_AS: Final = ("deliver", "settle")
FOREIGN: Final = -1  # producer and sequence of a payload that is not this run's


def stream_schema(who: Mapping[str, int], run_number: int) -> pa.Schema:
    """``who``: group, member and incarnation."""
    return CONSUME.with_metadata({name: str(value) for name, value in {**who, "run": run_number}.items()})


def rows_of(table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of ``deliver`` or ``settle`` in a batch of such a stream."""
    shared = {name.decode(): int(value) for name, value in batch.schema.metadata.items()}
    head = batch.column("head")
    heads = np.frombuffer(head.buffers()[1], dtype=envelope.DTYPE)[head.offset : head.offset + len(head)]
    ours = (heads["magic"] == envelope.MAGIC) & (heads["run"] == shared["run"])
    arrays = [_column(field, batch, heads, ours, shared) for field in TABLES[table]]
    rows = pa.RecordBatch.from_arrays(arrays, schema=TABLES[table])
    if table == "deliver":
        return rows
    return rows.filter(pa.array(batch.column("settled_ns").to_numpy() != 0))


def _column(
    field: pa.Field,
    batch: pa.RecordBatch,
    heads: envelope.Envelopes,
    ours: npt.NDArray[np.bool_],
    shared: dict[str, int],
) -> pa.Array:
    if field.name in batch.schema.names:
        return batch.column(field.name)
    numbers: npt.NDArray[Any]
    if field.name in shared:
        numbers = np.full(len(heads), shared[field.name])
    elif field.name in ("producer", "sequence"):
        numbers = np.where(ours, heads[field.name].astype(np.int64), FOREIGN)
    else:
        numbers = heads[field.name]
    return pa.array(np.ascontiguousarray(numbers, dtype=field.type.to_pandas_dtype()))
