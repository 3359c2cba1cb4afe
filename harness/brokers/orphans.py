"""Containers and volumes whose owner is gone: find them by their labels, and remove them.

Done before each start of a container, by ``harness broker down --all``, and by the watchdog right after its harness died
(``python -m harness.brokers.orphans OWNER-LABEL RELEASED...``).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from pathlib import Path

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from harness.brokers import engine
from harness.brokers.owner import DETACHED_LABEL, LABEL, Owner
from harness.errors import HarnessError

WATCHDOG = Path(__file__).with_name("watchdog.py")
PATIENCE_S = 60.0  # an engine that is being started again
QUIET_LOOKS = 3  # a request to create one more may be under way when its sender dies
LOOK_EVERY_S = 0.5

_lock = threading.Lock()
_watchdog: subprocess.Popen[bytes] | None = None
_watchdog_owner = 0
_made: set[str] = set()


def guard(owner: Owner) -> None:
    """Have a watchdog beside this process before its first container is made."""
    global _watchdog, _watchdog_owner  # noqa: PLW0603 - one a process
    with _lock:
        if _watchdog is not None and _watchdog.poll() is None and _watchdog_owner == owner.process.pid:
            return
        package = Path(__file__).resolve().parent.parent.parent
        code = f"import sys; sys.path.insert(0, {str(package)!r}); from harness.brokers.orphans import main; sys.exit(main(sys.argv[1:]))"
        _watchdog = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                str(WATCHDOG),
                owner.label(),
                str(owner.process.pid),
                sys.executable,
                "-c",
                code,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        _watchdog_owner = owner.process.pid


def release(name: str) -> None:
    """The container of this name, and its volume, stay when this process ends."""
    _tell(f"release {name}")
    note_removed(name)


def note_made(name: str) -> None:
    """A container or its volume is about to be there."""
    _made.add(name)


def note_removed(name: str) -> None:
    """Neither is left."""
    _made.discard(name)


def _leave() -> None:
    """This process ends in order: with nothing left to remove, the watchdog need not look."""
    global _watchdog  # noqa: PLW0603
    if not _made:
        _tell("bye")
    with _lock:
        if _watchdog is not None and _watchdog_owner == os.getpid():
            if _watchdog.stdin is not None:
                with contextlib.suppress(OSError):
                    _watchdog.stdin.close()
            _watchdog.returncode = 0  # it ends after us, on purpose
        _watchdog = None


atexit.register(_leave)


def _tell(line: str) -> None:
    with _lock:
        if _watchdog is not None and _watchdog.stdin is not None and _watchdog_owner == os.getpid():
            with contextlib.suppress(OSError, ValueError):
                _watchdog.stdin.write(line.encode() + b"\n")
                _watchdog.stdin.flush()


def sweep(client: docker.DockerClient, *, state_folder: str = "") -> list[str]:
    """Remove what belongs to owners that are gone, and with ``state_folder`` also what was left running from there.

    Returns the names of the containers. What cannot be judged from here stays.
    """

    def orphaned(labels: dict[str, str]) -> bool:
        if detached := labels.get(DETACHED_LABEL):
            return detached == state_folder
        owner = Owner.parse(labels.get(LABEL, ""))
        return owner is not None and owner.gone()

    removed = []
    for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        if orphaned(container.labels):
            removed.append(str(container.name))
            remove_container(container)
    for volume in client.volumes.list(filters={"label": LABEL}):
        labels = volume.attrs.get("Labels") or {}
        if DETACHED_LABEL not in labels and orphaned(labels):  # what was left on purpose keeps its data
            with contextlib.suppress(APIError):
                volume.remove(force=True)
    return removed


def remove_container(container: Container) -> None:
    """Whatever it does, with the volumes that its image asked for. Gone already is fine."""
    with contextlib.suppress(NotFound):
        container.remove(v=True, force=True)


def remove_of(label: str, released: Collection[str], patience_s: float = PATIENCE_S) -> bool:
    """Remove everything of one owner, and look again until nothing comes up any more. False if the engine stayed away."""
    deadline = time.monotonic() + patience_s
    quiet = 0
    while quiet < QUIET_LOOKS:
        try:
            quiet = 0 if _remove_once(label, released) else quiet + 1
        except (DockerException, requests.RequestException, HarnessError):
            engine.forget()
            quiet = 0
            if time.monotonic() > deadline:
                return False
        time.sleep(LOOK_EVERY_S)
    return True


def _remove_once(label: str, released: Collection[str]) -> bool:
    client = engine.connect()
    mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={label}"}
    found = False
    for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
        if container.name not in released:
            found = True
            remove_container(container)
    for volume in client.volumes.list(filters=mine):
        if volume.name not in released:
            found = True
            with contextlib.suppress(NotFound):
                volume.remove(force=True)
    return found


def main(arguments: list[str]) -> int:
    """What the watchdog becomes."""
    return 0 if remove_of(arguments[0], arguments[1:]) else 1
