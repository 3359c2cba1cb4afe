"""Long polls that wait for data: per-partition lists, woken by the appends themselves.

A parked fetch stands in the list of every partition it asks for. An append takes its size off what the fetch still
misses; at zero, or at its deadline, the fetch is answered with whatever is there then. Answers are given at the end of
the event loop's round (`run_ready`), so that several appends of one round wake a reader once.

A reader of committed records does not see an append while a transaction is open before it: such appends are not counted,
and when a transaction ends (`stable_moved`) its fetch looks again what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.pylog_broker.timers import Timer, Timers

if TYPE_CHECKING:
    from harness.pylog_broker.storage.log import PartitionLog


class Waiter:
    """One parked fetch."""

    __slots__ = ("answer", "bytes_missing", "committed_only", "logs", "settled", "timer")

    def __init__(
        self, logs: Sequence[PartitionLog], bytes_missing: int, answer: Callable[[], None], *, committed_only: bool
    ) -> None:
        self.logs = logs
        self.bytes_missing = bytes_missing
        self.answer = answer
        self.committed_only = committed_only
        self.settled = False
        self.timer: Timer | None = None


class Waiters:
    """All parked fetches of the broker."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self.by_log: dict[PartitionLog, dict[Waiter, None]] = {}
        self._ready: list[Waiter] = []

    def park(
        self,
        logs: Sequence[PartitionLog],
        bytes_missing: int,
        deadline_s: float,
        answer: Callable[[], None],
        *,
        committed_only: bool = False,
    ) -> Waiter:
        """Have `answer` called once `bytes_missing` bytes were appended to `logs`, or at the deadline.

        With `committed_only` it is also called whenever a transaction ends in one of `logs`.
        """
        waiter = Waiter(logs, bytes_missing, answer, committed_only=committed_only)
        for log in logs:
            self.by_log.setdefault(log, {})[waiter] = None
        waiter.timer = self._timers.schedule(deadline_s, lambda: self._settle(waiter))
        return waiter

    def appended(self, log: PartitionLog, size_bytes: int) -> None:
        """`size_bytes` have become visible in `log`."""
        waiting = self.by_log.get(log)
        if waiting is None:
            return
        ready = []
        for waiter in waiting:
            if waiter.committed_only and log.producers.ongoing:
                continue  # not visible to it yet
            waiter.bytes_missing -= size_bytes
            if waiter.bytes_missing <= 0:
                ready.append(waiter)
        for waiter in ready:
            self._settle(waiter)

    def stable_moved(self, log: PartitionLog) -> None:
        """A transaction has ended in `log`: readers of committed records look again."""
        for waiter in [waiter for waiter in self.by_log.get(log, ()) if waiter.committed_only]:
            self._settle(waiter)

    def wake(self, log: PartitionLog) -> None:
        """Answer everything that waits for `log` now: it was deleted, or its leader changed."""
        for waiter in list(self.by_log.get(log, ())):
            self._settle(waiter)

    def ring(self, waiter: Waiter) -> None:
        """Answer one fetch now: what it waits for may be there, though nothing was appended."""
        self._settle(waiter)

    def cancel(self, waiter: Waiter) -> None:
        """The connection has gone: forget the fetch."""
        if not waiter.settled:
            self._remove(waiter)

    def run_ready(self) -> None:
        """Answer what has been settled since the last call."""
        if self._ready:
            ready, self._ready = self._ready, []
            for waiter in ready:
                waiter.answer()

    @property
    def has_ready(self) -> bool:
        """Whether `run_ready` has something to do."""
        return bool(self._ready)

    def _settle(self, waiter: Waiter) -> None:
        if not waiter.settled:
            self._remove(waiter)
            self._ready.append(waiter)

    def _remove(self, waiter: Waiter) -> None:
        waiter.settled = True
        if waiter.timer is not None:
            waiter.timer.cancel()
        for log in waiter.logs:
            waiting = self.by_log.get(log)
            if waiting is not None:
                waiting.pop(waiter, None)
                if not waiting:
                    del self.by_log[log]
