"""The publisher's ledger: what was submitted and is not settled yet, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.model import envelope
from harness.model.messages import Int64s, Outcomes, OutgoingBatch
from harness.plan.stream import key_bytes


class SettledRows(NamedTuple):
    """Columns of shape (n,) about publishes that are no longer open. ``submitted_ns`` is 0 for those that never were sent."""

    rows: envelope.Envelopes
    attempts: npt.NDArray[np.int16]
    submitted_ns: Int64s

    def __len__(self) -> int:
        return len(self.rows)


class InFlight:
    """A ring of ``capacity`` slots (a power of two). An index names a submission for ever; its slot is ``index & mask``.

    A slot whose submission is still open is not handed out again: ``room`` says how many indexes can be given now, so memory is
    bounded even when outcomes come far out of order.
    """

    def __init__(self, capacity: int, *, keep_payloads: bool) -> None:
        self._mask = capacity - 1
        if capacity & self._mask:
            raise ValueError("capacity must be a power of two")
        self._rows = np.zeros(capacity, dtype=envelope.DTYPE)
        self._attempts = np.zeros(capacity, dtype=np.int16)
        self._submitted_ns = np.zeros(capacity, dtype=np.int64)
        self._open = np.zeros(capacity, dtype=bool)
        self._payloads: list[bytes | None] | None = [None] * capacity if keep_payloads else None
        self._next = 0
        self.outstanding = 0

    def room(self, wanted: int) -> int:
        """How many of ``wanted`` consecutive indexes are free, from the next one."""
        slots = np.arange(self._next, self._next + min(wanted, self._mask + 1)) & self._mask
        taken = np.flatnonzero(self._open[slots])
        return int(taken[0]) if len(taken) else len(slots)

    def offer(
        self, rows: envelope.Envelopes, payloads: Sequence[bytes], attempts: npt.NDArray[np.int16] | int
    ) -> OutgoingBatch:
        """Give indexes to messages about to be submitted. At most ``room`` of them."""
        count = len(rows)
        indexes = np.arange(self._next, self._next + count)
        slots = indexes & self._mask
        self._next += count
        self._rows[slots] = rows
        self._attempts[slots] = attempts
        self._submitted_ns[slots] = 0
        self._open[slots] = True
        if self._payloads is not None:
            for slot, payload in zip(slots.tolist(), payloads, strict=True):
                self._payloads[slot] = payload
        return OutgoingBatch(
            indexes.tolist(), payloads, key_bytes(rows["key"]), rows["class"].tolist(), rows["ttl_ms"].tolist()
        )

    def submitted(self, batch: OutgoingBatch, taken: int, at_ns: int) -> None:
        """The first ``taken`` rows of the batch went to the client at ``at_ns``."""
        if taken:
            slots = np.arange(batch.indexes[0], batch.indexes[0] + taken) & self._mask
            self._submitted_ns[slots] = at_ns
            self.outstanding += taken

    def withdraw(self, batch: OutgoingBatch) -> SettledRows:
        """Rows that were offered and never submitted."""
        return self._release(np.asarray(batch.indexes, dtype=np.int64))

    def forsaken(self) -> SettledRows:
        """Rows that were submitted and that a closed publisher said nothing about: none, if its adapter keeps the rules."""
        slots = np.flatnonzero(self._open & (self._submitted_ns > 0))
        self._open[slots] = False
        self.outstanding = 0
        return SettledRows(self._rows[slots], self._attempts[slots], self._submitted_ns[slots])

    def settle(self, outcomes: Outcomes) -> SettledRows:
        """The rows that these outcomes are about, in their order."""
        self.outstanding -= len(outcomes)
        return self._release(outcomes.indexes)

    def payloads_of(self, indexes: Int64s) -> list[bytes]:
        """Payloads of just settled rows; only with ``keep_payloads``."""
        assert self._payloads is not None
        kept = [self._payloads[slot] for slot in (indexes & self._mask).tolist()]
        return [payload for payload in kept if payload is not None]

    def _release(self, indexes: Int64s) -> SettledRows:
        slots = indexes & self._mask
        if not self._open[slots].all():
            raise AssertionError("an adapter settled a publish twice, or one that was never submitted")
        self._open[slots] = False
        return SettledRows(self._rows[slots], self._attempts[slots], self._submitted_ns[slots])
