"""Sockets around the core: a thread a connection, one lock around all spaces.

Started by ``harness.adapters.memory_server`` as a process of its own, so that worker processes share it and ``kill -9`` means
something; tests may start it on a thread instead.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.adapters.memory.core import Record, Space, SpaceSpec
from harness.adapters.memory.recovery import Journal
from harness.adapters.memory.wire import Blobs, Connection, FrameError, Header
from harness.model.messages import DispositionKind, Outcome

PRODUCT = "memory"
VERSION = "1.0"
FETCH_WAIT_S_MAX = 5.0  # a client that waits longer asks again: a dead one is noticed in time
CONNECTIONS_MAX = 1024

Answer = tuple[Header, Blobs]


class MemoryServer:
    """Listens as soon as it is made. ``journal`` is where tiers D1 and up are kept; without one nothing survives."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        journal: Path | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._clock_ns = clock_ns
        self._changed = threading.Condition()
        self._journal = Journal(journal) if journal is not None else None
        self._spaces: dict[str, Space] = self._journal.recover() if self._journal else {}
        self._members = itertools.count(1)
        self._connections: set[Connection] = set()
        self._closed = False
        self._handlers: dict[str, Callable[[_Session, Header, Blobs], Answer]] = {
            "prefixes": self.prefixes,
            "create": self.create,
            "delete": self.delete,
            "publish": self.publish,
            "join": self.join,
            "fetch": self.fetch,
            "settle": self.settle,
            "rewind": self.rewind,
            "backlog": self.backlog,
        }
        self._listener = socket.create_server((host, port), backlog=128)
        self.host, self.port = self._listener.getsockname()[:2]

    # --- life

    def start(self) -> None:
        """Serve on a thread of this process."""
        threading.Thread(target=self.serve, name="memory-broker", daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # closed
            connection = Connection(sock)
            with self._changed:
                if self._closed or len(self._connections) >= CONNECTIONS_MAX:
                    connection.close()
                    continue
                self._connections.add(connection)
            threading.Thread(target=_Session(self, connection).run, name="memory-session", daemon=True).start()

    def close(self) -> None:
        """Stop at once. What the journal has is kept, everything else is gone: as ``kill -9`` would leave it."""
        with self._changed:
            self._closed = True
            connections = list(self._connections)
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        for connection in connections:
            connection.close()
        if self._journal is not None:
            self._journal.close()

    def forget(self, connection: Connection) -> None:
        with self._changed:
            self._connections.discard(connection)

    # --- requests; each holds the lock

    def handle(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        handler = self._handlers.get(header["op"])
        if handler is None:
            return {"error": f"unknown operation {header['op']!r}"}, []
        with self._changed:
            if self._closed:
                raise ConnectionResetError("the server is closing")
            return handler(session, header, blobs)

    def space(self, prefix: str) -> Space:
        if prefix not in self._spaces:
            raise LookupError(f"nothing was provisioned under {prefix!r}")
        return self._spaces[prefix]

    def create(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del session, blobs
        spec = SpaceSpec.of(header["spec"])
        known = self._spaces.get(spec.prefix)
        if known is not None:
            return ({}, []) if known.spec == spec else ({"error": f"{spec.prefix!r} exists with other settings"}, [])
        self._spaces[spec.prefix] = Space(spec)
        self._keep([({"record": "create", "prefix": spec.prefix, "spec": spec.document()}, [])], fsync=spec.fsync)
        return {}, []

    def delete(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del session, blobs
        prefix = header["prefix"]
        if self._spaces.pop(prefix, None) is not None:
            self._keep([({"record": "delete", "prefix": prefix}, [])], fsync=False)
        self._changed.notify_all()
        return {}, []

    def publish(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del session
        space = self.space(header["prefix"])
        outcomes: list[int] = []
        lanes: list[int] = []
        positions: list[int] = []
        for row, (priority, expires_ns) in enumerate(zip(header["classes"], header["expires_ns"], strict=True)):
            outcome, lane, position = space.publish(blobs[2 * row] or b"", blobs[2 * row + 1], priority, expires_ns)
            outcomes.append(int(outcome))
            lanes.append(lane)
            positions.append(position)
        self.commit(space)
        self._changed.notify_all()
        error = "the memory broker is full" if Outcome.FAIL in outcomes else ""
        return {"outcomes": outcomes, "lanes": lanes, "positions": positions, "error_text": error}, []

    def join(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del blobs
        member = next(self._members)
        if not self.space(header["prefix"]).join(header["group"], member):
            return {"error": f"no group {header['group']!r} under {header['prefix']!r}"}, []
        session.seat = (header["prefix"], header["group"], member)
        self._changed.notify_all()
        return {}, []

    def fetch(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del blobs
        prefix, group, member = session.seated()
        deadline_ns = self._clock_ns() + round(min(header["timeout_s"], FETCH_WAIT_S_MAX) * 1e9)
        while True:
            space = self.space(prefix)
            now_ns = self._clock_ns()
            given = space.fetch(group, member, header["limit"], now_ns)
            self.commit(space)
            if given or now_ns >= deadline_ns:
                break
            due_ns = space.due_ns(group)
            wake_ns = deadline_ns if due_ns is None else min(deadline_ns, due_ns)
            self._changed.wait(max(0.0, wake_ns - now_ns) / 1e9)
            if self._closed:
                raise ConnectionResetError("the server is closing")
        rows = [
            (
                d.stored.number,
                d.stored.lane,
                d.stored.position,
                d.redelivered,
                d.delivery_count,
                d.attempt,
                d.stored.reason,
            )
            for d in given
        ]
        return {"rows": rows}, [d.payload for d in given]

    def settle(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del blobs
        prefix, group, member = session.seated()
        space = self.space(prefix)
        due_ns = self._clock_ns() + header["after_ms"] * 1_000_000
        known = space.settle(group, member, header["numbers"], DispositionKind(header["kind"]), due_ns)
        self.commit(space)
        self._changed.notify_all()
        return {"settled": known}, []

    def rewind(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del header, blobs
        prefix, group, member = session.seated()
        space = self.space(prefix)
        space.rewind(group, member)
        self.commit(space)
        self._changed.notify_all()
        return {}, []

    def backlog(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del session, blobs
        return {"backlog": self.space(header["prefix"]).backlog()}, []

    def prefixes(self, session: _Session, header: Header, blobs: Blobs) -> Answer:
        del session, header, blobs
        return {"prefixes": sorted(self._spaces), "product": PRODUCT, "version": VERSION}, []

    def leave(self, seat: tuple[str, str, int]) -> None:
        prefix, group, member = seat
        with self._changed:
            space = self._spaces.get(prefix)
            if space is not None and not self._closed:
                space.leave(group, member)
            self._changed.notify_all()

    def commit(self, space: Space) -> None:
        """What the space wants kept is kept before anybody is answered."""
        records, space.outbox = space.outbox, []
        if records:
            self._keep(records, fsync=space.spec.fsync)

    def _keep(self, records: list[Record], *, fsync: bool) -> None:
        if self._journal is not None:
            self._journal.write(records, fsync=fsync)


class _Session:
    """One connection: answers its requests in order; a member leaves when its connection ends."""

    def __init__(self, server: MemoryServer, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self.seat: tuple[str, str, int] | None = None

    def seated(self) -> tuple[str, str, int]:
        if self.seat is None:
            raise LookupError("join a group first")
        return self.seat

    def run(self) -> None:
        try:
            while True:
                header, blobs = self._connection.receive()
                self._connection.send(*self._answer(header, blobs))
        except (OSError, FrameError):
            pass  # gone, or not speaking our language: the connection ends either way
        finally:
            if self.seat is not None:
                self._server.leave(self.seat)
            self._server.forget(self._connection)
            self._connection.close()

    def _answer(self, header: dict[str, Any], blobs: Blobs) -> Answer:
        try:
            return self._server.handle(self, header, blobs)
        except (LookupError, ValueError, TypeError) as problem:
            return {"error": str(problem)}, []
