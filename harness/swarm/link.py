"""Frames between a Locust process and its child over a socket pair: an address and a body, each whole or not at all.

Imported by the Locust process too: the standard library only.
"""

from __future__ import annotations

import socket
import struct
from contextlib import AbstractContextManager
from typing import Any, Final

FRAME_BYTES_MAX: Final = 8 << 20
BRIDGE: Final = "@"  # the address of the Locust process itself; its bodies are JSON
MASTER: Final = ""  # what an agent calls the other end of Locust
_HEAD: Final = struct.Struct("<IH")  # length of the body, length of the address


class Link:
    """One end. ``lock`` guards sending: a thread's lock in a child, a greenlet's in a Locust process."""

    def __init__(self, connection: socket.socket, lock: AbstractContextManager[Any]) -> None:
        self._connection = connection
        self._lock = lock

    def send(self, address: str, body: bytes) -> bool:
        """False when the other end is gone. Waits while the other end does not read: that is what bounds the memory."""
        name = address.encode()
        if len(body) > FRAME_BYTES_MAX:
            raise ValueError(f"a frame of {len(body)} bytes is larger than {FRAME_BYTES_MAX}")
        try:
            with self._lock:
                self._connection.sendall(_HEAD.pack(len(body), len(name)) + name + body)
        except OSError:
            return False
        return True

    def receive(self) -> tuple[str, bytes] | None:
        """The next frame; None when the other end is gone, or sends what is no frame."""
        head = self._exactly(_HEAD.size)
        if head is None:
            return None
        body_bytes, name_bytes = _HEAD.unpack(head)
        if body_bytes > FRAME_BYTES_MAX:
            return None
        name = self._exactly(name_bytes)
        body = self._exactly(body_bytes)
        return None if name is None or body is None else (name.decode(errors="replace"), body)

    def _exactly(self, count: int) -> bytes | None:
        pieces = bytearray()
        while len(pieces) < count:
            try:
                piece = self._connection.recv(min(1 << 20, count - len(pieces)))
            except OSError:
                return None
            if not piece:
                return None
            pieces += piece
        return bytes(pieces)

    def close(self) -> None:
        self._connection.close()
