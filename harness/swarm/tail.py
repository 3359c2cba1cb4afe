"""Reading a worker's history streams while it writes them: as bytes for the master, as rows for Locust's page.

A stream is only ever appended to, so both are places in one file, and nothing is kept in memory that was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from harness.history.clocks import ClockOffset
from harness.model.messages import Outcome

CHUNK_BYTES: Final = 256 << 10
BATCH_BYTES_MAX: Final = 8 << 20  # the largest record batch a worker writes is about one


class Tail:
    """One stream file: ``chunk`` and ``batches`` advance independently."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sent = 0
        self._shown = 0
        self._schema: pa.Schema | None = None

    def chunk(self) -> tuple[int, bytes] | None:
        """The next bytes and their offset, or None when there are none (yet)."""
        data = self._read(self.sent, CHUNK_BYTES)
        if not data:
            return None
        offset, self.sent = self.sent, self.sent + len(data)
        return offset, data

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The whole record batches that were written since the last call."""
        source = pa.BufferReader(self._read(self._shown, BATCH_BYTES_MAX))
        start = self._shown
        while True:
            try:
                message = pa.ipc.read_message(source)
            except (pa.ArrowInvalid, EOFError, OSError):  # not all of it is there yet, or the stream has ended
                return
            self._shown = start + source.tell()
            if message.type == "schema":
                self._schema = pa.ipc.read_schema(message)
            elif self._schema is not None:
                yield pa.ipc.read_record_batch(message, self._schema)

    def _read(self, offset: int, count: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(count)


class Requests(NamedTuple):
    """Requests of one row of Locust's page: ``ms`` from the intended time, bytes, and the error of those that failed (by place)."""

    kind: str
    name: str
    ms: list[float]
    bytes: list[int]
    errors: dict[int, str]


def published(batch: pa.RecordBatch, base: str, phases: tuple[str, ...]) -> Iterator[Requests]:
    """Rows of ``publish``: intended time to outcome, both on one host."""
    ms = (_column(batch, "settled_ns") - _column(batch, "intended_ns")) / 1e6
    size, outcome, phase = _column(batch, "bytes"), _column(batch, "outcome"), _column(batch, "phase")
    texts = {int(Outcome.FAIL): "FAIL: not accepted", int(Outcome.INFO): "INFO: outcome unknown"}
    for number in np.unique(phase).tolist():
        rows = np.flatnonzero(phase == number)
        codes = outcome[rows]
        errors = {place: texts[int(codes[place])] for place in np.flatnonzero(codes != Outcome.OK).tolist()}
        yield Requests("publish", f"{base}/{_name(phases, number)}", ms[rows].tolist(), size[rows].tolist(), errors)


def delivered(
    batch: pa.RecordBatch,
    base: str,
    phases: tuple[str, ...],
    groups: tuple[str, ...],
    own: ClockOffset,
    producers: dict[int, ClockOffset],
) -> Iterator[Requests]:
    """Rows of ``deliver``: intended time on the publisher's host to receipt on this one, as far as the clocks are known by now."""
    intended, producer = _column(batch, "intended_ns"), _column(batch, "producer")
    for number, clock in producers.items():
        theirs = producer == number
        intended = np.where(theirs, clock.to_master(intended), intended)
    ms = np.maximum(0.0, (own.to_master(_column(batch, "received_ns")) - intended) / 1e6)  # the history keeps them raw
    size, phase, intact = _column(batch, "bytes"), _column(batch, "phase"), _column(batch, "checksum_ok")
    group, reading = _column(batch, "group"), _column(batch, "reading")
    places = (reading << 32) | (group << 16) | phase
    for place in np.unique(places).tolist():
        rows = np.flatnonzero(places == place)
        name = f"{base}/{_name(phases, place & 0xFFFF)}/{_name(groups, (place >> 16) & 0xFFFF)}"
        if place >> 32:
            name += "/replay"
        damaged = np.flatnonzero((intact[rows] == 0) | (producer[rows] < 0))
        yield Requests(
            "deliver", name, ms[rows].tolist(), size[rows].tolist(), dict.fromkeys(damaged.tolist(), "damaged")
        )


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _column(batch: pa.RecordBatch, name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False), dtype=np.int64)
