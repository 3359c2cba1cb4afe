"""How far a group has got in a lane of a stream: what a member has settled, and the note that outlives it.

AMQP 0-9-1 keeps no place for the readers of a stream, so the adapter does: one message in a queue of length 1 for each group and lane.
A newer note pushes the older one out. Notes are numbered, because a rewound group goes back to a lower offset.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """All messages of the lane up to and including ``offset`` are settled, in this reading of it; a rewind begins the next."""

    serial: int
    offset: int
    reading: int = 0

    def encode(self) -> bytes:
        return b"%d %d %d" % (self.serial, self.offset, self.reading)

    @classmethod
    def decode(cls, body: bytes) -> Place:
        serial, offset, reading = body.split()
        return cls(int(serial), int(offset), int(reading))


PRIMER_OFFSET = 0  # each stream begins with a message of the adapter's own, so that it has a last one
START = Place(0, PRIMER_OFFSET)


class LaneProgress:
    """What one member has read of a lane and not settled. ``settled`` is the end of the unbroken run of settled offsets.

    Not thread-safe: its owner locks. Offsets come in ascending order, with gaps where the broker wrote something of its own.
    """

    __slots__ = ("_done", "_read", "settled")

    def __init__(self, settled: int) -> None:
        self.settled = settled
        self._read: deque[int] = deque()
        self._done: set[int] = set()

    def __len__(self) -> int:
        """Offsets that are read and not settled."""
        return len(self._read) - len(self._done)

    def read(self, offset: int) -> None:
        self._read.append(offset)

    def settle(self, offsets: Iterable[int]) -> None:
        """Offsets that were read; settling one twice is no harm."""
        self._done.update(offset for offset in offsets if self._read and offset >= self._read[0])
        while self._read and self._read[0] in self._done:
            self.settled = self._read.popleft()
            self._done.remove(self.settled)

    def forget(self, offsets: Iterable[int]) -> None:
        """Offsets that were read ahead and will be read again by somebody else."""
        gone = set(offsets)
        self._read = deque(offset for offset in self._read if offset not in gone)
