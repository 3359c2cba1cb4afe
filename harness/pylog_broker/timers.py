"""One heap of deadlines for everything that waits: parked fetches, group timeouts, retention, idle connections."""

from __future__ import annotations

import heapq
from collections.abc import Callable

CANCELLED_SHARE_MAX = 0.5  # of the heap, before it is rebuilt without the cancelled ones
REBUILD_SIZE_MIN = 64


class Timer:
    """A callback that is due at `deadline_s` of the monotonic clock."""

    __slots__ = ("_callback", "_timers", "deadline_s", "queued")

    def __init__(self, deadline_s: float, callback: Callable[[], None], timers: Timers) -> None:
        self.deadline_s = deadline_s
        self._callback: Callable[[], None] | None = callback
        self._timers = timers
        self.queued = True
        """Whether it is still in the heap."""

    def __lt__(self, other: Timer) -> bool:
        return self.deadline_s < other.deadline_s

    @property
    def active(self) -> bool:
        """Whether the callback is still to be called."""
        return self._callback is not None

    def cancel(self) -> None:
        """Never call the callback; no effect once it was called."""
        if self._callback is not None:
            self._callback = None
            if self.queued:
                self._timers.note_cancelled()

    def fire(self) -> None:
        """Call the callback, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Timers:
    """A heap of `Timer`; cancelled ones are dropped lazily, but never pile up."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def schedule(self, deadline_s: float, callback: Callable[[], None]) -> Timer:
        """Have `callback` called at `deadline_s` of the monotonic clock, on the event loop's thread."""
        timer = Timer(deadline_s, callback, self)
        heapq.heappush(self._heap, timer)
        return timer

    def note_cancelled(self) -> None:
        """A timer of this heap was cancelled."""
        self._cancelled += 1
        if len(self._heap) >= REBUILD_SIZE_MIN and self._cancelled > CANCELLED_SHARE_MAX * len(self._heap):
            self._heap = [timer for timer in self._heap if timer.active]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def next_deadline_s(self) -> float | None:
        """When the next callback is due; None when nothing waits."""
        heap = self._heap
        while heap and not heap[0].active:
            heapq.heappop(heap).queued = False
            self._cancelled -= 1
        return heap[0].deadline_s if heap else None

    def run_due(self, now_s: float) -> None:
        """Call what is due. A callback scheduled meanwhile for a time already past waits for the next round."""
        due: list[Timer] = []
        heap = self._heap
        while heap and (not heap[0].active or heap[0].deadline_s <= now_s):
            timer = heapq.heappop(heap)
            timer.queued = False
            if timer.active:
                due.append(timer)
            else:
                self._cancelled -= 1
        for timer in due:
            timer.fire()
