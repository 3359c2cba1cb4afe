"""Delivery tags of one channel that are not acknowledged yet, and the fewest frames that acknowledge some of them.

basic.ack with ``multiple`` covers every unacknowledged tag of the channel up to one, those that still lie in the client's buffer
included. It is used only for an unbroken run from the oldest unacknowledged tag on.
"""

from __future__ import annotations

from collections.abc import Iterable


class Unsettled:
    """Not thread-safe: its owner locks. Tags are added in the order they came, which is ascending."""

    __slots__ = ("_tags",)

    def __init__(self) -> None:
        self._tags: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._tags)

    def __contains__(self, tag: int) -> bool:
        return tag in self._tags

    def add(self, tag: int) -> None:
        self._tags[tag] = None

    def keep(self, oldest: int) -> None:
        """Forget all but so many of the oldest."""
        for tag in list(self._tags)[oldest:]:
            del self._tags[tag]

    def remove(self, tags: Iterable[int]) -> list[int]:
        """Those of ``tags`` that were unsettled, ascending; they are not any more."""
        gone = sorted({tag for tag in tags if tag in self._tags})
        for tag in gone:
            del self._tags[tag]
        return gone

    def acknowledge(self, tags: Iterable[int]) -> list[tuple[int, bool]]:
        """(tag, multiple) of each basic.ack to send for exactly these tags."""
        wanted = sorted({tag for tag in tags if tag in self._tags})
        run = 0
        for tag, oldest in zip(wanted, self._tags, strict=False):
            if tag != oldest:
                break
            run += 1
        for tag in wanted:
            del self._tags[tag]
        acks = [(wanted[run - 1], run > 1)] if run else []
        return acks + [(tag, False) for tag in wanted[run:]]
