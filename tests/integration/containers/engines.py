"""What tests of containers share: what is there of ours, and an engine that can be taken away and given back."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.brokers import engine
from harness.brokers.docker import container_name
from harness.brokers.owner import LABEL


def left_over(root: Path, broker: str = "pylog") -> list[str]:
    """The container and the volume of the broker on the folder ``root``, if they are there."""
    name = container_name(broker, root)
    client = engine.connect()
    containers = [
        one.name
        for one in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
        if one.name == name
    ]
    volumes = [one.name for one in client.volumes.list(filters={"label": LABEL}) if one.name == name]
    return [f"container {one}" for one in containers] + [f"volume {one}" for one in volumes]


def eventually(holds: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Doorway:
    """A socket that leads to the real engine until it is closed: then the engine is gone, and its containers run on.

    That is what a killed engine looks like from here, without killing one that others use.
    """

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._path = path
        self._listener: socket.socket | None = None
        self._links: list[socket.socket] = []
        self._lock = threading.Lock()
        self.open()

    def open(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """As when the engine dies: nobody listens, and every connection ends."""
        with self._lock:
            listener, self._listener = self._listener, None
            links, self._links = self._links, []
        self._path.unlink(missing_ok=True)
        for one in [*links, *([listener] if listener else [])]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect("/var/run/docker.sock")
            with self._lock:
                if self._listener is not listener:  # it was closed in between
                    near.close()
                    far.close()
                    return
                self._links += [near, far]
            threading.Thread(target=_carry, args=(near, far), daemon=True).start()


def _carry(near: socket.socket, far: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in selector.select():
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                piece = source.recv(1 << 16)
                if not piece:
                    return
                target.sendall(piece)


def environment(**variables: str) -> dict[str, str]:
    """This process's own, with these."""
    return {**os.environ, **variables}
