"""One connection to RabbitMQ on a thread of its own.

pika's SelectConnection is driven by that thread alone; others hand it finished frames with ``send`` and small actions with ``call``. A link
that is lost stays lost: whoever uses it makes a new one. It never connects a second time by itself and never sleeps.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pika
from pika.exceptions import AMQPError, StreamLostError

from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

CONNECT_TIMEOUT_S = 2.0  # a restarting broker refuses at once; a frozen one is given up on after this
CLOSE_TIMEOUT_S = 3.0
BLOCKED_TIMEOUT_S = 30.0  # a broker out of memory or disk stops reading; longer than this is a lost connection
HEARTBEAT_S = 60  # RabbitMQ's default; a killed broker shows at once as a closed socket

GUEST = pika.PlainCredentials("guest", "guest")  # RabbitMQ's default user, let in from loopback only

Connection = Any  # pika.SelectConnection; pika's types are not checked
Prepare = Callable[[Connection], None]


def parameters(broker: BrokerInfo) -> pika.ConnectionParameters:
    """How every connection of this adapter is made: one attempt, no waiting between attempts."""
    access = broker.access
    return pika.ConnectionParameters(
        host=broker.host,
        port=broker.port,
        virtual_host=access.virtual_host,
        credentials=pika.PlainCredentials(access.username, access.password) if access.username else GUEST,
        ssl_options=pika.SSLOptions(access.tls_context(), broker.host) if access.tls else None,
        connection_attempts=1,
        retry_delay=0,
        socket_timeout=CONNECT_TIMEOUT_S,
        stack_timeout=CONNECT_TIMEOUT_S,
        heartbeat=HEARTBEAT_S,
        blocked_connection_timeout=BLOCKED_TIMEOUT_S,
    )


def describe(problem: BaseException) -> str:
    """The innermost cause: pika's errors often wrap others and say nothing themselves."""
    while True:
        wrapped = getattr(problem, "exceptions", None) or problem.args[:1]
        if not wrapped or not isinstance(wrapped[-1], BaseException):
            return str(problem) or type(problem).__name__
        problem = wrapped[-1]


class Link:
    """``prepare`` runs on the link's thread once the connection is open, and ends (at once or later) with ``opened``."""

    def __init__(self, broker: BrokerInfo, prepare: Prepare, on_lost: Callable[[], None]) -> None:
        self.lost = ""  # why it is no longer usable; empty while it is
        self.blocked = 0  # how often the broker said that it stops reading
        self._address = broker.address
        self._prepare = prepare
        self._on_lost = on_lost
        self._connection: Connection = None
        self._settled = threading.Event()  # opened, or lost
        self._lock = threading.Lock()
        self._outbox: list[bytes] = []
        self._parameters = parameters(broker)
        self._thread = threading.Thread(target=self._run, name=f"amqp-{broker.port}", daemon=True)

    def open(self) -> None:
        """Connect and prepare. Raises BrokerUnavailable within ``CONNECT_TIMEOUT_S``."""
        self._thread.start()
        if not self._settled.wait(CONNECT_TIMEOUT_S):
            self.fail("it accepts connections but does not answer")
            self.abort()
        if self.lost:
            self._thread.join(CLOSE_TIMEOUT_S)
            raise BrokerUnavailable(self.lost)

    def opened(self) -> None:
        """What ``prepare`` set up is ready."""
        self._settled.set()

    def fail(self, why: str) -> None:
        """Call it lost, for the first reason that is given. Any thread."""
        with self._lock:
            if self.lost:
                return
            self.lost = f"RabbitMQ at {self._address}: {why}"
        self._settled.set()
        self._on_lost()

    def check(self) -> None:
        """Raises BrokerUnavailable once the link is lost."""
        if self.lost:
            raise BrokerUnavailable(self.lost)

    def send(self, frames: bytes) -> None:
        """Hand frames over for writing; returns at once. Frames of one caller keep their order."""
        with self._lock:
            self._outbox.append(frames)
            if len(self._outbox) > 1:
                return  # the flush that takes the first takes these too
        self.call(self._flush)

    def call(self, action: Callable[[], None]) -> None:
        """Run an action on the link's thread, soon."""
        with contextlib.suppress(Exception):  # the loop is gone: ``lost`` says so
            self._connection.ioloop.add_callback_threadsafe(action)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run an action on the link's thread after a while. Only from that thread."""
        self._connection.ioloop.call_later(seconds, action)

    @property
    def frame_max(self) -> int:
        return int(self._connection.params.frame_max)

    def close(self) -> None:
        """Leave in order: what was handed over is written first. Falls back to ``abort``."""
        self.fail("the connection was closed by its owner")
        self.call(self._flush)
        self.call(self._close_in_order)
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            self.abort()

    def abort(self) -> None:
        """Drop the TCP connection without a word, as a crash does."""
        self.fail("the connection was dropped by its owner")
        self.call(self._drop)
        self._thread.join(CLOSE_TIMEOUT_S)

    # -- on the link's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_open_error,
                on_close_callback=self._on_close,
            )
            self._connection.ioloop.start()
        except Exception as problem:  # noqa: BLE001 - whatever broke the loop, the link is lost and says why
            self.fail(describe(problem))
        self.fail("the connection ended")
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.ioloop.close()

    def _on_open(self, connection: Connection) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        self._prepare(connection)

    def _on_blocked(self, _connection: Connection, _frame: object) -> None:
        self.blocked += 1

    def _on_open_error(self, connection: Connection, problem: BaseException) -> None:
        self.fail(describe(problem))
        connection.ioloop.stop()

    def _on_close(self, connection: Connection, problem: BaseException) -> None:
        self.fail(f"connection lost: {describe(problem)}")
        connection.ioloop.stop()

    def _flush(self) -> None:
        with self._lock:
            frames, self._outbox = self._outbox, []
        if frames and self._connection.is_open:
            self._connection._output_marshaled_frames([b"".join(frames)])

    def _close_in_order(self) -> None:
        try:
            self._connection.close()
        except AMQPError:
            self._drop()

    def _drop(self) -> None:
        if self._connection.is_closed:
            self._connection.ioloop.stop()
        else:
            self._connection._terminate_stream(StreamLostError(self.lost))  # closes the socket, nothing else
