"""A TCP proxy on loopback that can cut, delay and throttle what passes. Run by path: ``python -I -S proxy.py OWNER_PID``.

It imports nothing of the project. Requests come as JSON lines on standard input, each is answered by one line on standard
output; it ends when that input closes or when the process OWNER_PID ends.

========  ====================================================================================================
request   what happens
========  ====================================================================================================
listen    open 127.0.0.1:``port``
target    connect what comes in to ``host``:``port`` from now on
cut       ``how`` is ``drop`` (nothing passes; what arrives is held back and passes when healed, as TCP does after a
          partition shorter than its patience) or ``reset`` (all connections are reset, new ones at once)
slow      every byte arrives ``delay_ms`` later in each direction, and at most ``bytes_per_s`` of them each way (0: no limit)
heal      as if nothing had been; what was held back passes
stats     nothing but the answer
========  ====================================================================================================

Every answer carries the figures of ``Stats``. Memory is bounded: a direction of a connection that holds ``PIPE_BYTES_MAX``, or all
together ``TOTAL_BYTES_MAX``, is not read any further, so that TCP itself holds the sender back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from collections import deque
from typing import Any

PIPE_BYTES_MAX = 1 << 20
TOTAL_BYTES_MAX = 64 << 20
CONNECTIONS_MAX = 4_096
LOOPBACK = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: closing sends RST


class Stats:
    """What the proxy has seen. Bytes and connections since its start or, where it says so, since the last cut or slow."""

    def __init__(self) -> None:
        self.accepted = 0
        self.open = 0
        self.passed = 0
        self.since_change = 0  # bytes passed on since the link was last cut, slowed or healed
        self.held = 0  # bytes held back just now
        self.held_max = 0  # most of them since the last change
        self.resets = 0  # connections reset because of a cut, new ones included
        self.stalled = 0  # connections that came while nothing passed


class Link:
    """The state of the link, the same for every connection, and the connections."""

    def __init__(self) -> None:
        self.stats = Stats()
        self.target: tuple[str, int] | None = None
        self.how = ""  # drop, reset, or nothing
        self.delay_s = 0.0
        self.bytes_per_s = 0.0
        self.free_at = {"up": 0.0, "down": 0.0}  # when the last byte will have left, for each direction
        self.pairs: set[Pair] = set()

    @property
    def plain(self) -> bool:
        return not self.how and not self.delay_s and not self.bytes_per_s

    def due(self, direction: str, size: int, now: float) -> float:
        """When a piece that comes now arrives at the other end: its turn on the wire, then the way."""
        if not self.bytes_per_s:
            return now + self.delay_s
        self.free_at[direction] = max(now, self.free_at[direction]) + size / self.bytes_per_s
        return self.free_at[direction] + self.delay_s

    def change(self, how: str = "", delay_s: float = 0.0, bytes_per_s: float = 0.0) -> None:
        self.stats.since_change = 0
        self.how, self.delay_s, self.bytes_per_s = how, delay_s, bytes_per_s
        self.free_at = {"up": 0.0, "down": 0.0}
        if how == "reset":
            for pair in list(self.pairs):
                pair.reset()
        self.stats.held_max = self.stats.held
        for pair in list(self.pairs):
            pair.changed()


class Pipe:
    """One direction of one connection: pieces that wait for their time, then go on in order."""

    def __init__(self, pair: Pair, direction: str) -> None:
        self.pair = pair
        self.direction = direction
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.bytes = 0
        self.ended = False  # the source has said its last; passed on after what waits
        self.done = False  # and that has been passed on
        self.congested = False  # the sink takes no more just now
        self.reading = True
        self.timer: asyncio.TimerHandle | None = None

    def take(self, data: bytes) -> None:
        link = self.pair.link
        if link.plain and not self.waiting and self.sink is not None:
            self._pass(data)
            return
        now = self.pair.loop.time()
        self.waiting.append((link.due(self.direction, len(data), now), data))
        self.bytes += len(data)
        link.stats.held += len(data)
        link.stats.held_max = max(link.stats.held_max, link.stats.held)
        self.pump()

    def end(self) -> None:
        self.ended = True
        self.pump()

    def pump(self) -> None:
        """Send what is due; come back for the rest."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        link, now = self.pair.link, self.pair.loop.time()
        while self.waiting and self.sink is not None and not link.how and not self.congested:
            due, data = self.waiting[0]
            if due > now and not link.plain:
                self.timer = self.pair.loop.call_at(due, self.pump)
                break
            self.waiting.popleft()
            self.bytes -= len(data)
            link.stats.held -= len(data)
            self._pass(data)
        if self.ended and not self.done and not self.waiting and self.sink is not None and not link.how:
            self.done = True
            with contextlib.suppress(OSError, RuntimeError):
                self.sink.write_eof()
            if self.pair.up.done and self.pair.down.done:
                self.pair.close()
                return
        self._brake()

    def drop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.pair.link.stats.held -= self.bytes
        self.waiting.clear()
        self.bytes = 0

    def _pass(self, data: bytes) -> None:
        assert self.sink is not None
        stats = self.pair.link.stats
        stats.passed += len(data)
        stats.since_change += len(data)
        self.sink.write(data)

    def _brake(self) -> None:
        full = self.bytes >= PIPE_BYTES_MAX or self.pair.link.stats.held >= TOTAL_BYTES_MAX
        wanted = not (full or self.congested)
        if self.source is None or self.source.is_closing() or wanted == self.reading:
            return
        self.reading = wanted
        with contextlib.suppress(RuntimeError):
            self.source.resume_reading() if wanted else self.source.pause_reading()


class Pair:
    """A client's connection and ours to the broker."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self.link = link
        self.loop = loop
        self.up = Pipe(self, "up")
        self.down = Pipe(self, "down")
        self.connecting: asyncio.Task[None] | None = None
        self.gone = False

    def accepted(self, transport: asyncio.Transport) -> None:
        stats = self.link.stats
        stats.accepted += 1
        self.up.source = self.down.sink = transport
        if self.link.how == "reset" or len(self.link.pairs) >= CONNECTIONS_MAX:
            stats.resets += 1
            self.gone = True
            abort(transport)
            return
        self.link.pairs.add(self)
        stats.open += 1
        if self.link.how:
            stats.stalled += 1
        self.changed()

    def changed(self) -> None:
        """The link is another now: connect what was waiting for it, send what may go."""
        if self.gone:
            return
        if self.up.sink is None and self.connecting is None and not self.link.how:
            self.connecting = self.loop.create_task(self._connect())
        self.up.pump()
        self.down.pump()

    async def _connect(self) -> None:
        if self.link.target is None:
            self.close()
            return
        try:
            host, port = self.link.target
            await self.loop.create_connection(lambda: End(self, self.down, self.up), host, port)
        except OSError:
            self.reset()  # nobody listens there: the client learns it as it would without us
            return
        self.changed()

    def reset(self) -> None:
        if not self.gone:
            if self.link.how == "reset":
                self.link.stats.resets += 1
            for transport in (self.up.source, self.up.sink):
                if transport is not None:
                    abort(transport)
            self.close()

    def close(self) -> None:
        if self.gone:
            return
        self.gone = True
        self.link.pairs.discard(self)
        self.link.stats.open -= 1
        for pipe in (self.up, self.down):
            pipe.drop()
            if pipe.source is not None:
                pipe.source.close()


class End(asyncio.Protocol):
    """One end of a pair: ``reads`` is the pipe that its bytes go into, ``writes`` the one that ends here."""

    def __init__(self, pair: Pair, reads: Pipe, writes: Pipe) -> None:
        self.pair = pair
        self.reads = reads
        self.writes = writes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.pair.gone:
            abort(transport)
            return
        self.reads.source = self.writes.sink = transport
        if self.reads is self.pair.up:
            self.pair.accepted(transport)

    def data_received(self, data: bytes) -> None:
        if not self.pair.gone:
            self.reads.take(data)

    def eof_received(self) -> bool:
        self.reads.end()
        return True

    def pause_writing(self) -> None:
        self.writes.congested = True
        self.writes.pump()

    def resume_writing(self) -> None:
        self.writes.congested = False
        self.writes.pump()

    def connection_lost(self, error: Exception | None) -> None:
        # Both directions are over when one end is gone; what the other would still have got is lost, as with any broken host.
        if error is not None:
            self.pair.reset()
        else:
            self.pair.close()


def abort(transport: asyncio.Transport) -> None:
    """Close with RST."""
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


class Commands:
    """Carries out requests, one at a time."""

    def __init__(self, link: Link) -> None:
        self.link = link

    async def carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        link = self.link
        match request["do"]:
            case "listen":
                loop = asyncio.get_running_loop()

                def client() -> End:
                    pair = Pair(link, loop)
                    return End(pair, pair.up, pair.down)

                await loop.create_server(client, LOOPBACK, int(request["port"]), backlog=512)
            case "target":
                link.target = (str(request["host"]), int(request["port"]))
            case "cut":
                link.change(how=str(request["how"]))
            case "slow":
                link.change(delay_s=float(request["delay_ms"]) / 1000, bytes_per_s=float(request["bytes_per_s"]))
            case "heal":
                before = vars(link.stats).copy()  # the figures of what is over now
                link.change()
                return before
        return vars(link.stats).copy()


async def main(owner: int) -> None:
    """Serve until standard input closes or the owner ends."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(os.pidfd_open(owner), over.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    commands = Commands(Link())

    async def serve() -> None:
        while line := await reader.readline():
            try:
                answer = await commands.carry_out(json.loads(line))
            except OSError as error:
                answer = {"error": error.strerror or str(error)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        over.set()

    serving = loop.create_task(serve())
    await over.wait()
    serving.cancel()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
