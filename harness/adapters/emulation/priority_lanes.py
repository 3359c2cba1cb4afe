"""Priority for a broker that has none: one topic or queue a class, and a buffer here that hands out the highest class first.

Each class is filled from its own source; a class that is full asks for its source to be paused, so that a long backlog of low
class can neither fill the memory nor stand in front of what is urgent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class PriorityLanes(Generic[Item]):
    """``levels`` first-in-first-out buffers; level 0 is the lowest. ``capacity`` is per level, before its source is to be paused."""

    def __init__(self, levels: int, capacity: int) -> None:
        self._lanes: list[deque[Item]] = [deque() for _ in range(levels)]
        self._capacity = capacity

    def __len__(self) -> int:
        return sum(map(len, self._lanes))

    def put(self, level: int, item: Item) -> None:
        """A level that does not exist counts as the nearest one that does."""
        self._lanes[max(0, min(level, len(self._lanes) - 1))].append(item)

    def take(self) -> Item | None:
        """The oldest of the highest class that has any."""
        for lane in reversed(self._lanes):
            if lane:
                return lane.popleft()
        return None

    def top(self) -> tuple[int, int]:
        """The highest level that has any, and how many; (-1, 0) where all are empty."""
        return next(
            ((level, len(lane)) for level, lane in reversed(list(enumerate(self._lanes))) if lane),
            (-1, 0),
        )

    def full(self, level: int) -> bool:
        """Its source should be paused."""
        return len(self._lanes[level]) >= self._capacity

    def low(self, level: int) -> bool:
        """Its source may go on."""
        return len(self._lanes[level]) * 2 <= self._capacity

    def drop(self, unwanted: Callable[[Item], bool]) -> None:
        """Forget what is no longer ours to hand out."""
        for place, lane in enumerate(self._lanes):
            self._lanes[place] = deque(item for item in lane if not unwanted(item))
