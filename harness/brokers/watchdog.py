"""A small process beside the harness that outlives it just long enough to remove its containers.

A container is the engine's child, not ours, so no parent-death signal reaches it. Run by path with ``python -I -S
watchdog.py OWNER-LABEL PID COMMAND...``; it imports nothing of the project, waits on a pidfd of the harness, and when
that ends in any way replaces itself with COMMAND (``orphans.py``), which removes what the label owns.

Standard input takes lines: ``release NAME``, a container that shall stay; ``bye``, the harness took everything along
itself.
"""

from __future__ import annotations

import json
import os
import select
import sys


def main(label: str, pid: int, command: list[str]) -> None:
    """Wait; returns only when there is nothing to remove."""
    owner = json.loads(label)["process"]
    try:
        harness = os.pidfd_open(pid)
        same = started_ticks(pid) == owner["started_ticks"]
    except OSError:
        harness, same = -1, False
    released: list[str] = []
    poll = select.poll()
    poll.register(0, select.POLLIN)
    if same:
        poll.register(harness, select.POLLIN)
    pending = b""
    while same:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if 0 in ready:
            chunk = os.read(0, 4096)
            if not chunk:
                poll.unregister(0)
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                word, _, name = line.decode().partition(" ")
                if word == "bye":
                    return
                if word == "release":
                    released.append(name)
        elif harness in ready:
            break
    os.execv(command[0], [*command, label, *released])  # noqa: S606 - an argument list, no shell


def started_ticks(pid: int) -> int:
    """Field 22 of proc(5) stat. Raises OSError when there is no such process."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
