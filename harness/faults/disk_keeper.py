"""Holds a small file system as long as it is needed. Run by path as root: ``python -I -S disk_keeper.py OWNER_PID``.

It imports nothing of the project. Requests come as JSON lines on standard input, each is answered by one line. ``mount`` puts a
file system of ``bytes`` on ``folder``: an ext4 image in the file ``image`` on a loop device, or, where there is none, a
tmpfs. When that input closes, or the process OWNER_PID ends, it is unmounted and the image removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from typing import Any

MAKE = ("mkfs.ext4", "-q", "-F", "-m", "0")  # no blocks kept back for root: full is full
SEARCH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def run(*command: str) -> str:
    """The complaint of a command; empty when it did its work."""
    try:
        done = subprocess.run(command, env=SEARCH, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return f"there is no {command[0]}"
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than a minute"
    return "" if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} ended with {done.returncode}")


def loop_mounted(folder: str, image: str, size: int) -> str:
    with open(image, "wb") as file:
        file.truncate(size)
    complaint = run(*MAKE, image) or run("mount", "-o", "loop,nodev,nosuid", image, folder)
    if complaint:
        os.unlink(image)
        return complaint
    with contextlib.suppress(OSError):
        os.rmdir(os.path.join(folder, "lost+found"))  # Kafka takes every folder in its own for a partition
    return ""


def mounted(folder: str, image: str, size: int) -> dict[str, Any]:
    os.makedirs(folder, exist_ok=True)
    loop = loop_mounted(folder, image, size)
    if not loop:
        return {"how": "ext4 on a loop device"}
    memory = run("mount", "-t", "tmpfs", "-o", f"size={size},nodev,nosuid,mode=755", "harness-small-disk", folder)
    if not memory:
        return {"how": f"tmpfs (no loop device: {loop})"}
    return {
        "error": f"no small file system can be mounted here: {loop}; {memory}",
        "next": "sudo harness fault disk_full",
    }


def main(owner: int) -> None:
    """Answer requests until nobody asks any more."""
    folder, image = "", ""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(os.pidfd_open(owner), select.POLLIN)
    try:
        while {fd for fd, _ in poll.poll()} == {0}:
            line = sys.stdin.buffer.readline()
            if not line:
                return
            request = json.loads(line)
            try:
                answer = mounted(request["folder"], request["image"], int(request["bytes"]))
            except OSError as error:
                answer = {"error": f"{error.strerror}: {error.filename}"}
            if "error" not in answer:
                folder, image = request["folder"], request["image"]
            print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
    finally:
        if folder:
            run("umount", "--lazy", folder)  # the broker may hold files there for a moment yet
        if image:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(image)


if __name__ == "__main__":
    main(int(sys.argv[1]))
