"""The container engine: find it, talk to it, and say in a person's words why that did not work.

One client a process, made when first needed. ``DOCKER_HOST`` decides where it listens; without it the sockets of the
system, of a rootless engine and of a desktop are tried, in this order.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException

from harness.errors import BrokerMissing, BrokerUnavailable

TIMEOUT_S = 60.0  # of one answer; starting a container on a busy disk takes its time
LOCAL_COPY = "harness run ... --backend process"

_lock = threading.Lock()
_clients: dict[str, docker.DockerClient] = {}


def address() -> str:
    """Where the engine is looked for first, for messages too."""
    if given := os.environ.get("DOCKER_HOST"):
        return given
    return next((f"unix://{path}" for path in _sockets() if path.exists()), f"unix://{_sockets()[0]}")


def _sockets() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    rootless = [Path(runtime) / "docker.sock"] if runtime else []
    return [Path("/var/run/docker.sock"), *rootless, Path.home() / ".docker" / "run" / "docker.sock"]


def connect() -> docker.DockerClient:
    """The client. Raises BrokerMissing, with what to do about it, when no engine answers."""
    where = address()
    with _lock:
        known = _clients.get(where)
        if known is None:
            known = _clients[where] = _greet(where)
        return known


def _greet(where: str) -> docker.DockerClient:
    client: docker.DockerClient | None = None
    if where.startswith("unix:") and not Path(urlsplit(where).path).exists():
        raise _missing(where, FileNotFoundError(where))  # the client library would leave its socket open
    try:
        client = docker.DockerClient.from_env(timeout=int(TIMEOUT_S), environment={**os.environ, "DOCKER_HOST": where})
        client.ping()
    except (DockerException, requests.RequestException, OSError) as error:
        if client is not None:
            client.close()
        raise _missing(where, error) from None
    return client


def _missing(where: str, error: Exception) -> BrokerMissing:
    """Which of the three it is: nobody is there, we may not, or something else answers."""
    path = Path(urlsplit(where).path) if where.startswith("unix:") else None
    if path is not None and path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return BrokerMissing(
            f"no permission to talk to the container engine at {where}",
            next_command="sudo usermod -aG docker $USER   (and log in again), or run this with sudo",
        )
    if path is not None and not path.exists():
        return BrokerMissing(
            f"no container engine is running: there is no {path}",
            next_command="sudo systemctl start docker   (or: " + LOCAL_COPY + ")",
        )
    return BrokerMissing(
        f"no container engine answers at {where}: {first_line(error)}",
        next_command="docker version   (or: " + LOCAL_COPY + ")",
    )


def reason_missing() -> str:
    """Why there is no engine, with the command that helps; empty when one answers."""
    try:
        connect().ping()
    except BrokerMissing as error:
        return f"{error.message}; {error.next_command}"
    except (DockerException, requests.RequestException) as error:
        forget()
        return f"the container engine does not answer any more: {first_line(error)}"
    return ""


def describe() -> str:
    """Engine, version, storage and cgroups, for a result's fingerprint; the reason when there is none."""
    try:
        with talking():
            told = connect().info()
    except (BrokerMissing, BrokerUnavailable) as error:
        return error.message
    parts = [
        f"Docker {told.get('ServerVersion', '?')}",
        str(told.get("Driver", "")),
        f"cgroup v{told.get('CgroupVersion', '?')}",
    ]
    return ", ".join(part for part in parts if part)


def forget() -> None:
    """Drop the connections: the engine died, or this process ends."""
    with _lock:
        for client in _clients.values():
            with contextlib.suppress(Exception):
                client.close()
        _clients.clear()


@contextlib.contextmanager
def talking() -> Iterator[None]:
    """Around calls of a running container: an engine that went away is BrokerUnavailable. API errors pass."""
    try:
        yield
    except APIError:
        raise
    except (DockerException, requests.RequestException) as error:
        raise BrokerUnavailable(
            f"the container engine at {address()} does not answer any more: {first_line(error)}",
            next_command="docker version",
        ) from None


def first_line(error: Exception) -> str:
    """What an engine says, without the layers around it."""
    while not isinstance(error, APIError) and (
        inner := next((part for part in error.args if isinstance(part, Exception)), None)
    ):
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = error.explanation if isinstance(error, APIError) and error.explanation else str(error)
    return str(text).strip().splitlines()[0] if str(text).strip() else type(error).__name__


def _after_fork() -> None:
    _clients.clear()  # a child must not write into its parent's connections


os.register_at_fork(after_in_child=_after_fork)
atexit.register(forget)
