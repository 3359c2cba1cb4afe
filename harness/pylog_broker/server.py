"""Sockets, signals and the event loop: bytes come in, responses go out, timers fire.

One thread, one `epoll`. A connection is served one request at a time, as Apache Kafka does it: while its response is
parked or cannot be sent yet, nothing more is read from it, so that the kernel's socket buffers are all that a slow or
hostile peer can fill. Answers are sent as they become ready; ranges of log files go out by `sendfile`.
"""

from __future__ import annotations

import contextlib
import logging
import select
import signal
import socket
from collections import Counter, deque
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.client import GONE, IN, OUT, QUIET, READ, WRITE, Connection
from harness.pylog_broker.connection import SCRATCH_BYTES, FrameMemory, FrameReader, FramingError
from harness.pylog_broker.dispatch import Dispatcher, Parked, Peer
from harness.pylog_broker.doors import Door, Doors
from harness.pylog_broker.handlers.api import CloseConnection, ConnectionState
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.security.listeners import ANONYMOUS
from harness.pylog_broker.sending import Sender

if TYPE_CHECKING:
    from harness.pylog_broker.security.tls import TlsSocket

logger = logging.getLogger(__name__)

LISTEN_BACKLOG = 1024
EVENTS_PER_ROUND_MAX = 256
HELD_RESPONSES_MAX = 8
HELD_REQUEST_BYTES_MAX = 1 << 10
"""Responses to this many small requests that came together go out in one call: a call costs more than the rest of such
a request. No response waits for more than that, and none for a request that has not come yet."""
IDLE_CHECK_INTERVAL_S_MAX = 5.0
DRAIN_SECONDS_MAX = 2.0
"""How long a shutdown goes on sending responses that are half sent."""


class Server(Sender):
    """Listens, and moves bytes between sockets and the dispatcher until told to stop."""

    def __init__(self, broker: Broker, dispatcher: Dispatcher, doors: Sequence[Door]) -> None:
        super().__init__()
        broker.commits.work_with(self.post)
        self._broker = broker
        self._dispatcher = dispatcher
        self._config = broker.config
        self._doors = Doors(doors, broker, self._epoll, self._open)
        self._connections: dict[int, Connection] = {}
        self._next_connection_id = 0
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._memory = FrameMemory(broker.config.queued_max_request_bytes)
        self._resumable: deque[Connection] = deque()
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        self._stopping = False
        self._draining = False
        self._posted: deque[Callable[[], None]] = deque()
        self._requests_of_closed: Counter[int] = Counter()
        self._now_s = broker.now_s()  # when this round began: exact enough to tell who is idle
        self.bytes_in = 0
        """Bytes received from clients since the start."""

    @property
    def connection_count(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    # --- life ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until `stop`; then send what is half sent, and close everything."""
        self._doors.open()
        self._wakeup_reader.setblocking(False)
        self._wakeup_writer.setblocking(False)
        self._epoll.register(self._wakeup_reader.fileno(), select.EPOLLIN)
        self._schedule_idle_check()
        try:
            while not self._stopping:
                self._round()
            self._settle()
            self._drain()
        finally:
            for connection in list(self._connections.values()):
                self._close(connection)
            self._epoll.close()
            self._wakeup_reader.close()
            self._wakeup_writer.close()

    def stop(self) -> None:
        """Leave `run` at the end of the round; safe to call from a signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):  # the loop is awake already, or gone
            self._wakeup_writer.send(b"\0")

    def post(self, callback: Callable[[], None]) -> None:
        """Have `callback` called soon on the server's thread; safe to call from any other."""
        self._posted.append(callback)
        with contextlib.suppress(OSError):
            self._wakeup_writer.send(b"\0")

    def requests(self) -> dict[str, int]:
        """Requests since the start, by API."""
        counts = Counter(self._requests_of_closed)
        for connection in self._connections.values():
            counts.update(connection.peer.served())
        return {self._broker.apis[key].name: count for key, count in counts.items()}

    def stop_on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT."""

        def on_signal(number: int, _: FrameType | None) -> None:
            logger.info("signal %s: shutting down", signal.Signals(number).name)
            self.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)

    def _round(self) -> None:
        """Wait for events or the next deadline, and serve what is due."""
        broker = self._broker
        deadline_s = broker.timers.next_deadline_s()
        if self._resumable or broker.waiters.has_ready:
            timeout_s = 0.0
        else:
            timeout_s = -1.0 if deadline_s is None else max(0.0, deadline_s - broker.now_s())
        knocked: list[int] = []
        found = self._epoll.poll(timeout_s, EVENTS_PER_ROUND_MAX)
        self._now_s = broker.now_s()
        for fd, events in found:
            connection = self._connections.get(fd)
            if connection is not None:
                self._on_event(connection, events)
            elif fd in self._doors:
                knocked.append(fd)
            elif fd == self._wakeup_reader.fileno():
                self._wakeup_reader.recv(4096)
                while self._posted:
                    self._posted.popleft()()
        for fd in knocked:  # last, so that no event of this round is for a descriptor that was closed and given again
            self._doors.accept(fd)
        broker.timers.run_due(broker.now_s())
        broker.waiters.run_ready()
        for _ in range(len(self._resumable)):
            self._resume(self._resumable.popleft())
        if broker.commits.waiting:
            broker.commits.start()

    def _settle(self) -> None:
        """Answer what waits for a sync, before the end."""
        self._broker.commits.settle()
        while self._posted:
            self._posted.popleft()()
        self._draining = True
        for connection in list(self._connections.values()):
            if connection.line and not connection.outgoing:
                self._advance(connection)

    def _drain(self) -> None:
        """Half-sent responses get a moment; nothing new is read."""
        self._doors.close()
        deadline_s = self._broker.now_s() + DRAIN_SECONDS_MAX
        for connection in list(self._connections.values()):
            if not connection.outgoing:
                self._close(connection)
        while self._connections and (left_s := deadline_s - self._broker.now_s()) > 0:
            for fd, events in self._epoll.poll(left_s, EVENTS_PER_ROUND_MAX):
                if fd in self._connections:
                    self._on_event(self._connections[fd], events)

    # --- connections -----------------------------------------------------------------------------------------------

    def _open(self, client: socket.socket, host: str, door: Door) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._next_connection_id += 1
        reader = FrameReader(self._scratch, self._memory, size_max=self._config.socket_request_max_bytes)
        sasl = door.listener.protocol.sasl
        state = ConnectionState(
            self._next_connection_id,
            f"/{host}",
            listener=door.listener,
            endpoint=door.endpoint,
            principal=None if sasl else ANONYMOUS,
        )
        tls = door.encrypt(client) if door.encrypt is not None else None
        connection = Connection(tls or client, reader, Peer(state), self._broker.now_s(), tls)
        self._connections[connection.fd] = connection
        self._epoll.register(connection.fd, READ)

    def _close(self, connection: Connection, reason: str | None = None) -> None:
        if connection.closed:
            return
        connection.closed = True
        if reason is not None:
            state = connection.peer.connection
            logger.warning(
                "closing connection %d from %s (client id %r): %s",
                state.connection_id,
                state.client_host,
                connection.peer.client_id,
                reason,
            )
        del self._connections[connection.fd]
        self._requests_of_closed.update(connection.peer.served())
        self._doors.left(connection.peer.connection.client_host[1:])
        connection.socket.close()  # also takes it out of the epoll
        connection.reader.close()
        connection.outgoing.clear()
        connection.line.clear()
        if connection.parked is not None:
            connection.parked.deferred.cancel()
            connection.parked = None
        if connection.peer.connection.on_close is not None:
            connection.peer.connection.on_close()

    def _schedule_idle_check(self) -> None:
        shortest_ms = min(self._config.connections_max_idle_ms, self._config.request_receive_timeout_ms)
        interval_s = min(IDLE_CHECK_INTERVAL_S_MAX, shortest_ms / 2000)
        self._broker.timers.schedule(self._broker.now_s() + interval_s, self._close_idle)

    def _close_idle(self) -> None:
        now_s = self._broker.now_s()
        idle_before = now_s - self._config.connections_max_idle_ms / 1000
        stuck_before = now_s - self._config.request_receive_timeout_ms / 1000
        for connection in list(self._connections.values()):
            if connection.parked is not None or connection.line:
                continue
            if connection.active_s < idle_before:
                self._close(connection)
            elif connection.active_s < stuck_before and (
                connection.outgoing or connection.reader.is_mid_frame or connection.handshaking
            ):
                self._close(connection, "a half-sent request or response stood still")
        self._schedule_idle_check()

    # --- events ----------------------------------------------------------------------------------------------------

    def _on_event(self, connection: Connection, events: int) -> None:
        if connection.handshaking:
            self._handshake(connection)
        elif connection.parked is not None:
            if events & GONE:
                self._close(connection)
            else:
                self._set_interest(connection, QUIET)  # the next request has come early; it waits in the kernel
        elif events & OUT:
            self._continue_sending(connection)
        elif events & IN:
            self._receive(connection)
        elif events & GONE:
            self._close(connection)

    def _handshake(self, connection: Connection) -> None:
        tls = connection.tls
        assert tls is not None
        try:
            done = tls.handshake()
        except OSError as error:
            self._close(connection, f"no TLS connection came about: {error}")
            return
        if not done:
            self._set_interest(connection, WRITE if tls.wants_write else READ)
            return
        connection.handshaking = False
        state = connection.peer.connection
        if not state.listener.protocol.sasl:
            state.principal = tls.principal()
        self._set_interest(connection, READ)
        self._receive(connection)  # the client's first request may have come with the end of the handshake

    def _receive(self, connection: Connection) -> None:
        reader = connection.reader
        try:
            count = connection.socket.recv_into(reader.receive_buffer())
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        if count == 0:
            self._close(connection)
            return
        connection.active_s = self._now_s
        self.bytes_in += count
        try:
            reader.received(count)
        except FramingError as error:
            self._close(connection, str(error))
            return
        if connection.line:
            self._serve_in_line(connection)
        else:
            self._serve(connection)
        if connection.tls is not None:
            self._receive_pending(connection, connection.tls)

    def _receive_pending(self, connection: Connection, tls: TlsSocket) -> None:
        """What TLS has decrypted already will not wake epoll: take it now, unless an answer has to go out first."""
        is_busy = connection.parked is not None or connection.outgoing or connection.peer.connection.mute_until_s
        if not connection.closed and not is_busy and tls.pending():
            self._resumable.append(connection)

    def _serve(self, connection: Connection) -> None:
        """Answer every whole request that has come, until one cannot be answered or sent at once."""
        reader, handle, peer = connection.reader, self._dispatcher.handle, connection.peer
        state = peer.connection
        held: list[bytes] = []
        reason: str | None = None
        try:
            while (frame := reader.next_frame()) is not None:
                response = handle(frame, peer)
                if response.__class__ is bytes:
                    held.append(response)
                    if (
                        len(frame) < HELD_REQUEST_BYTES_MAX
                        and len(held) < HELD_RESPONSES_MAX
                        and not state.mute_until_s
                    ):
                        continue
                if held:
                    self._send_bytes(connection, held[0] if len(held) == 1 else b"".join(held))
                    held.clear()
                if isinstance(response, Parked):
                    self._park(connection, response)
                    break
                if response.__class__ is list:
                    self._send_parts(connection, response)
                if connection.closed or connection.outgoing or state.mute_until_s:
                    break
        except (FramingError, MalformedMessage, CloseConnection) as error:
            reason = str(error)
        except Exception:
            logger.exception("a request failed inside the broker; its connection is closed")
            reason = "internal error"
        if held:
            self._send_bytes(connection, held[0] if len(held) == 1 else b"".join(held))
        if connection.line and reason is None and not connection.closed:
            self._serve_in_line(connection)
        else:
            self._end_turn(connection, reason)

    def _serve_in_line(self, connection: Connection) -> None:
        """Serve the requests behind one whose answer waits for a sync; their answers wait in line behind it."""
        line, reader, peer = connection.line, connection.reader, connection.peer
        try:
            while (
                connection.parked is None and not connection.is_line_full and (frame := reader.next_frame()) is not None
            ):
                response = self._dispatcher.handle(frame, peer)
                if isinstance(response, Parked):
                    self._park(connection, response)
                elif response is not None:
                    line.append(response)
        except (FramingError, MalformedMessage, CloseConnection) as error:
            line.append(str(error))
        except Exception:
            logger.exception("a request failed inside the broker; its connection is closed")
            line.append("internal error")
        reader.keep()
        if connection.is_line_full and connection.parked is None and not connection.outgoing:
            self._set_interest(connection, QUIET)

    def _end_turn(self, connection: Connection, reason: str | None) -> None:
        """Close the connection for a reason, or put aside what has come of its next request."""
        if reason is not None:
            self._close(connection, reason)
        elif not connection.closed:
            connection.reader.keep()
            if connection.peer.connection.mute_until_s:
                self._mute(connection)

    def _mute(self, connection: Connection) -> None:
        """A client above its quota: once its answer is out, nothing is read from it for a while (KIP-219)."""
        if connection.parked is not None or connection.outgoing:
            return
        self._set_interest(connection, QUIET)

        def listen_again() -> None:
            connection.peer.connection.mute_until_s = 0.0
            if not connection.closed and not self._draining and connection.parked is None and not connection.outgoing:
                self._go_on(connection)

        self._broker.timers.schedule(connection.peer.connection.mute_until_s, listen_again)

    # --- sending ---------------------------------------------------------------------------------------------------

    def _continue_sending(self, connection: Connection) -> None:
        """Send more of a response; when all is sent, go on with the requests that have come meanwhile."""
        self._send_outgoing(connection)
        if connection.closed or connection.outgoing:
            return
        if connection.line:
            self._advance(connection)
        elif self._draining:
            self._close(connection)
        else:
            self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """An answer is out: read on, unless the client is to wait."""
        if connection.peer.connection.mute_until_s:
            self._mute(connection)
            return
        self._set_interest(connection, READ)
        self._serve_kept(connection)

    def _serve_kept(self, connection: Connection) -> None:
        connection.reader.resume()
        if connection.line:
            self._serve_in_line(connection)
        else:
            self._serve(connection)
        if connection.tls is not None:
            self._receive_pending(connection, connection.tls)

    # --- parked requests -------------------------------------------------------------------------------------------

    def _park(self, connection: Connection, parked: Parked) -> None:
        in_line = parked.in_line and connection.tls is None  # what TLS has decrypted is not woken for
        if in_line or connection.line:
            connection.line.append(parked)
        if not in_line:
            connection.parked = parked
        parked.deferred.notify(lambda _: self._resumable.append(connection))

    def _advance(self, connection: Connection) -> None:
        """Send the answers at the head of the line that are there; when there is room in it, read on."""
        line = connection.line
        connection.active_s = self._now_s
        while line and not connection.closed and not connection.outgoing:
            answer = line[0]
            if isinstance(answer, Parked) and not answer.deferred.done:
                break
            line.popleft()
            if isinstance(answer, str):
                self._close(connection, answer)
            else:
                self._send(connection, answer.encode() if isinstance(answer, Parked) else answer)
        if connection.closed or connection.outgoing:
            return
        if not line:
            connection.parked = None
            if self._draining or connection.peer.connection.closing:
                self._close(connection)
            else:
                self._go_on(connection)
        elif connection.parked is None and not connection.is_line_full and not self._draining:
            self._set_interest(connection, READ)
            self._serve_kept(connection)

    def _resume(self, connection: Connection) -> None:
        """The response of a parked request is there: send it, and go on with the connection."""
        if connection.closed:
            return
        if connection.line:
            if not connection.outgoing:
                self._advance(connection)
            return
        if connection.parked is None:
            if connection.tls is not None and not connection.outgoing:
                self._receive(connection)
            return
        parked, connection.parked = connection.parked, None
        connection.active_s = self._now_s
        self._send(connection, parked.encode())
        if connection.peer.connection.closing:
            self._close(connection)
        elif not connection.closed and not connection.outgoing:
            self._go_on(connection)
