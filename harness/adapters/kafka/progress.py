"""Which offsets a member has settled, and how far it may commit: never past one that is not settled.

A lane keeps the offsets that were read and are not committed yet, in order, and a mark for each that is settled. The commit position is
one past the settled prefix. Memory is bounded by what the member may hold and buffer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]
NOT_COMMITTED = -1


class LaneProgress:
    """One lane of one member, from assignment to revocation."""

    __slots__ = ("_done", "_read", "committed", "position")

    def __init__(self) -> None:
        self._read: Offsets = np.empty(0, dtype=np.int64)
        self._done: npt.NDArray[np.bool_] = np.empty(0, dtype=bool)
        self.position = NOT_COMMITTED  # what may be committed
        self.committed = NOT_COMMITTED  # what was sent to be committed

    def read(self, offsets: Offsets) -> None:
        """Offsets that came from the broker: ascending, and above all before unless a rebalance in mid-fetch began again."""
        if len(self._read) and offsets[0] <= self._read[-1]:
            known = self._read
            self._read = np.union1d(known, offsets)
            done = np.zeros(len(self._read), dtype=bool)
            done[np.searchsorted(self._read, known)] = self._done
            self._done = done
        elif len(self._read):
            self._read = np.concatenate([self._read, offsets])
            self._done = np.concatenate([self._done, np.zeros(len(offsets), dtype=bool)])
        else:
            self._read = offsets
            self._done = np.zeros(len(offsets), dtype=bool)

    def open(self, offsets: Offsets) -> npt.NDArray[np.bool_]:
        """Which of these offsets are read here and not settled yet. Shape as ``offsets``."""
        if not len(self._read):
            return np.zeros(len(offsets), dtype=bool)
        places = np.minimum(np.searchsorted(self._read, offsets), len(self._read) - 1)
        known: npt.NDArray[np.bool_] = (self._read[places] == offsets) & ~self._done[places]
        return known

    def settle(self, offsets: Offsets) -> None:
        """Mark offsets that ``open`` said yes to, and move the commit position over the settled prefix."""
        if not len(offsets):
            return
        self._done[np.searchsorted(self._read, offsets)] = True
        prefix = len(self._done) if self._done.all() else int(np.argmin(self._done))
        if prefix:
            self.position = int(self._read[prefix - 1]) + 1
            self._read = self._read[prefix:]
            self._done = self._done[prefix:]

    @property
    def open_count(self) -> int:
        return len(self._done) - int(self._done.sum())

    @property
    def pending(self) -> bool:
        """There is something to commit."""
        return self.position > self.committed


class Progress:
    """All lanes that a member owns."""

    def __init__(self) -> None:
        self._lanes: dict[int, LaneProgress] = {}
        self.settled_since_commit = 0

    def assign(self, lanes: list[int]) -> None:
        for lane in lanes:
            self._lanes[lane] = LaneProgress()

    def revoke(self, lanes: list[int]) -> None:
        for lane in lanes:
            self._lanes.pop(lane, None)

    def owned(self) -> list[int]:
        return sorted(self._lanes)

    def owns(self, lane: int) -> bool:
        return lane in self._lanes

    def read(self, lanes: npt.NDArray[np.int32], offsets: Offsets) -> None:
        for lane, rows in _by_lane(lanes):
            progress = self._lanes.get(lane)
            if progress is not None:
                progress.read(offsets[rows])

    def open(self, lanes: npt.NDArray[np.int32], offsets: Offsets) -> npt.NDArray[np.bool_]:
        """Rows that are still this member's to settle."""
        answer = np.zeros(len(lanes), dtype=bool)
        for lane, rows in _by_lane(lanes):
            progress = self._lanes.get(lane)
            if progress is not None:
                answer[rows] = progress.open(offsets[rows])
        return answer

    def settle(self, lanes: npt.NDArray[np.int32], offsets: Offsets) -> None:
        for lane, rows in _by_lane(lanes):
            self._lanes[lane].settle(offsets[rows])
        self.settled_since_commit += len(lanes)

    def to_commit(self, lanes: list[int] | None = None) -> dict[int, int]:
        """Lane -> offset, where there is news; they count as committed from now on."""
        news = {
            lane: progress.position
            for lane, progress in self._lanes.items()
            if progress.pending and (lanes is None or lane in lanes)
        }
        for lane, position in news.items():
            self._lanes[lane].committed = position
        self.settled_since_commit = 0
        return news

    def open_count(self) -> int:
        """Messages that were read and are not settled."""
        return sum(progress.open_count for progress in self._lanes.values())

    def commit_failed(self, lanes: list[int]) -> None:
        """Commit them again, with the next ones."""
        for lane in lanes:
            progress = self._lanes.get(lane)
            if progress is not None:
                progress.committed = NOT_COMMITTED

    def pending(self) -> bool:
        return any(progress.pending for progress in self._lanes.values())


def _by_lane(lanes: npt.NDArray[np.int32]) -> list[tuple[int, npt.NDArray[np.intp] | slice]]:
    """Each lane that occurs, with its rows in order. One lane is the common case and costs no copy."""
    if not len(lanes):
        return []
    first = int(lanes[0])
    if (lanes == first).all():
        return [(first, slice(None))]
    return [(int(lane), np.flatnonzero(lanes == lane)) for lane in np.unique(lanes)]
