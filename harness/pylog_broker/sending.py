"""How answers leave: bytes by `send`, ranges of log files by `sendfile`, what the socket does not take when it is ready again."""

from __future__ import annotations

import os
import select
import socket

from harness.pylog_broker.client import WRITE, Connection
from harness.pylog_broker.dispatch import Output
from harness.pylog_broker.storage.log import LogSlice

JOINED_RESPONSE_BYTES_MAX = 32 << 10
"""Responses up to this size are read from the file and sent with their head in one call; larger ones by sendfile."""
TLS_READ_BYTES = 128 << 10
"""Read from a log file at once where it goes out encrypted."""
SENDFILE_BYTES_PER_TURN = (1 << 20) + (64 << 10)
"""After this many bytes the other connections have their turn: clients' usual 1 MiB of one partition goes in one."""


class Sender:
    """The half of a server that sends."""

    _now_s: float

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.bytes_out = 0
        """Bytes sent to clients since the start."""

    def _close(self, connection: Connection, reason: str | None = None) -> None:
        raise NotImplementedError

    def _send(self, connection: Connection, response: Output) -> None:
        if isinstance(response, bytes):
            self._send_bytes(connection, response)
        else:
            self._send_parts(connection, response)

    def _send_bytes(self, connection: Connection, response: bytes) -> None:
        try:
            sent = connection.socket.send(response)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        self.bytes_out += sent
        if sent < len(response):
            connection.outgoing.append(memoryview(response)[sent:])
            self._set_interest(connection, WRITE)

    def _send_parts(self, connection: Connection, response: list[bytes | bytearray | LogSlice]) -> None:
        size = 0
        for part in response:
            size += part.length if part.__class__ is LogSlice else len(part)
        if size <= JOINED_RESPONSE_BYTES_MAX:
            joined = b"".join([part.read() if isinstance(part, LogSlice) else part for part in response])
            if len(joined) == size:
                self._send_bytes(connection, joined)
            else:
                self._close(connection, "a log file is shorter than its index says")
            return
        connection.outgoing.extend(part if isinstance(part, LogSlice) else memoryview(part) for part in response)
        self._send_outgoing(connection)

    def _send_outgoing(self, connection: Connection) -> None:
        """Send what the socket takes, and ask to be told when it takes more."""
        outgoing = connection.outgoing
        budget = SENDFILE_BYTES_PER_TURN
        rest: memoryview | LogSlice
        try:
            while outgoing and budget > 0:
                part = outgoing[0]
                if isinstance(part, LogSlice):
                    if connection.tls is not None:
                        self._read_ahead(connection, part)
                        continue
                    sent = os.sendfile(connection.fd, part.fd, part.position, min(part.length, budget))
                    if sent == 0:
                        self._close(connection, "a log file is shorter than its index says")
                        return
                    left = part.length - sent
                    rest = part._replace(position=part.position + sent, length=left)
                else:
                    more = socket.MSG_MORE if len(outgoing) > 1 else 0
                    sent = connection.socket.send(part, more)
                    left = len(part) - sent
                    rest = part[sent:]
                budget -= sent
                if left:
                    outgoing[0] = rest
                else:
                    outgoing.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)
            return
        self.bytes_out += SENDFILE_BYTES_PER_TURN - budget
        if budget < SENDFILE_BYTES_PER_TURN:
            connection.active_s = self._now_s
        if outgoing:
            self._set_interest(connection, WRITE)

    def _read_ahead(self, connection: Connection, part: LogSlice) -> None:
        """Turn the beginning of a file range into bytes: what is encrypted cannot go out by sendfile."""
        head = part._replace(length=min(part.length, TLS_READ_BYTES))
        data = head.read()
        if len(data) != head.length:
            raise OSError("a log file is shorter than its index says")
        left = part.length - head.length
        if left:
            connection.outgoing[0] = part._replace(position=part.position + head.length, length=left)
            connection.outgoing.appendleft(memoryview(data))
        else:
            connection.outgoing[0] = memoryview(data)

    def _set_interest(self, connection: Connection, interest: int) -> None:
        if connection.interest != interest:
            connection.interest = interest
            self._epoll.modify(connection.fd, interest)
