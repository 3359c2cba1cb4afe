"""What the engine (at the master) and an agent (at a worker) say to each other. ``cell`` numbers the runs of a study.

Times are nanoseconds of the speaker's own monotonic clock unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.history.clocks import ClockOffset
from harness.runner.control import Command, Reply, WorkerSpec

# -- engine to agent --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Who:
    """Say hello."""


@dataclass(frozen=True, slots=True)
class Open:
    """A run begins. What is needed to name requests on Locust's page: broker, workload, groups."""

    cell: int
    label: str
    broker: str
    workload: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hire:
    """Start a worker process; its folder is the agent's affair."""

    cell: int
    spec: WorkerSpec


@dataclass(frozen=True, slots=True)
class Order:
    """A command for a worker; its times are the master's."""

    cell: int
    worker: str
    command: Command


@dataclass(frozen=True, slots=True)
class Received:
    """So many chunks of history have arrived in all."""

    cell: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Finish:
    """End what still runs and send the rest of the history."""

    cell: int


@dataclass(frozen=True, slots=True)
class Ping:
    sent_ns: int  # the master's clock


@dataclass(frozen=True, slots=True)
class ClockNews:
    """This host's clock against the master's, and those of the hosts that publish."""

    own: ClockOffset
    producers: Mapping[int, ClockOffset]


# -- agent to engine --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """``clock`` names the monotonic clock: equal names are the same clock (one boot of one kernel, one time namespace)."""

    version: str
    host: str
    clock: str
    pid: int


@dataclass(frozen=True, slots=True)
class Pong:
    sent_ns: int  # the master's clock, as it came
    heard_ns: int
    answered_ns: int


@dataclass(frozen=True, slots=True)
class Hired:
    cell: int
    worker: str
    pid: int


@dataclass(frozen=True, slots=True)
class Word:
    """A worker's reply."""

    cell: int
    worker: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Death:
    """A worker process ended; ``status`` as ``subprocess`` has it, None when it is not known."""

    cell: int
    worker: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of every worker of the slice; times in them are the master's. Also the sign that the agent lives."""

    cell: int
    rows: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes of one stream of the history."""

    cell: int
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """All is sent: the size of every stream."""

    cell: int
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The agent itself cannot go on with this run."""

    cell: int
    error: HarnessError


ToAgent = Who | Open | Hire | Order | Received | Finish | Ping | ClockNews
ToEngine = Hello | Pong | Hired | Word | Death | Counts | Chunk | Finished | Trouble
