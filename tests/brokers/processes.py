"""Looking for what must not be there: processes that have to do with a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path


def touching(folder: Path, *, besides_group: int = 0) -> dict[int, str]:
    """Pids whose command line, environment or working folder names ``folder``, apart from this process and one process group."""
    needle = str(folder).encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX":
                continue
            if besides_group and os.getpgid(int(entry.name)) == besides_group:
                continue
            command = (entry / "cmdline").read_bytes()
            rest = (entry / "environ").read_bytes() + os.readlink(entry / "cwd").encode()
        except OSError:
            continue
        if needle in command + rest:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")[:200]
    return found


def wait_until_none(folder: Path, timeout_s: float = 30.0, *, besides_group: int = 0) -> dict[int, str]:
    """What is still there after at most ``timeout_s``; empty is good."""
    deadline = time.monotonic() + timeout_s
    while (found := touching(folder, besides_group=besides_group)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
