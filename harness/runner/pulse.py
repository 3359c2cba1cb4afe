"""What a person sees while something takes longer: how fast, how far the groups are behind, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from harness.runner.control import Counter
from harness.runner.crew import Crew

EVERY_S = 1.0

Say = Callable[[str], None]


class Headed:
    """Tells what another teller tells, with words in front; news that soon are old go to ``live`` where that exists."""

    def __init__(self, say: Say, head: str) -> None:
        self._say = say
        self._head = head

    def __call__(self, text: str) -> None:
        self._say(f"{self._head}: {text}")

    def live(self, text: str) -> None:
        live = getattr(self._say, "live", None)
        if live is not None:
            live(f"{self._head}: {text}")


class Pulse:
    """Looks at the crew's counters once a second, however often ``beat`` is called, while something is going on."""

    def __init__(self, crew: Crew, groups: Iterable[str], say: Say) -> None:
        self._crew = crew
        self._groups = list(groups)
        self._show: Say | None = getattr(say, "live", None)
        self._what = ""
        self._until_ns: int | None = None
        self._replayed = ""
        self._looked_at = 0.0
        self._acknowledged = 0
        self._seen = 0

    def begin(self, what: str, *, until_ns: int | None = None, replayed: str = "") -> None:
        """``what`` goes on from now; ``until_ns`` is when it should end, ``replayed`` the group that reads everything again."""
        self._what, self._until_ns, self._replayed = what, until_ns, replayed
        self._look(time.monotonic())

    def beat(self) -> None:
        now = time.monotonic()
        passed = now - self._looked_at
        if self._show is None or not self._what or passed < EVERY_S:
            return
        acknowledged, seen = self._acknowledged, self._seen
        self._look(now)
        words = [
            f"{self._what}: {(self._acknowledged - acknowledged) / passed:,.0f} msg/s in",
            f"{(self._seen - seen) / passed:,.0f} msg/s out",
            f"{max(0, self._acknowledged - self._seen):,} behind",
        ]
        if self._until_ns is not None:
            left_s = (self._until_ns - time.monotonic_ns()) / 1e9
            words.append(f"{left_s:.0f} s left" if left_s > 0 else "waiting for the last acknowledgements")
        self._show(", ".join(words))

    def _look(self, now: float) -> None:
        """What is out is what the slowest group has done."""
        self._looked_at = now
        self._acknowledged = self._crew.acknowledged()
        if self._replayed:
            self._seen = self._crew.of_group(self._replayed, Counter.REPLAYED)
        else:
            self._seen = min((self._crew.of_group(group, Counter.COMPLETED) for group in self._groups), default=0)
