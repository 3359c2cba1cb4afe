"""A detached container, known by its name: does it run, what did it write, end it, forget its data."""

from __future__ import annotations

import contextlib
from pathlib import Path

from docker.errors import NotFound

from harness.brokers import engine, orphans
from harness.errors import HarnessError

GRACE_S = 15
SAVED_LINES = 5_000


def running(name: str) -> bool:
    """False too when no engine can be asked: then nothing of it runs that could be reached."""
    with contextlib.suppress(HarnessError, NotFound), engine.talking():
        return str(engine.connect().containers.get(name).status) in ("running", "paused", "restarting")
    return False


def logs(name: str, lines: int) -> list[str]:
    """The last lines of its log; none when it is gone."""
    with contextlib.suppress(NotFound), engine.talking():
        text = engine.connect().containers.get(name).logs(tail=lines)
        return text.decode("utf-8", "replace").splitlines()
    return []


def end(name: str, log: Path) -> None:
    """Stop it in order, keep its log as a file, remove it. Gone already is fine."""
    with contextlib.suppress(NotFound), engine.talking():
        container = engine.connect().containers.get(name)
        if container.status == "paused":
            container.unpause()
        container.stop(timeout=GRACE_S)
        log.write_text("\n".join(logs(name, SAVED_LINES)) + "\n", encoding="utf-8")
        orphans.remove_container(container)


def wipe(name: str) -> None:
    """Remove the volume of the same name."""
    with contextlib.suppress(NotFound), engine.talking():
        engine.connect().volumes.get(name).remove(force=True)
