"""Delayed retry for a broker that has none: a ladder of topics or queues, one rung a delay.

A failed message is copied to the rung of its delay, with the time it is due and the number of failed attempts, and then acknowledged
where it was. Publish and acknowledgement are two steps: a crash between them makes a duplicate, never a loss. Because all messages of a
rung wait equally long, the first of a rung is always the first due.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


def rungs_ms(backoff_s: Sequence[float]) -> tuple[int, ...]:
    """One rung for each different delay, shortest first."""
    return tuple(sorted({max(1, round(delay * 1000)) for delay in backoff_s}))


def rung_for(rungs: Sequence[int], after_ms: int) -> int:
    """The number of the shortest rung that is long enough, or the longest."""
    return next((place for place, delay in enumerate(rungs) if delay >= after_ms), len(rungs) - 1)


class WaitingRoom(Generic[Item]):
    """Messages that a member has read from the rungs and that are not due yet, by due time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Item]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, due_ns: int, item: Item) -> None:
        heapq.heappush(self._heap, (due_ns, next(self._order), item))

    def take_due(self, now_ns: int) -> Item | None:
        if self._heap and self._heap[0][0] <= now_ns:
            return heapq.heappop(self._heap)[2]
        return None

    def next_due_ns(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def drop(self, unwanted: Callable[[Item], bool]) -> None:
        self._heap = [entry for entry in self._heap if not unwanted(entry[2])]
        heapq.heapify(self._heap)
