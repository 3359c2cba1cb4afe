"""One STOMP connection through stomp.py, whose receiver thread calls the handlers.

A link that is lost stays lost: whoever uses it makes a new one. It never connects a second time by itself and never sleeps. Handlers must
neither block nor raise: stomp.py drops the connection when one does.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
from collections.abc import Callable
from typing import Any

from stomp.exception import StompException
from stomp.listener import ConnectionListener
from stomp.protocol import Protocol12
from stomp.transport import Transport

from harness.adapters.activemq import frames
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

CONNECT_TIMEOUT_S = 2.0
RECEIPT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
RECV_BYTES = 65536  # stomp.py reads 1 KiB at a time unless told otherwise

logging.getLogger("stomp.py").addHandler(logging.NullHandler())  # what it would log is raised here

Frame = Any  # stomp.utils.Frame; stomp.py has no types
OnFrame = Callable[[Frame], None]


def _ignore(_frame: Frame) -> None:
    pass


class Link(ConnectionListener):  # type: ignore[misc]
    """Frames go out with ``send``, in the order of the calls; what comes in goes to the handlers.

    ``on_receipt`` gets the name of each receipt that ``ask`` does not wait for.
    """

    def __init__(
        self,
        broker: BrokerInfo,
        *,
        on_message: OnFrame = _ignore,
        on_receipt: Callable[[str], None] = lambda _name: None,
        on_error: OnFrame = _ignore,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.lost = ""  # why it is no longer usable; empty while it is
        self._address = broker.address
        self._access = broker.access
        self._handle_message = on_message
        self._handle_receipt = on_receipt
        self._handle_error = on_error
        self._handle_lost = on_lost
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self._connected = False
        self._awaited: dict[str, str | None] = {}  # receipt -> None until it comes, then "" or the error's text
        self._transport = Transport(
            host_and_ports=[(broker.host, broker.port)],
            prefer_localhost=False,
            try_loopback_connect=False,
            reconnect_attempts_max=1,
            reconnect_sleep_initial=0.0,
            reconnect_sleep_jitter=0.0,
            timeout=CONNECT_TIMEOUT_S,
            auto_decode=False,
            recv_bytes=RECV_BYTES,
        )
        if broker.access.tls:
            self._encrypt(broker)

    def _encrypt(self, broker: BrokerInfo) -> None:
        """stomp.py builds its context from files and checks certificate and host; the system's authorities it has to be told of."""
        access = broker.access
        self._transport.set_ssl(
            for_hosts=[(broker.host, broker.port)],
            ca_certs=access.ca_file or ssl.get_default_verify_paths().cafile,
            cert_file=access.cert_file or None,
            key_file=access.key_file or None,
            verify=access.verify,
        )

    def open(self) -> None:
        """Connect. Raises BrokerUnavailable within about ``CONNECT_TIMEOUT_S``."""
        self._transport.set_listener("link", self)
        try:
            self._transport.start()
            protocol = Protocol12(self._transport, heartbeats=(0, 0))
            protocol.connect(self._access.username or None, self._access.password or None, wait=False)
        except (StompException, OSError) as problem:
            self.fail(f"does not answer ({str(problem) or 'connection refused'})")
            self._drop()
            raise BrokerUnavailable(self.lost) from problem
        with self._news:
            self._news.wait_for(lambda: self._connected or self.lost != "", CONNECT_TIMEOUT_S)
            connected = self._connected
        if not connected:
            self.fail("it accepts connections but does not answer")
            self._drop()
            raise BrokerUnavailable(self.lost)

    def check(self) -> None:
        """Raises BrokerUnavailable once the link is lost."""
        if self.lost:
            raise BrokerUnavailable(self.lost)

    def fail(self, why: str) -> None:
        """Call it lost, for the first reason that is given. Any thread."""
        with self._lock:
            if self.lost:
                return
            self.lost = f"ActiveMQ at {self._address}: {why}"
        with self._news:
            self._news.notify_all()
        self._handle_lost()

    def send(self, data: bytes) -> None:
        """Write whole frames. May block while the broker does not read. Raises BrokerUnavailable."""
        self.check()
        try:
            self._transport.send(data)
        except (StompException, OSError, AttributeError) as problem:  # AttributeError: the socket went in between
            self.fail(f"connection lost while sending ({problem})")
            raise BrokerUnavailable(self.lost) from problem

    def ask(self, receipt: str, data: bytes, timeout_s: float = RECEIPT_TIMEOUT_S) -> str:
        """Send frames of which one asks for this receipt, and wait for it. Returns the error's text, or nothing."""
        return self.ask_all([receipt], data, timeout_s)[0]

    def ask_all(self, receipts: list[str], data: bytes, timeout_s: float = RECEIPT_TIMEOUT_S) -> list[str]:
        """The same for several receipts. Raises BrokerUnavailable when they do not come."""
        with self._news:
            self._awaited.update(dict.fromkeys(receipts))
        self.send(data)
        with self._news:
            self._news.wait_for(
                lambda: self.lost != "" or all(self._awaited[name] is not None for name in receipts), timeout_s
            )
            answers = [self._awaited.pop(name) for name in receipts]
        self.check()
        if None in answers:
            self.fail(f"no receipt within {timeout_s:g} s")
            self._drop()
            self.check()
        return [answer or "" for answer in answers]

    def close(self) -> None:
        """Leave in order: what was sent before is dealt with first. Falls back to ``abort``."""
        if not self.lost:
            with contextlib.suppress(BrokerUnavailable):
                self.ask("bye", frames.frame("DISCONNECT", [("receipt", "bye")]), CLOSE_TIMEOUT_S)
        self.fail("the connection was closed by its owner")
        self._drop()

    def abort(self) -> None:
        """Drop the TCP connection without a word, as a crash does."""
        self.fail("the connection was dropped by its owner")
        self._drop()

    def _drop(self) -> None:
        with contextlib.suppress(Exception):  # already gone
            self._transport.disconnect_socket()
        thread = self._transport.io_thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_TIMEOUT_S)

    # -- on stomp.py's receiver thread ------------------------------------------------------------------------------

    def on_connected(self, frame: Frame) -> None:
        with self._news:
            self._connected = True
            self._news.notify_all()

    def on_disconnected(self) -> None:
        self.fail("connection lost")

    def on_message(self, frame: Frame) -> None:
        self._handle_message(frame)

    def on_receipt(self, frame: Frame) -> None:
        name = frame.headers.get("receipt-id", "")
        if not self._answered(name, ""):
            self._handle_receipt(name)

    def on_error(self, frame: Frame) -> None:
        if not self._connected:  # the answer to CONNECT: a login that is not welcome
            self.fail(error_text(frame))
        elif not self._answered(frame.headers.get("receipt-id", ""), error_text(frame)):
            self._handle_error(frame)

    def _answered(self, name: str, answer: str) -> bool:
        """Whether somebody waits in ``ask`` for this receipt."""
        with self._news:
            if name not in self._awaited:
                return False
            self._awaited[name] = answer
            self._news.notify_all()
            return True


def error_text(frame: Frame) -> str:
    """The message of an ERROR frame, short."""
    return f"refused by the broker: {frame.headers.get('message', 'ERROR')[:200]}"
