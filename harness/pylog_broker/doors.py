"""The listening sockets of a server: who may come in, how many, and what to do when no descriptor is left."""

from __future__ import annotations

import errno
import logging
import select
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.pylog_broker.broker import Broker, Endpoint
from harness.pylog_broker.security.listeners import Listener

if TYPE_CHECKING:
    from harness.pylog_broker.security.tls import TlsSocket

logger = logging.getLogger(__name__)

ACCEPTS_PER_EVENT_MAX = 64
ACCEPT_PAUSE_S = 0.5
"""How long the listeners rest when the process is out of file descriptors."""


class Door(NamedTuple):
    """One bound socket, the listener it is for, and how its connections are encrypted, if they are."""

    socket: socket.socket
    listener: Listener
    endpoint: Endpoint
    encrypt: Callable[[socket.socket], TlsSocket] | None = None


class Doors:
    """All of them, on one epoll, with the bounds on connections."""

    def __init__(
        self,
        doors: Sequence[Door],
        broker: Broker,
        epoll: select.epoll,
        admit: Callable[[socket.socket, str, Door], None],
    ) -> None:
        self._doors = {door.socket.fileno(): door for door in doors}
        self._broker = broker
        self._epoll = epoll
        self._admit = admit
        self._inside = 0
        self._inside_by_host: Counter[str] = Counter()
        self._total_max = broker.config.max_connections
        self._per_host_max = broker.security.settings.connections_per_ip_max
        self._closed = False

    def __contains__(self, fd: int) -> bool:
        return fd in self._doors

    def open(self) -> None:
        """Begin to let clients in."""
        for fd, door in self._doors.items():
            door.socket.setblocking(False)
            self._epoll.register(fd, select.EPOLLIN)

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True
        for fd in self._doors:
            self._epoll.unregister(fd)

    def left(self, host: str) -> None:
        """A connection that was admitted has gone."""
        self._inside -= 1
        self._inside_by_host[host] -= 1
        if not self._inside_by_host[host]:
            del self._inside_by_host[host]

    def accept(self, fd: int) -> None:
        """Admit who waits at this door."""
        door = self._doors[fd]
        for _ in range(ACCEPTS_PER_EVENT_MAX):
            try:
                client, address = door.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._pause(error)
                else:
                    logger.warning("accept: %s", error)
                return
            host = address[0]
            if self._inside >= self._total_max:
                logger.warning("refused a connection from %s: max.connections=%d are open", host, self._total_max)
                client.close()
            elif self._inside_by_host[host] >= self._per_host_max:
                logger.warning(
                    "refused a connection from %s: max.connections.per.ip=%d are open", host, self._per_host_max
                )
                client.close()
            else:
                self._inside += 1
                self._inside_by_host[host] += 1
                self._admit(client, host, door)

    def _pause(self, error: OSError) -> None:
        logger.error("accept: %s; raise the limit of open files (ulimit -n)", error)
        for fd in self._doors:
            self._epoll.modify(fd, 0)

        def listen_again() -> None:
            if not self._closed:
                for fd in self._doors:
                    self._epoll.modify(fd, select.EPOLLIN)

        self._broker.timers.schedule(self._broker.now_s() + ACCEPT_PAUSE_S, listen_again)


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet. Raises OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
