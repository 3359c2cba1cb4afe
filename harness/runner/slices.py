"""One load cut into short slices that write a history in turn: what recording costs, free of what the machine does meanwhile.

Two runs a few seconds apart differ by more than recording costs. Two slices that follow each other within one run share the
connection, the broker's state and the machine's speed, and there are a hundred pairs of them where there would be five runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

WARM_UP_SLICES: Final = 4  # imports, caches, the fetches that a client library starts with


@dataclass(frozen=True, slots=True)
class Slice:
    """Messages, and what they took of the wall clock, of the worker's thread, and of the threads of its client library.

    Those read ahead, or send behind: what they did in a slice belongs to the messages of its neighbours too.
    """

    recording: bool
    messages: int
    seconds: float
    own_cpu_seconds: float
    background_cpu_seconds: float


class Slicer:
    """``tick`` is called at every turn of a worker; ``switch`` turns its recording on or off, writing out what waits when off.

    Off, on, on, off: what drifts meets both alike. What a slice has recorded is written out before its clock stops.
    """

    def __init__(self, switch: Callable[[bool], None], done: Callable[[], int], slice_s: float) -> None:
        self._switch = switch
        self._done = done
        self._slice_s = slice_s
        self._due = 0.0
        self._recording = False
        self._began: tuple[int, float, float, float] | None = None
        self.slices: list[Slice] = []

    def tick(self) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        if self._began is None:
            if not self._done():  # nothing has come yet
                return
        else:
            self._end()
        self._begin()

    def _begin(self) -> None:
        self._recording = len(self.slices) % 4 in (1, 2)
        self._switch(self._recording)
        self._began = (self._done(), time.monotonic(), time.thread_time(), time.process_time())
        self._due = self._began[1] + self._slice_s

    def _end(self) -> None:
        assert self._began is not None
        if self._recording:
            self._switch(False)
        done, at, own, cpu = self._began
        seconds, own = time.monotonic() - at, time.thread_time() - own
        library = time.process_time() - cpu - own
        self.slices.append(Slice(self._recording, self._done() - done, seconds, own, library))


def paired(slices: Sequence[Slice]) -> list[tuple[Slice, Slice]]:
    """(without, with) recording, of neighbours, past the warm-up. A pair in which nothing came through is none."""
    warm = slices[WARM_UP_SLICES:]
    pairs = [sorted(warm[place : place + 2], key=lambda one: one.recording) for place in range(0, len(warm) - 1, 2)]
    return [(off, on) for off, on in pairs if off.messages and on.messages]
