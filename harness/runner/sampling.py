"""What the broker and the clients use: CPU, memory, bytes written, disk kept. A thread of whoever started them, five looks a second."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from harness.errors import DiskFull
from harness.history.writer import TableWriter

PERIOD_S = 0.2
DISK_EVERY = 5  # looks between two measurements of the data folder: walking it is not free


class Sampler:
    """Samples until stopped. ``targets`` says at each look which processes there are: (role, worker) -> pids.

    ``broker_usage`` says what the broker used, in CPU seconds, resident and written bytes, where its processes cannot be
    looked at.
    """

    def __init__(
        self,
        folder: Path,
        targets: Callable[[], dict[tuple[str, str], tuple[int, ...]]],
        disk_bytes: Callable[[], int],
        broker_usage: Callable[[], tuple[float, int, int] | None] = lambda: None,
        name: str = "conductor",
    ) -> None:
        self._table = TableWriter(folder, "sample", name)
        self._targets = targets
        self._disk_bytes = disk_bytes
        self._broker_usage = broker_usage
        self._stop = threading.Event()
        self._processes: dict[int, psutil.Process] = {}
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self._table.close()

    def _run(self) -> None:
        with contextlib.suppress(DiskFull):  # closing the table says it, in the thread that can be told
            self._look_again_and_again()

    def _look_again_and_again(self) -> None:
        look = 0
        disk = 0
        while not self._stop.wait(PERIOD_S):
            if look % DISK_EVERY == 0:
                disk = self._disk_bytes()
            look += 1
            for (role, worker), pids in self._targets().items():
                self._sample(role, worker, pids, disk if role == "broker" else 0)
            self._table.flush_if_due()

    def _sample(self, role: str, worker: str, pids: tuple[int, ...], disk: int) -> None:
        used = self._processes_used(pids) or (self._broker_usage() if role == "broker" else None)
        if used is None:
            return
        cpu_s, rss, written = used
        self._table.append(
            1,
            {
                "at_ns": time.monotonic_ns(),
                "role": [role],
                "worker": [worker],
                "cpu_ns": int(cpu_s * 1e9),
                "rss_bytes": rss,
                "written_bytes": written,
                "disk_bytes": disk,
            },
        )

    def _processes_used(self, pids: tuple[int, ...]) -> tuple[float, int, int] | None:
        """CPU seconds, resident and written bytes; None when none could be looked at."""
        cpu_s = 0.0
        rss = written = 0
        seen = False
        for pid in pids:
            try:
                process = self._processes.get(pid) or self._processes.setdefault(pid, psutil.Process(pid))
                with process.oneshot():
                    times = process.cpu_times()
                    cpu_s += times.user + times.system
                    rss += process.memory_info().rss
                    written += process.io_counters().write_bytes
                seen = True
            except (psutil.Error, OSError):
                self._processes.pop(pid, None)
        return (cpu_s, rss, written) if seen else None
