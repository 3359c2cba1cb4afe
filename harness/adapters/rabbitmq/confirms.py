"""Which publishes the broker has confirmed: the book that makes pipelined confirms exact.

The broker numbers the messages of a channel from 1 and confirms them in any order, one by one or all up to a number, with basic.ack
(it has them) or basic.nack (it could not take them). A message that no queue takes is first returned and then acknowledged.
"""

from __future__ import annotations

RETURNED = "returned: no queue takes it"


class Confirms:
    """Not thread-safe: its owner locks."""

    __slots__ = ("_next", "_oldest", "_open", "_returned")

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._returned: dict[int, str] = {}
        self._oldest = 1
        self._next = 1

    def __len__(self) -> int:
        return len(self._open)

    def publish(self, index: int) -> int:
        """The delivery tag of the next message that is sent."""
        tag = self._next
        self._next = tag + 1
        self._open[tag] = index
        return tag

    def returned(self, tag: int, why: str = RETURNED) -> None:
        """The broker sent this message back; its acknowledgement follows."""
        if tag in self._open:
            self._returned[tag] = why

    def settle(self, tag: int, *, multiple: bool) -> list[tuple[int, str]]:
        """Index and reason (empty when it was taken) of each message that this confirm is about; none twice."""
        if not multiple:
            index = self._open.pop(tag, None)
            return [] if index is None else [(index, self._returned.pop(tag, ""))]
        settled = []
        last = min(tag, self._next - 1) if tag else self._next - 1  # 0 means all that are outstanding
        for number in range(self._oldest, last + 1):
            index = self._open.pop(number, None)
            if index is not None:
                settled.append((index, self._returned.pop(number, "")))
        self._oldest = max(self._oldest, last + 1)
        return settled

    def abandon(self) -> list[int]:
        """Indexes of what will never be confirmed, oldest first."""
        left = list(self._open.values())
        self._open.clear()
        self._returned.clear()
        return left
