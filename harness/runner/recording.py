"""What a consumer writes into the history: kept as it came while the load goes on, turned into columns a quarter of a second at a time.

A member that is handed one message at a time would spend far more on arrays of one row than on the message: envelopes, lengths and
checksums are read when the rows are written out, thousands in one call. A kill loses what was collected since, as it does
with any table (see ``history.writer``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.history.writer import FLUSH_ROWS, FLUSH_SECONDS, TableWriter
from harness.model import envelope
from harness.model.messages import Deliveries, Disposition, Outcome

KEPT_BYTES_MAX: Final = 8 << 20  # payloads are held until their checksum is taken
OVERDUE_SECONDS: Final = 2 * FLUSH_SECONDS  # a busy member does not wait for a lull longer than this

DELIVERY_COLUMNS: Final = (
    "received_ns", "partition", "position", "redelivered", "delivery_count", "attempt", "reason",
)  # fmt: skip
SETTLE_COLUMNS: Final = ("disposition", "settled_ns", "outcome", "failed", "effect", "reading")
Numbers = npt.NDArray[np.int64]


class _Recorder:
    """Rows waiting to become columns of one table. ``who`` are the columns that every row of this member shares."""

    def __init__(self, folder: Path, table: str, worker: str, run_number: int, who: dict[str, int]) -> None:
        self._table = TableWriter(folder, table, worker)
        self._who = who
        self._run_number = run_number
        self._payloads: list[bytes] = []
        self._bytes = 0
        self._due_at = time.monotonic() + FLUSH_SECONDS

    def flush_if_due(self, *, idle: bool) -> None:
        """Write out what is old enough; ``idle``: nothing waits for this member just now, so it is a good moment."""
        late = time.monotonic() - self._due_at
        if late >= (0.0 if idle else OVERDUE_SECONDS - FLUSH_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Raises DiskFull."""
        self._due_at = time.monotonic() + FLUSH_SECONDS
        if not self._payloads:
            return
        rows = envelope.unpack(self._payloads)
        ours = (rows["magic"] == envelope.MAGIC) & (rows["run"] == self._run_number)
        columns: dict[str, Any] = {**self._who, **self._columns(rows)}
        if not ours.all():
            columns["producer"] = np.where(ours, rows["producer"].astype(np.int64), -1)
            columns["sequence"] = np.where(ours, rows["sequence"].astype(np.int64), -1)
        self._table.append(len(rows), columns, rows)
        self._payloads = []
        self._bytes = 0
        self._table.flush()

    def _columns(self, rows: envelope.Envelopes) -> dict[str, Any]:
        """The table's own columns of everything that waits; they are forgotten here."""
        raise NotImplementedError

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._table.close()


class DeliveryRecorder(_Recorder):
    """The ``deliver`` table of one member."""

    def __init__(self, folder: Path, worker: str, run_number: int, who: dict[str, int]) -> None:
        super().__init__(folder, "deliver", worker, run_number, who)
        self._kept: list[tuple[npt.NDArray[Any], ...]] = []  # as DELIVERY_COLUMNS
        self._reading = 0

    def add(self, deliveries: Deliveries, reading: int) -> None:
        if reading != self._reading:
            self.flush()
            self._reading = reading
        self._payloads += deliveries.payloads
        self._kept.append((
            deliveries.received_ns, deliveries.partitions, deliveries.positions, deliveries.redelivered,
            deliveries.delivery_counts, deliveries.attempts, deliveries.reasons,
        ))  # fmt: skip
        self._bytes += len(deliveries.payloads[0]) * len(deliveries)
        if len(self._payloads) >= FLUSH_ROWS or self._bytes >= KEPT_BYTES_MAX:
            self.flush()

    def _columns(self, rows: envelope.Envelopes) -> dict[str, Any]:
        kept, self._kept = self._kept, []
        return {
            **dict(zip(DELIVERY_COLUMNS, map(_joined, zip(*kept, strict=True)), strict=True)),
            "bytes": envelope.lengths(self._payloads),
            "checksum_ok": envelope.intact(self._payloads, rows),
            "reading": self._reading,
        }


class SettleRecorder(_Recorder):
    """The ``settle`` table of one member."""

    def __init__(self, folder: Path, worker: str, run_number: int, who: dict[str, int]) -> None:
        super().__init__(folder, "settle", worker, run_number, who)
        self._calls: list[tuple[int, int, int, int, int, int, int, int]] = []

    def add(
        self,
        payloads: Sequence[bytes],
        how: Disposition,
        outcome: Outcome,
        *,
        failed: int,
        effect: int,
        copies: int,
        reading: int,
    ) -> None:
        """One ``settle`` call that ended just now; ``copies`` is spread over its rows."""
        count = len(payloads)
        self._payloads += payloads
        self._bytes += len(payloads[0]) * count
        self._calls.append((count, copies, int(how.kind), time.monotonic_ns(), int(outcome), failed, effect, reading))
        if len(self._payloads) >= FLUSH_ROWS or self._bytes >= KEPT_BYTES_MAX:
            self.flush()

    def _columns(self, rows: envelope.Envelopes) -> dict[str, Any]:
        calls = np.array(self._calls, dtype=np.int64)
        self._calls = []
        counts, copies = calls[:, 0], calls[:, 1]
        spread = np.repeat(calls[:, 2:], counts, axis=0)
        return {
            **{name: spread[:, place] for place, name in enumerate(SETTLE_COLUMNS)},
            "copies": _shares(copies, counts) if copies.any() else 0,
        }


def _shares(copies: Numbers, counts: Numbers) -> Numbers:
    """The copies of each call spread over its rows, the first ones getting what does not divide."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    whole, rest = np.repeat(copies // counts, counts), np.repeat(copies % counts, counts)
    shares: Numbers = whole + (within < rest)
    return shares


def _joined(pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
