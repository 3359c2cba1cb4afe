"""Where a result was measured: machine, kernel, disk, clients. Two results are compared field by field before a ratio is formed."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import psutil

from harness.model.result import Fingerprint
from harness.runner.promptness import allowed

CLIENTS = ("kafka-python", "confluent-kafka", "pika", "stomp.py", "numpy", "pandas", "pyarrow", "plotly")
FSYNC_PROBES = 40


def take_fingerprint(folder: Path) -> Fingerprint:
    """Looks at this machine, and measures fdatasync where the study will write."""
    p50, p99 = _fsync_ms(folder)
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    warnings = []
    if cores <= 4:
        warnings.append(f"loopback, {cores} cores shared by clients and broker: direction only")
    if load > 0.5 * cores:
        warnings.append(f"the machine was busy before the run: load average {load:.2f} on {cores} cores")
    return Fingerprint(
        cpu_model=cpu_model(),
        cores=cores,
        memory_bytes=memory_bytes(),
        disk=_disk(folder),
        disk_fsync_ms_p50=p50,
        disk_fsync_ms_p99=p99,
        kernel=platform.release(),
        operating_system=_operating_system(),
        virtualisation=_virtualisation(),
        congestion_control=_read("/proc/sys/net/ipv4/tcp_congestion_control"),
        python=platform.python_version(),
        clients={name: importlib.metadata.version(name) for name in CLIENTS},
        load_before=round(load, 2),
        generator_scheduling=allowed(),
        warnings=warnings,
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def memory_bytes() -> int:
    """All of this machine's memory, as the kernel counts it."""
    return int(psutil.virtual_memory().total)


def cpu_model() -> str:
    """As the kernel calls it."""
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _virtualisation() -> str:
    if shutil.which("systemd-detect-virt"):
        done = subprocess.run(["systemd-detect-virt"], capture_output=True, text=True, timeout=5, check=False)
        if done.stdout.strip():
            return done.stdout.strip()
    return "virtual machine" if " hypervisor" in _read("/proc/cpuinfo") else "unknown"


def _disk(folder: Path) -> str:
    best = max(
        (part for part in psutil.disk_partitions(all=True) if str(folder.resolve()).startswith(part.mountpoint)),
        key=lambda part: len(part.mountpoint),
        default=None,
    )
    free = shutil.disk_usage(folder).free
    kind = best.fstype if best is not None else "unknown"
    return f"{kind}, {free / 2**30:.0f} GiB free"


def _fsync_ms(folder: Path) -> tuple[float, float]:
    """p50 and p99 of appending 4 KiB and fdatasync, in milliseconds."""
    path = folder / ".fsync-probe"
    block = os.urandom(4096)
    times: list[float] = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(FSYNC_PROBES):
            started = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    times.sort()
    return round(times[len(times) // 2], 3), round(times[int(len(times) * 0.99)], 3)
