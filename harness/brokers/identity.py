"""Which process is meant: a pid says it only together with when that process started, and in which boot of the machine.

Pids are used again. A record that outlived its process must never get another one killed, so signals go through a
pidfd that was opened first and checked afterwards.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """``started_ticks`` is field 22 of proc(5) stat: clock ticks since boot."""

    pid: int
    started_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """None when there is no such process (a zombie counts as none)."""
        ticks = _started_ticks(pid)
        return None if ticks is None else cls(pid, ticks, boot_id())

    def alive(self) -> bool:
        return self.boot_id == boot_id() and _started_ticks(self.pid) == self.started_ticks

    def send(self, number: int) -> bool:
        """Signal exactly this process; False when it is gone."""
        with self._pidfd() as descriptor:
            if descriptor is None:
                return False
            try:
                signal.pidfd_send_signal(descriptor, number)
            except ProcessLookupError:
                return False
            return True

    def wait_gone(self, timeout_s: float) -> bool:
        """Wait until it has ended; True when it has."""
        with self._pidfd() as descriptor:
            if descriptor is None:
                return True
            ready, _, _ = select.select([descriptor], [], [], timeout_s)
            return bool(ready)

    @contextlib.contextmanager
    def _pidfd(self) -> Iterator[int | None]:
        """A descriptor that means this process and no later one, or None."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            yield None
            return
        try:
            yield descriptor if self.alive() else None
        finally:
            os.close(descriptor)


def boot_id() -> str:
    """A name for this boot of the machine."""
    return BOOT_ID.read_text(encoding="ascii").strip()


def _started_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
