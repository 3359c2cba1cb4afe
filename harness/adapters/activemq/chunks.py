"""Which publishes are under way in which transaction: the book behind the outcomes.

The broker works a connection's frames off in order, so its receipts come in the order of the chunks. An ERROR that names a receipt is
about that chunk: its commit was refused, nothing of it was stored. One that names none is about a SEND inside the oldest chunk; the commit
that follows may still store the others, so all of that chunk is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.messages import Outcome


@dataclass(slots=True)
class Chunk:
    """``doubt`` is why its messages may not all have been stored; empty while nothing speaks against it."""

    indexes: Sequence[int]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    indexes: Sequence[int]
    outcome: Outcome
    error: str = ""


NOTHING = Verdict((), Outcome.OK)


class Chunks:
    """Not thread-safe: its owner locks."""

    __slots__ = ("_messages", "_next", "_open")

    def __init__(self) -> None:
        self._open: dict[str, Chunk] = {}
        self._next = 1
        self._messages = 0

    def __len__(self) -> int:
        """Chunks under way."""
        return len(self._open)

    @property
    def messages(self) -> int:
        """Messages under way."""
        return self._messages

    def begin(self, indexes: Sequence[int]) -> str:
        """The name of the next chunk: transaction and receipt are called so."""
        name = f"c{self._next}"
        self._next += 1
        self._open[name] = Chunk(indexes)
        self._messages += len(indexes)
        return name

    def received(self, receipt: str) -> Verdict:
        """The broker has done all of it."""
        chunk = self._take(receipt)
        if chunk is None:
            return NOTHING
        return Verdict(chunk.indexes, Outcome.INFO if chunk.doubt else Outcome.OK, chunk.doubt)

    def refused(self, receipt: str, why: str) -> Verdict:
        """The broker sent ERROR; ``receipt`` is empty when it names none."""
        if receipt:
            chunk = self._take(receipt)
            return NOTHING if chunk is None else Verdict(chunk.indexes, Outcome.FAIL, why)
        oldest = next(iter(self._open.values()), None)
        if oldest is not None:
            oldest.doubt = oldest.doubt or why
        return NOTHING

    def abandon(self) -> list[int]:
        """Indexes of what will never be answered, oldest first."""
        left = [index for chunk in self._open.values() for index in chunk.indexes]
        self._open.clear()
        self._messages = 0
        return left

    def _take(self, name: str) -> Chunk | None:
        chunk = self._open.pop(name, None)
        if chunk is not None:
            self._messages -= len(chunk.indexes)
        return chunk
