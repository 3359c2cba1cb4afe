"""What one group received and settled, in order of time: the second view that checkers look through, one group in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.checkers.messages import NEVER, NOBODY, Flags, Messages, Numbers
from harness.history.view import Columns, History
from harness.model.messages import DEAD_LETTERS, DispositionKind, Outcome

_DELIVER: Final = (
    "producer", "sequence", "member", "incarnation", "received_ns", "redelivered", "attempt", "reason", "checksum_ok", "reading",
)  # fmt: skip
_SETTLE: Final = (
    "producer", "sequence", "member", "incarnation", "settled_ns", "disposition", "outcome", "failed", "effect", "copies", "reading",
)  # fmt: skip


@dataclass
class Deliveries:
    """Deliveries of published messages to one group in one reading, arrays of shape (n,), ascending in ``received_ns``.

    ``number`` is the message's; ``member`` counts every incarnation of a member as one of its own.
    """

    number: Numbers
    received_ns: Numbers
    member: npt.NDArray[np.int32]
    redelivered: npt.NDArray[np.uint8]
    attempt: npt.NDArray[np.int16]
    reason: npt.NDArray[np.uint8]
    checksum_ok: npt.NDArray[np.uint8]
    messages: int

    def __len__(self) -> int:
        return len(self.number)

    @cached_property
    def first(self) -> Numbers:
        """For each message the row of its first delivery, -1 without one. Shape (messages,). Rows are ranks of time."""
        first = np.full(self.messages, -1, dtype=np.int64)
        # backwards, so that the last assignment, the earliest row, stays
        first[self.number[::-1]] = np.arange(len(self.number) - 1, -1, -1)
        return first

    @cached_property
    def count(self) -> Numbers:
        """How often each message was delivered. Shape (messages,)."""
        return np.bincount(self.number, minlength=self.messages)

    @property
    def delivered(self) -> Flags:
        """Messages that came at least once. Shape (messages,)."""
        return self.first >= 0

    @cached_property
    def last_ns(self) -> Numbers:
        """When each message last came; -1 without a delivery. Shape (messages,)."""
        times = np.full(self.messages, -1, dtype=np.int64)
        times[self.number] = self.received_ns  # in order of time, so the last assignment is the latest
        return times

    @cached_property
    def first_ns(self) -> Numbers:
        """When each message first came, NEVER without a delivery. Shape (messages,)."""
        times = np.full(self.messages, NEVER, dtype=np.int64)
        came = self.delivered
        times[came] = self.received_ns[self.first[came]]
        return times


@dataclass
class Strays:
    """Deliveries that match no published message: names as they were read, ``checksum_ok`` and when. Arrays of shape (n,)."""

    producer: Numbers
    sequence: Numbers
    received_ns: Numbers
    checksum_ok: npt.NDArray[np.uint8]


@dataclass
class Settles:
    """Settled deliveries of published messages of one group, first reading, ascending in ``settled_ns``; arrays of shape (n,)."""

    number: Numbers
    settled_ns: Numbers
    member: npt.NDArray[np.int32]
    disposition: npt.NDArray[np.uint8]
    outcome: npt.NDArray[np.uint8]
    effect: npt.NDArray[np.uint8]
    copies: npt.NDArray[np.uint8]
    messages: int

    def __len__(self) -> int:
        return len(self.number)

    def count(self, keep: Flags) -> Numbers:
        """How many of the rows that ``keep`` marks each message has. Shape (messages,)."""
        return np.bincount(self.number[keep], minlength=self.messages)

    @cached_property
    def confirmed(self) -> Numbers:
        """Settlements per message that the broker took: ACCEPT, RETRY or DEAD with outcome OK."""
        return self.count((self.outcome == Outcome.OK) & (self.disposition != DispositionKind.ABANDON))

    @cached_property
    def retried(self) -> Numbers:
        """RETRY settlements per message, whatever became of them."""
        return self.count(self.disposition == DispositionKind.RETRY)

    @cached_property
    def finished(self) -> Flags:
        """Messages of which some delivery was accepted or given up on, or may have been."""
        ends = (self.disposition == DispositionKind.ACCEPT) | (self.disposition == DispositionKind.DEAD)
        return self.count(ends & (self.outcome != Outcome.FAIL)) > 0


class GroupView:
    """One group's part of the history. Columns are read when they are first asked for, and go with the view."""

    def __init__(self, history: History, messages: Messages, number: int) -> None:
        self._history = history
        self._messages = messages
        self.number = number
        self.name = history.meta.groups[number]

    @property
    def is_dead_letters(self) -> bool:
        return self.name == DEAD_LETTERS

    @cached_property
    def _loaded(self) -> tuple[Deliveries, Deliveries, Strays]:
        columns = self._history.columns("deliver", _DELIVER, group=self.number)
        number = self._messages.numbers(columns.pop("producer"), columns["sequence"])
        stray = number == NOBODY
        strays = self._strays(stray)
        columns.pop("sequence")
        second = columns["reading"] == 1
        build = self._deliveries
        if not stray.any() and not second.any():
            return build(columns, number, None), build(columns, number, np.zeros(0, dtype=np.int64)), strays
        return build(columns, number, ~stray & ~second), build(columns, number, ~stray & second), strays

    def _strays(self, stray: Flags) -> Strays:
        """Read the names of strays again: there are hardly ever any, and keeping everybody's names costs memory."""
        if not stray.any():
            none = np.zeros(0, dtype=np.int64)
            return Strays(none, none, none, np.zeros(0, dtype=np.uint8))
        columns = self._history.columns(
            "deliver", ["producer", "sequence", "received_ns", "checksum_ok"], group=self.number
        )
        return Strays(
            columns["producer"][stray].astype(np.int64),
            columns["sequence"][stray],
            columns["received_ns"][stray],
            columns["checksum_ok"][stray],
        )

    def _deliveries(self, columns: Columns, number: Numbers, keep: npt.NDArray[Any] | None) -> Deliveries:
        take = _taker(columns["received_ns"], keep)
        return Deliveries(
            number=take(number),
            received_ns=take(columns["received_ns"]),
            member=_incarnations(take(columns["member"]), take(columns["incarnation"])),
            redelivered=take(columns["redelivered"]),
            attempt=take(columns["attempt"]),
            reason=take(columns["reason"]),
            checksum_ok=take(columns["checksum_ok"]),
            messages=len(self._messages),
        )

    @property
    def deliveries(self) -> Deliveries:
        """The first reading."""
        return self._loaded[0]

    @property
    def replay(self) -> Deliveries:
        """The second reading; empty where there was none."""
        return self._loaded[1]

    @property
    def strays(self) -> Strays:
        return self._loaded[2]

    @cached_property
    def first_member(self) -> npt.NDArray[np.int32]:
        """The member (as in ``Deliveries``) that each message first came to, -1 without a delivery. Shape (messages,)."""
        members = np.full(len(self._messages), -1, dtype=np.int32)
        came = self.deliveries.delivered
        members[came] = self.deliveries.member[self.deliveries.first[came]]
        return members

    @cached_property
    def settles(self) -> Settles:
        columns = self._history.columns("settle", _SETTLE, group=self.number)
        number = self._messages.numbers(columns.pop("producer"), columns.pop("sequence"))
        keep: Flags | None = (number != NOBODY) & (columns["reading"] == 0)
        assert keep is not None
        take = _taker(columns["settled_ns"], None if keep.all() else keep)
        return Settles(
            number=take(number),
            settled_ns=take(columns["settled_ns"]),
            member=_incarnations(take(columns["member"]), take(columns["incarnation"])),
            disposition=take(columns["disposition"]),
            outcome=take(columns["outcome"]),
            effect=take(columns["effect"]),
            copies=take(columns["copies"]),
            messages=len(self._messages),
        )


def _incarnations(member: npt.NDArray[Any], incarnation: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    both: npt.NDArray[np.int32] = (incarnation.astype(np.int32) << 8) | member
    return both


def _taker(times: Numbers, keep: npt.NDArray[Any] | None) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Selects rows (all of them for None) and puts them in order of time. Rows that are in order already are not copied."""
    kept = times if keep is None else times[keep]
    sorted_already = bool((kept[1:] >= kept[:-1]).all())
    order = None if sorted_already else np.argsort(kept, kind="stable")

    def take(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        chosen = column if keep is None else column[keep]
        return chosen if order is None else chosen[order]

    return take
