"""What a consumer writes into the history: kept as it came while the load goes on, turned into columns a quarter of a second at a time.

A member that is handed one message at a time would spend far more on arrays of one row than on the message. So envelopes, lengths and
checksums are read a hundred payloads in one call, while those are still in the processor's cache, and columns are made when the
rows are written out, thousands in one call. A kill loses what was collected since, as it does with any table (see ``history.writer``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.history import consume
from harness.history.writer import FLUSH_ROWS, FLUSH_SECONDS, TableWriter
from harness.model import envelope
from harness.model.messages import Deliveries, Disposition, Outcome

READ_ROWS: Final = 100
KEPT_BYTES_MAX: Final = (
    512 << 10
)  # payloads are held until their checksum is taken: below what a core's own cache holds
DELIVERY_COLUMNS: Final = (
    "received_ns", "partition", "position", "redelivered", "delivery_count", "attempt", "reason",
)  # fmt: skip
SETTLE_COLUMNS: Final = ("disposition", "outcome", "failed", "effect")

Numbers = npt.NDArray[np.int64]


# Heads of some payloads, joined; their lengths; which are intact. One number: of all of them.
Read = tuple[bytes, "npt.NDArray[np.int32] | int", "npt.NDArray[np.bool_] | int"]


class ConsumerRecorder:
    """The stream of one member. ``who`` are the columns that all of its rows share.

    ``deliveries`` comes first, then ``settled`` for rows of that batch, then ``flush_if_due``; what is settled is always among
    what waits here.
    """

    def __init__(self, folder: Path, worker: str, run_number: int, who: dict[str, int]) -> None:
        self._table = TableWriter(folder, consume.STREAM, worker, consume.stream_schema(who, run_number))
        self._reading = 0
        self._payloads: list[bytes] = []  # not read yet
        self._bytes = 0  # of them, about
        self._read: list[Read] = []
        self._rows = 0  # that wait to be written, read or not
        self._batch_at = 0  # where the last batch begins among them
        self._columns: list[tuple[npt.NDArray[Any], ...]] = []  # as DELIVERY_COLUMNS
        self._settles: list[tuple[int, ...]] = []  # place of the first row, rows, copies, time, then as SETTLE_COLUMNS
        self._due_at = time.monotonic() + FLUSH_SECONDS

    def deliveries(self, batch: Deliveries, reading: int) -> None:
        """A batch that was received just now."""
        if reading != self._reading:
            self.flush()
            self._reading = reading
        self._batch_at = self._rows
        self._rows += len(batch.payloads)
        self._payloads += batch.payloads
        self._bytes += len(batch.payloads[0]) * len(batch.payloads)
        self._columns.append((
            batch.received_ns, batch.partitions, batch.positions, batch.redelivered, batch.delivery_counts, batch.attempts,
            batch.reasons,
        ))  # fmt: skip

    def settled(
        self, first: int, count: int, how: Disposition, outcome: Outcome, *, failed: int, effect: int, copies: int
    ) -> None:
        """``count`` rows of the last batch, from its row ``first`` on, were settled just now in one call; copies are spread over them."""
        row = (self._batch_at + first, count, copies, time.monotonic_ns(), int(how.kind), int(outcome), failed, effect)
        self._settles.append(row)

    def flush_if_due(self, *, idle: bool) -> None:
        """Write out what is old or much enough; ``idle``: nothing waits for this member just now, so it is a good moment."""
        if len(self._payloads) >= READ_ROWS or self._bytes >= KEPT_BYTES_MAX:
            self._read_payloads()
        late = time.monotonic() - self._due_at
        if self._rows >= FLUSH_ROWS or late >= (0.0 if idle else FLUSH_SECONDS):
            self.flush()

    def _read_payloads(self) -> None:
        """Keep of the payloads what becomes columns; a few at a time, since they are copied for it."""
        payloads, self._payloads = self._payloads, []
        step = max(1, len(payloads) * KEPT_BYTES_MAX // max(1, self._bytes))
        self._read += [_read(payloads[place : place + step]) for place in range(0, len(payloads), step)]
        self._bytes = 0

    def flush(self) -> None:
        """Raises DiskFull."""
        self._due_at = time.monotonic() + FLUSH_SECONDS
        if not self._rows:
            return
        self._read_payloads()
        heads, lengths, intact = _envelopes(self._read)
        came = dict(zip(DELIVERY_COLUMNS, map(_joined, zip(*self._columns, strict=True)), strict=True))
        self._table.append(
            self._rows,
            {
                "head": heads,
                "bytes": lengths,
                "checksum_ok": intact,
                "reading": self._reading,
                **came,
                **self._settlements(),
            },
        )
        self._columns, self._read, self._settles, self._rows, self._batch_at = [], [], [], 0, 0
        self._table.flush()

    def _settlements(self) -> dict[str, Numbers | int]:
        """What became of the rows that wait, by column."""
        if not self._settles:
            return dict.fromkeys(("settled_ns", *SETTLE_COLUMNS, "copies"), 0)
        calls = np.array(self._settles, dtype=np.int64)
        firsts, counts, copies = calls[:, 0], calls[:, 1], calls[:, 2]
        columns: dict[str, Numbers | int] = {"settled_ns": np.repeat(calls[:, 3], counts)}
        for place, name in enumerate(SETTLE_COLUMNS):
            columns[name] = _spread(calls[:, 4 + place], counts)
        columns["copies"] = _shares(copies, counts) if copies.any() else 0
        if counts.sum() == self._rows and (np.diff(firsts) == counts[:-1]).all():
            return columns
        places = np.repeat(firsts, counts) + _within(counts)  # some were not settled, or in another order
        return {name: _placed(column, places, self._rows) for name, column in columns.items()}

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._table.close()


def _within(counts: Numbers) -> Numbers:
    """0, 1, 2, ... anew for each count."""
    places: Numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _spread(values: Numbers, counts: Numbers) -> Numbers | int:
    """The value of each call for each of its rows; one number where it is the same for all."""
    return int(values[0]) if (values == values[0]).all() else np.repeat(values, counts)


def _placed(column: Numbers | int, places: Numbers, rows: int) -> Numbers | int:
    """``column`` is about the rows at ``places``; the others have 0."""
    if isinstance(column, int):
        return column
    whole: Numbers = np.zeros(rows, dtype=np.int64)
    whole[places] = column
    return whole


def _shares(copies: Numbers, counts: Numbers) -> Numbers:
    """The copies of each call spread over its rows, the first ones getting what does not divide."""
    whole, rest = np.repeat(copies // counts, counts), np.repeat(copies % counts, counts)
    shares: Numbers = whole + (_within(counts) < rest)
    return shares


def _read(payloads: list[bytes]) -> Read:
    told = envelope.alike(payloads)
    if told is not None:
        return *told, 1
    rows, sizes, intact = envelope.read(payloads)
    return rows.tobytes(), sizes, intact


def _envelopes(
    read: list[Read],
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int32] | int, npt.NDArray[np.bool_] | int]:
    """All that was read: heads of shape (n,), lengths and what is intact; one number where it is the same for all."""
    heads, lengths, intact = zip(*read, strict=True)
    whole = b"".join(heads)
    ours = envelope.ours(np.frombuffer(whole, dtype=envelope.DTYPE))
    untyped: npt.NDArray[np.void] = np.frombuffer(whole, dtype=envelope.UNTYPED)
    counts = [len(head) // envelope.HEAD for head in heads]
    alike = all(isinstance(told, int) for told in intact) and ours.all()
    if alike:
        return untyped, _expanded(lengths, counts), 1
    return (
        untyped,
        _expanded(lengths, counts),
        np.broadcast_to(_expanded(intact, counts), ours.shape).astype(bool) & ours,
    )


def _expanded(pieces: Sequence[Any], counts: list[int]) -> Any:
    first = pieces[0]
    if isinstance(first, int) and all(isinstance(piece, int) and piece == first for piece in pieces):
        return first
    return np.concatenate([
        np.full(count, piece, dtype=np.int32) if isinstance(piece, int) else piece
        for piece, count in zip(pieces, counts, strict=True)
    ])  # fmt: skip


def _joined(pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """One array of them all."""
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
