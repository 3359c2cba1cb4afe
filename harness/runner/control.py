"""What the conductor and a worker process say to each other, and the counters they share.

Commands go down a pipe as small frozen objects, replies come back the same way; counters are a shared array of int64, written by the
worker alone and read by the conductor at any time (an aligned 8-byte store needs no lock here: a figure that is a moment
old does no harm).
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from harness.errors import HarnessError
from harness.model.broker import BrokerInfo
from harness.model.provisioning import Provisioning
from harness.model.workload import Workload


class Counter(IntEnum):
    """Places in a worker's shared counters. A publisher uses the first rows, a subscriber the others."""

    SUBMITTED = 0
    ACKNOWLEDGED = 1
    FAILED = 2
    UNKNOWN = 3
    DELIVERED = 4
    COMPLETED = 5  # settled ACCEPT or DEAD
    RETRIED = 6
    LAST_ACTIVITY_NS = 7
    READY = 8  # connected and, where there is such a thing, assigned its share
    REPLAYED = 9  # delivered in the second reading
    EXPIRED = 10  # dead letters that expired, seen by their reader: no group ever completes those
    HELD = 11  # now in the client's hands and not settled, where the broker's backlog does not count those
    LOOKS = 12  # how often HELD was looked at; stays 0 where the backlog counts everything


COUNTERS = len(Counter)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """All that a worker process needs to do its part; picklable."""

    role: str  # publisher, subscriber
    worker: str  # unique name of the process in this run; also names its history streams
    workload: Workload
    adapter: str
    adapter_settings: Mapping[str, str]
    broker: BrokerInfo
    plan: Provisioning
    folder: Path
    gateway: Path
    seed: int
    repeat: int
    run_number: int
    producer: int = 0
    group: str = ""
    group_number: int = 0
    member: int = 0
    incarnation: int = 0
    reading: int = 0


@dataclass(frozen=True, slots=True)
class RunPhase:
    """Publish a phase whose clock starts at ``start_ns``; give up on what is not settled at ``deadline_ns``."""

    index: int
    start_ns: int
    deadline_ns: int


@dataclass(frozen=True, slots=True)
class Rewind:
    """Read everything again."""


@dataclass(frozen=True, slots=True)
class CrashBeforeSettling:
    """Take effect for the next message, then die without settling it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish: flush, disconnect, write the history out."""

    timeout_s: float = 5.0


Command = RunPhase | Rewind | CrashBeforeSettling | Stop


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker is connected."""


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """A publisher has published and settled a phase."""

    index: int
    offered: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """The member reads from the start now."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The worker's history is written. ``errors`` are its publish errors by number."""

    errors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker gives up, with the reason."""

    error: HarnessError


def end_in_words(status: int | None) -> str:
    """Of a process that was not asked to end: by itself, by a signal, or not known how. ``status`` as ``subprocess`` has it."""
    if status is None:
        return "closed its pipe, and how it ended is not known"
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by signal {-status} ({signal.Signals(-status).name})"
    return f"was ended by signal {-status}"


Reply = Ready | PhaseDone | Rewound | Stopped | Failed
