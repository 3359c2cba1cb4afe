"""What a member publishes instead of leaving a message where it was: into a retry topic, or aside as a dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.adapters.emulation import notes
from harness.adapters.emulation.notes import Notes
from harness.adapters.emulation.retry_ladder import rung_for
from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.ports import Copier, Copy
from harness.errors import BrokerUnavailable
from harness.model.messages import DEAD_LETTERS, Deliveries, Outcome, Reason


class Reads(Protocol):
    """What a client library says of a message that it read."""

    def key_of(self, raw: object) -> bytes | None: ...

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]: ...


class Copies:
    """Makes the copies of one member, and publishes them over a connection that is made when first needed."""

    def __init__(self, layout: Layout, group: str, reads: Reads, make_copier: Callable[[], Copier]) -> None:
        self._layout = layout
        self._rungs = () if group == DEAD_LETTERS else layout.rungs[group]
        self._reads = reads
        self._make_copier = make_copier
        self._copier: Copier | None = None

    @property
    def keeps_dead_letters(self) -> bool:
        return bool(self._layout.dead)

    def retries(self, deliveries: Deliveries, after_ms: int) -> list[Copy]:
        """Into the rung of that delay. Raises BrokerUnavailable where the workload has no ladder."""
        if not self._rungs:
            raise BrokerUnavailable("there is no retry topic: the workload's needs.retry is not set")
        due_ns = time.monotonic_ns() + after_ms * 1_000_000
        rung = self._rungs[rung_for([rung.delay_ms for rung in self._rungs], after_ms)]
        copies = []
        for row, payload in enumerate(deliveries.payloads):
            raw = deliveries.handles[row]
            old = notes.read(self._reads.headers_of(raw))
            level = self._layout.level_of(int(deliveries.partitions[row]), old.priority)
            noted = Notes(int(deliveries.attempts[row]) + 1, level, due_ns, old.expires_ns)
            copies.append(Copy(rung.topic, payload, self._reads.key_of(raw), noted.headers()))
        return copies

    def dead_letters(self, deliveries: Deliveries) -> list[Copy]:
        return [
            self.dead_letter(payload, raw, int(attempt), Reason.REJECTED)
            for payload, raw, attempt in zip(deliveries.payloads, deliveries.handles, deliveries.attempts, strict=True)
        ]

    def dead_letter(self, payload: bytes, raw: object, attempt: int, reason: Reason) -> Copy:
        noted = Notes(attempt=attempt, reason=reason)
        return Copy(self._layout.dead, payload, self._reads.key_of(raw), noted.headers())

    def publish(self, copies: Sequence[Copy]) -> npt.NDArray[np.bool_]:
        """Which of them the broker has acknowledged; those alone are safe, and their originals may be settled. Shape as ``copies``."""
        if not copies:
            return np.zeros(0, dtype=bool)
        if self._copier is None:
            self._copier = self._make_copier()
        outcomes = self._copier.publish(copies, settings.COPY_TIMEOUT_S)
        return np.array([outcome is Outcome.OK for outcome in outcomes], dtype=bool)

    def close(self) -> None:
        if self._copier is not None:
            self._copier.close()


def insist(copies: Sequence[Copy], good: npt.NDArray[np.bool_]) -> None:
    """Raises BrokerUnavailable where some copies are not safe: the connection is given up, and their originals come again."""
    if not good.all():
        raise BrokerUnavailable(f"{int((~good).sum())} copies to {copies[0].topic} were not acknowledged")
