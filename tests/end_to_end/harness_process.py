"""Run the real command in a process of its own, and see what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str
    pid: int

    def document(self) -> dict:
        return json.loads(self.out)


def start_harness(folder: Path, *arguments: str) -> subprocess.Popen:
    """The command, in ``folder``, in a session of its own; brokers below it carry ``folder`` in their environment."""
    environment = {**os.environ, "HARNESS_TEST_TOKEN": str(folder), "TMPDIR": str(folder), "NO_COLOR": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_harness(folder: Path, *arguments: str, timeout_s: float = 110) -> Finished:
    with start_harness(folder, *arguments) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Finished(process.returncode, out, err, process.pid)


def left_behind(folder: Path) -> list[str]:
    """Processes whose command line or working folder still names ``folder``: workers, keepers, brokers."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            words = [*process.cmdline(), process.cwd()]
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if any(str(folder) in word for word in words) or str(folder) in environment.get("HARNESS_TEST_TOKEN", ""):
            found.append(f"{process.pid} {' '.join(words)}")
    return found
