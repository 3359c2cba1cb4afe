"""One client of a server: its socket, its framing, and the answer that is being sent or waited for."""

from __future__ import annotations

import select
import socket
from collections import deque
from typing import TYPE_CHECKING

from harness.pylog_broker.connection import FrameReader
from harness.pylog_broker.dispatch import Output, Parked, Peer
from harness.pylog_broker.storage.log import LogSlice

if TYPE_CHECKING:
    from harness.pylog_broker.security.tls import TlsSocket

IN, OUT = select.EPOLLIN, select.EPOLLOUT
READ = IN | select.EPOLLRDHUP
WRITE = OUT | select.EPOLLRDHUP
QUIET = select.EPOLLRDHUP
GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


LINE_MAX = 64
"""Requests of one connection that are served while the first of them waits for its sync."""


class Connection:
    """One client connection: its socket, its framing, and the response that is being sent or waited for."""

    __slots__ = (
        "active_s",
        "closed",
        "fd",
        "handshaking",
        "interest",
        "line",
        "outgoing",
        "parked",
        "peer",
        "reader",
        "socket",
        "tls",
    )

    def __init__(
        self, client: socket.socket | TlsSocket, reader: FrameReader, peer: Peer, now_s: float, tls: TlsSocket | None
    ) -> None:
        self.socket = client
        self.tls = tls
        """The same socket where the listener is encrypted."""
        self.handshaking = tls is not None
        self.fd = client.fileno()
        self.reader = reader
        self.peer = peer
        self.parked: Parked | None = None
        self.line: deque[Parked | Output | str] = deque()
        """Answers in order that wait for the first one (see `InLine`); a text is why the connection is to be closed then."""
        self.outgoing: deque[memoryview | LogSlice] = deque()
        self.interest = READ
        self.active_s = now_s
        """When bytes last went through, in seconds of the monotonic clock."""
        self.closed = False

    @property
    def is_line_full(self) -> bool:
        """Whether nothing more is to be read until the line has moved."""
        line = self.line
        return (
            len(line) >= LINE_MAX
            or bool(self.peer.connection.mute_until_s)
            or (bool(line) and isinstance(line[-1], str))
        )
