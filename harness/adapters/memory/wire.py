"""Frames between memory client and server, and records of its journal: a JSON header and a row of byte strings.

``u32 header bytes, u32 body bytes, header, body``, little-endian. The header is a JSON object; its ``sizes`` cuts the body into byte
strings (-1 is None). Sizes are checked before anything is allocated.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

PREFIX = struct.Struct("<II")
HEADER_BYTES_MAX = 64 << 20
BODY_BYTES_MAX = 256 << 20

Header = dict[str, Any]
Blobs = list[bytes | None]


class FrameError(ValueError):
    """Bytes that are not a frame: torn, or too large."""


def encode(header: Header, blobs: Sequence[bytes | None] = ()) -> bytes:
    sizes = [-1 if blob is None else len(blob) for blob in blobs]
    head = json.dumps({**header, "sizes": sizes}, separators=(",", ":")).encode()
    body = b"".join([blob for blob in blobs if blob is not None])
    if len(head) > HEADER_BYTES_MAX or len(body) > BODY_BYTES_MAX:
        raise FrameError(f"a frame of {len(head)} + {len(body)} bytes is too large")
    return PREFIX.pack(len(head), len(body)) + head + body


def decode(head: bytes, body: bytes) -> tuple[Header, Blobs]:
    header: Header = json.loads(head)
    blobs: Blobs = []
    position = 0
    for size in header.pop("sizes"):
        if size < 0:
            blobs.append(None)
            continue
        blobs.append(body[position : position + size])
        position += size
    if position != len(body):
        raise FrameError("the sizes of a frame do not add up")
    return header, blobs


def read_frame(read_exactly: Callable[[int], bytes]) -> tuple[Header, Blobs]:
    """``read_exactly(n)`` returns n bytes or raises. Raises FrameError on sizes beyond the bounds."""
    head_size, body_size = PREFIX.unpack(read_exactly(PREFIX.size))
    if head_size > HEADER_BYTES_MAX or body_size > BODY_BYTES_MAX:
        raise FrameError(f"a frame of {head_size} + {body_size} bytes is too large")
    return decode(read_exactly(head_size), read_exactly(body_size))


class Connection:
    """A connected socket that speaks frames. Raises ConnectionError when the other side is gone."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock

    def send(self, header: Header, blobs: Sequence[bytes | None] = ()) -> None:
        self._socket.sendall(encode(header, blobs))

    def receive(self) -> tuple[Header, Blobs]:
        return read_frame(self._exactly)

    def call(self, header: Header, blobs: Sequence[bytes | None] = ()) -> tuple[Header, Blobs]:
        self.send(header, blobs)
        return self.receive()

    def _exactly(self, count: int) -> bytes:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            received = self._socket.recv_into(view)
            if not received:
                raise ConnectionResetError("the other side closed the connection")
            view = view[received:]
        return bytes(data)

    def close(self) -> None:
        """Idempotent; wakes a thread that is blocked in ``receive``."""
        with contextlib.suppress(OSError):  # it was not connected any more
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
