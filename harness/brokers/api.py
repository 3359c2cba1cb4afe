"""What a broker is to the rest of the house: something to start, kill, pause, look at and stop.

One object owns one instance. The harness's processes never share it: workers get the ``BrokerInfo`` that ``start``
returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from harness.model.broker import BrokerInfo


class BrokerState(StrEnum):
    """What an instance is doing, as seen from outside."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    EXTERNAL = "external"  # not ours to know


@dataclass(frozen=True, slots=True)
class Evidence:
    """That an operation bit, as seen by its keeper and on its port. Times are of the monotonic clock.

    ``bit`` is the conclusion; ``at_ns`` is when the signal was sent, ``seen_ns`` when its effect was seen;
    ``exit_status`` is the broker's (-9 after a kill), None while it lives; ``answers`` says whether its port still
    accepted.
    """

    operation: str
    bit: bool
    pid: int
    at_ns: int
    seen_ns: int
    exit_status: int | None
    answers: bool
    process_state: str = ""  # the letter of proc(5): T when stopped by a signal


@dataclass(frozen=True, slots=True)
class Inspection:
    """One look at an instance; sums over the broker's own processes."""

    state: BrokerState
    pid: int | None
    port: int
    cpu_seconds: float
    rss_bytes: int
    write_bytes: int
    disk_bytes: int
    uptime_s: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over an instance's processes since they started."""

    cpu_seconds: float
    rss_bytes: int
    write_bytes: int


class Broker(Protocol):
    """One instance of a broker, running or not."""

    @property
    def name(self) -> str: ...

    def start(self, *, tier: str, settings: Mapping[str, str]) -> BrokerInfo:
        """Start and return when its protocol answers. ``settings`` are server-side and go over the defaults of ``tier``.

        Raises BrokerMissing, PortBusy, or BrokerStartFailed with the last lines of its log.
        """
        ...

    def stop(self) -> None:
        """Stop in order, and with signal 9 if it takes too long. Nothing of it is left. Stopping twice is fine."""
        ...

    def kill(self) -> Evidence:
        """Signal 9 to all of it, without warning."""
        ...

    def restart(self) -> BrokerInfo:
        """Start again on the same data, port and settings; stops it first if it runs."""
        ...

    def pause(self) -> Evidence:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        ...

    def resume(self) -> Evidence:
        """Let it go on (SIGCONT)."""
        ...

    def wipe(self) -> None:
        """Forget all of its data. Only when stopped."""
        ...

    def pids(self) -> tuple[int, ...]:
        """Its own processes, for sampling; empty when it is not running."""
        ...

    def usage(self) -> Usage | None:
        """What it used, where its ``pids`` cannot be looked at from here; None where they can, and when it does not run."""
        ...

    def trouble(self) -> str:
        """Why it does not run any more; empty while it does, as far as can be seen from here. Cheap: asked all the time."""
        ...

    def log_tail(self, lines: int) -> list[str]:
        """The last lines it wrote."""
        ...

    def inspect(self) -> Inspection:
        """One look at it."""
        ...
