"""What broke and when, and which messages were under way then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checkers.deliveries import Deliveries
from harness.checkers.messages import Flags
from harness.history.meta import HistoryMeta
from harness.history.view import Event

DYING_NS: Final = 20_000_000  # how long a killed process may still answer when nobody watched it die


@dataclass(frozen=True, slots=True)
class Break:
    """A fault or a lost connection. ``gone_ns`` is when it had certainly taken effect, ``over_ns`` when its after-effects ended."""

    kind: str  # kill, crash, connection
    phase: str
    at_ns: int
    gone_ns: int
    over_ns: int


def breaks_of(events: Sequence[Event], meta: HistoryMeta, end_ns: int) -> tuple[Break, ...]:
    """Everything that broke, in order of time. A fault that did not bite is not among them.

    A kill's after-effects last until its phase has drained: a client may work off what it had fetched before, and its
    acknowledgements are lost until it has found the broker again.
    """
    found = []
    for event in events:
        if event.kind == "fault" and event.detail.get("bit"):
            kind = str(event.detail.get("fault"))
            phase = str(event.detail.get("phase"))
            found.append(
                Break(kind, phase, event.at_ns, _gone_ns(event), max(event.at_ns, _drained_ns(meta, phase, end_ns)))
            )
        elif event.kind == "connection_lost":
            again = (e.at_ns for e in events if e.kind == "connected_again" and e.worker == event.worker)
            over = next((at for at in again if at >= event.at_ns), end_ns)
            found.append(Break("connection", "", event.at_ns, event.at_ns, over))
        elif event.kind == "member_crashed":
            found.append(Break("crash", "", event.at_ns, event.at_ns, event.at_ns))
    return tuple(found)


def _gone_ns(event: Event) -> int:
    """When the process was seen dead, or ``DYING_NS`` later where nobody looked."""
    seen = str((event.detail.get("evidence") or {}).get("seen_ns", ""))
    return max(event.at_ns, int(seen)) if seen.isdigit() else event.at_ns + DYING_NS


def _drained_ns(meta: HistoryMeta, name: str, end_ns: int) -> int:
    phase = next((phase for phase in meta.phases if phase.name == name), None)
    return end_ns if phase is None else phase.drained_ns or phase.end_ns


def under_way(breaks: Sequence[Break], deliveries: Deliveries) -> Flags:
    """Messages between whose first and last delivery something was broken. Shape (messages,)."""
    touched = np.zeros(deliveries.messages, dtype=bool)
    for start, end in _merged(breaks):
        touched |= (deliveries.first_ns <= end) & (deliveries.last_ns >= start)
    return touched


def _merged(breaks: Sequence[Break]) -> list[tuple[int, int]]:
    """Overlapping stretches as one, so that a hundred lost connections cost no more than one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((one.at_ns, one.over_ns) for one in breaks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
