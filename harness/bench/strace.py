"""Which system calls make a process's data durable, and when: strace(1) attached to it, and its words read."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from harness.errors import BrokerMissing, HarnessError

DURABLE: Final = (
    "fsync",
    "fdatasync",
    "msync",
    "sync",
    "syncfs",
)  # sync_file_range(2) makes no promise, and is only counted
TRACED: Final = (*DURABLE, "sync_file_range")
ATTACH_DEADLINE_S: Final = 20.0
O_DSYNC: Final = 0o10000

# "PID TIME name(args) = result <seconds>"; a call that another thread's interrupts is told in two lines
_WHOLE = re.compile(r"^(\d+)\s+(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+|\?).*?<(\d+\.\d+)>$")
_BEGUN = re.compile(r"^(\d+)\s+(\d+\.\d+) (\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+)\s+(\d+\.\d+) <\.\.\. (\w+) resumed>(.*)\)\s+= (-?\d+|\?)")
_PATH = re.compile(r"<([^<>]*)>")


class CannotTrace(HarnessError):
    """strace could not attach; nothing was counted."""

    code = "H020"
    exit_code = 3


@dataclass(frozen=True, slots=True)
class Sync:
    """One call that had returned: seconds since 1970 at its begin and end; ``path`` is the file, where there is one."""

    name: str
    begin_s: float
    end_s: float
    path: str

    @property
    def durable(self) -> bool:
        return self.name in DURABLE


def parse(lines: Iterable[str]) -> Iterator[Sync]:
    """The calls of an output of ``strace -f -ttt -T -y``. Failed ones, and msync without MS_SYNC, are left out."""
    begun: dict[tuple[str, str], tuple[float, str]] = {}
    for line in lines:
        if whole := _WHOLE.match(line):
            _, at, name, arguments, result, took = whole.groups()
            start = float(at)
            found = Sync(name, start, start + float(took), _path(arguments))
        elif first := _BEGUN.match(line):
            pid, at, name, arguments = first.groups()
            begun[pid, name] = float(at), arguments
            continue
        elif rest := _RESUMED.match(line):
            pid, at, name, more, result = rest.groups()
            start, arguments = begun.pop((pid, name), (float(at), ""))
            arguments += more
            found = Sync(name, start, float(at), _path(arguments))
        else:
            continue
        if result == "0" and (name != "msync" or "MS_SYNC" in arguments) and name in TRACED:
            yield found


def _path(arguments: str) -> str:
    found = _PATH.search(arguments)
    return found.group(1) if found else ""


def program() -> str:
    """Where strace is. Raises BrokerMissing with the command that gets it."""
    found = shutil.which("strace")
    if found is None:
        raise BrokerMissing("strace is not on this machine", next_command="apt-get install strace")
    return found


def family(pids: Sequence[int]) -> list[int]:
    """These processes and all below them."""
    found: list[int] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            found += [pid, *(child.pid for child in process.children(recursive=True))]
    return list(dict.fromkeys(found))


def synchronous_files(pids: Iterable[int]) -> list[str]:
    """Files that are open with O_SYNC or O_DSYNC: writing to them is a sync that no call of its own shows."""
    found = []
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fdinfo").glob("*"):
            with contextlib.suppress(OSError, ValueError, StopIteration):
                flags = next(line for line in entry.read_text().splitlines() if line.startswith("flags:"))
                target = os.readlink(f"/proc/{pid}/fd/{entry.name}")
                if int(flags.split()[1], 8) & O_DSYNC and target.startswith("/") and not target.startswith("/dev/"):
                    found.append(target)
    return found


class Tracer:
    """strace attached to processes, from ``with`` to its end; ``syncs`` afterwards. Raises CannotTrace."""

    def __init__(self, pids: Sequence[int], scratch: Path) -> None:
        self._pids = family(pids)
        self._output = scratch / f"strace-{time.monotonic_ns()}"
        self._process: subprocess.Popen[str] | None = None
        self.syncs: list[Sync] = []

    def __enter__(self) -> Tracer:
        command = [program(), "-f", "-ttt", "-T", "-y", "-e", f"trace={','.join(TRACED)}", "-e", "signal=none"]
        command += ["-o", str(self._output)]
        for pid in self._pids:
            command += ["-p", str(pid)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._await_attached()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)  # it lets go of everybody
        try:
            self._process.communicate(timeout=ATTACH_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        with contextlib.suppress(FileNotFoundError):
            self.syncs = list(parse(self._output.read_text(errors="replace").splitlines()))
            self._output.unlink()

    def _await_attached(self) -> None:
        """Every thread is traced when the kernel says so."""
        deadline = time.monotonic() + ATTACH_DEADLINE_S
        process = self._process
        assert process is not None
        while time.monotonic() < deadline:
            if process.poll() is not None:
                said = (process.communicate()[1] or "").strip().splitlines()
                raise CannotTrace(
                    f"strace cannot look at the broker: {said[-1] if said else 'it ended'}",
                    next_command="run this as root, or: sysctl kernel.yama.ptrace_scope=0",
                )
            living = [pid for pid in self._pids if Path(f"/proc/{pid}/task").exists()]
            if living and all(_traced(pid, process.pid) for pid in living):
                return
            time.sleep(0.01)
        process.kill()
        process.communicate()
        raise CannotTrace(f"strace did not attach within {ATTACH_DEADLINE_S:g} s")


def _traced(pid: int, tracer: int) -> bool:
    """Whether all threads of a process have this tracer; a process that is gone needs none."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError):
                if f"TracerPid:\t{tracer}\n" not in Path(f"/proc/{pid}/task/{task}/status").read_text():
                    return False
    except FileNotFoundError:
        return True
    return True
