"""A small file system of its own for a broker's data, and the filling of it to the last block."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.faults.evidence import FaultEvidence
from harness.faults.helper import Helper

KEEPER = Path(__file__).with_name("disk_keeper.py")
FILLER = ".filler"
BLOCK_BYTES = 4096
LOOK_S = 0.02
SAID_CHARACTERS = 300
COMPLAINT = re.compile(r"no space|space left|enospc|disk|not enough|full\b|out of space", re.IGNORECASE)
LOG_LINES = 2_000
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

LogTail = Callable[[int], Sequence[str]]


class SmallDisk:
    """``folder`` is a file system of ``size_bytes`` until ``close``. Raises HelperFailed where none can be mounted."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder.absolute()
        self.size_bytes = size_bytes
        self._filler: int | None = None
        self._keeper = Helper(KEEPER, "small disk")
        try:
            image = self.folder.with_name(self.folder.name + ".image")
            self.how = str(
                self._keeper.ask("mount", folder=str(self.folder), image=str(image), bytes=size_bytes)["how"]
            )
        except BaseException:
            self._keeper.close()
            raise

    def free_bytes(self) -> int:
        """What an ordinary process may still write."""
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def used(self) -> bool:
        """Whether anybody has put something on it, other than ``fill``."""
        return any(name != FILLER for name in os.listdir(self.folder))

    def fill(self) -> tuple[int, bool]:
        """Take every block that is free. Returns the bytes taken by now, and whether the file system said ENOSPC."""
        if self._filler is None:
            self._filler = os.open(self.folder / FILLER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        taken = os.fstat(self._filler).st_size
        step = max(BLOCK_BYTES, self.free_bytes() // BLOCK_BYTES * BLOCK_BYTES)
        refused = False
        while step >= BLOCK_BYTES:
            try:
                os.posix_fallocate(self._filler, taken, step)
                taken += step
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                refused = True
                taken = max(taken, os.fstat(self._filler).st_size)  # a failed attempt takes what there was
                step = step // 2 // BLOCK_BYTES * BLOCK_BYTES
        return taken, refused

    def relieve(self) -> None:
        """Give everything back that ``fill`` took."""
        if self._filler is not None:
            os.ftruncate(self._filler, 0)
            os.close(self._filler)
            self._filler = None
        with contextlib.suppress(FileNotFoundError):
            (self.folder / FILLER).unlink()

    def close(self) -> None:
        """Unmount it; the broker must be gone."""
        if self._filler is not None:
            os.close(self._filler)
            self._filler = None
        self._keeper.close()


def fill_disk(disk: SmallDisk, for_s: float, log_tail: LogTail) -> FaultEvidence:
    """Keep the disk full for so long, whatever the broker gives up meanwhile. ``bit``: ENOSPC was seen and nothing was free."""
    before = set(log_tail(LOG_LINES))
    at_ns = time.monotonic_ns()
    free_before = disk.free_bytes()
    taken, refused = disk.fill()
    full_ns = time.monotonic_ns()
    free = disk.free_bytes()
    free_least = free
    while time.monotonic_ns() < full_ns + for_s * 1e9:
        time.sleep(LOOK_S)
        taken, again = disk.fill()
        refused = refused and again
        free_least = min(free_least, disk.free_bytes())
    said = [COLOUR.sub("", line) for line in log_tail(LOG_LINES) if line not in before and COMPLAINT.search(line)]
    disk.relieve()
    detail = {
        "disk": disk.how,
        "disk_bytes": str(disk.size_bytes),
        "free_bytes_before": str(free_before),
        "free_bytes": str(free),
        "filler_bytes": str(taken),
        "enospc": "yes" if refused else "no",
        "seconds": f"{for_s:g}",
        "seen_ns": str(full_ns),
        "broker_said": said[0].strip()[:SAID_CHARACTERS] if said else "nothing about it",
    }
    return FaultEvidence("fill", at_ns, refused and free_least < BLOCK_BYTES, detail)
