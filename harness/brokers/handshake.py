"""Is it really ready? A first exchange in each protocol, as small as it can be, that only a working broker answers.

Used at start (polled, so it must be cheap and quiet) and by ``harness doctor`` on addresses a person gave. The
adapters talk with real client libraries; this asks less and says more precisely what came back.
"""

from __future__ import annotations

import itertools
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

from harness.model.broker import Access

FRAME_LIMIT_BYTES = 1 << 20  # no broker greets with more
KAFKA_API_VERSIONS = 18
KAFKA_METADATA = 3
AMQP_METHOD_FRAME = 1
GUEST = "guest"  # RabbitMQ's default user, and its password
AMQP_END = b"\xce"

_correlation = itertools.count(1)


class NotReady(Exception):
    """It does not answer as it should; the text says what came back instead."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the broker says it is; empty where its protocol does not tell."""

    product: str = ""
    version: str = ""


class Refused(NotReady):
    """It speaks its protocol and refuses this login."""


ANYONE = Access()


class Greet(Protocol):
    """The first exchange of a protocol. Raises NotReady; Refused where the broker speaks and does not want this login."""

    def __call__(self, host: str, port: int, timeout_s: float, access: Access = ANYONE, /) -> Greeting: ...


def kafka(host: str, port: int, timeout_s: float, access: Access = ANYONE, /) -> Greeting:
    """ApiVersions v0 and Metadata v1 (Kafka protocol): ready when it lists itself as a live broker and knows a controller.

    Where clients have to log in, ApiVersions is all that is answered before, and enough.
    """
    with _connect(host, port, timeout_s, access) as link:
        versions = _kafka_call(link, KAFKA_API_VERSIONS, 0, b"")
        if len(versions) < 6 or struct.unpack_from(">h", versions)[0] != 0:
            raise NotReady("ApiVersions was refused")
        if access.mechanism:
            return Greeting()
        reply = _kafka_call(link, KAFKA_METADATA, 1, struct.pack(">i", 0))  # no topics
        brokers, controller = _kafka_brokers(reply)
        if not brokers:
            raise NotReady("it knows no live broker yet")
        if controller < 0:
            raise NotReady("it knows no controller yet")
    return Greeting()


def amqp(host: str, port: int, timeout_s: float, access: Access = ANYONE, /) -> Greeting:
    """AMQP 0-9-1 section 2.2.4: from the protocol header to an open virtual host, then a clean close."""
    login = f"\x00{access.username or GUEST}\x00{access.password if access.username else GUEST}".encode()
    with _connect(host, port, timeout_s, access) as link:
        link.sendall(b"AMQP\x00\x00\x09\x01")
        start = _amqp_method(link, (10, 10))
        properties = _amqp_strings(start[2:])
        greeting = Greeting(properties.get("product", ""), properties.get("version", ""))
        try:
            _amqp_open(link, login, access.virtual_host)
        except _Closed as closed:
            raise Refused(str(closed)) from None
    return greeting


def stomp(host: str, port: int, timeout_s: float, access: Access = ANYONE, /) -> Greeting:
    """STOMP 1.2 CONNECT, answered by CONNECTED with a ``server`` header such as ``ActiveMQ/6.3.1``."""
    login = f"login:{_stomp(access.username)}\npasscode:{_stomp(access.password)}\n" if access.username else ""
    with _connect(host, port, timeout_s, access) as link:
        link.sendall(f"CONNECT\naccept-version:1.2\nhost:{host}\nheart-beat:0,0\n{login}\n\x00".encode())
        frame = b""
        while b"\x00" not in frame:
            chunk = link.recv(4096)
            if not chunk or len(frame) > FRAME_LIMIT_BYTES:
                raise NotReady("the connection was closed before CONNECTED")
            frame += chunk
        command, *headers = frame.lstrip(b"\n").split(b"\n\n")[0].decode("utf-8", "replace").split("\n")
        if command.strip() != "CONNECTED":
            said = dict(header.strip().split(":", 1) for header in headers if ":" in header).get("message", "")
            text = f"it answered {command.strip()[:40]!r} instead of CONNECTED: {said[:200]}"
            raise Refused(text) if command.strip() == "ERROR" else NotReady(text)
        link.sendall(b"DISCONNECT\n\n\x00")
        server = dict(header.strip().split(":", 1) for header in headers if ":" in header).get("server", "")
    product, _, version = server.partition("/")
    return Greeting(product, version)


def _stomp(text: str) -> str:
    """A header's value (STOMP 1.2, Value Encoding); CONNECT leaves the colon alone and cannot carry the rest."""
    if any(character in text for character in "\r\n\0"):
        raise NotReady("a STOMP login holds no line breaks")
    return text


class _Link:
    """A socket that raises NotReady for everything that can go wrong with it."""

    def __init__(self, host: str, port: int, timeout_s: float, access: Access) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise NotReady(f"no connection to {host}:{port}: {error.strerror or error}") from None
        if access.tls:
            try:
                self._socket = access.tls_context().wrap_socket(self._socket, server_hostname=host)
            except OSError as error:
                self._socket.close()
                raise NotReady(f"no TLS connection to {host}:{port}: {error}") from None
        if self._socket.getsockname() == self._socket.getpeername():
            self._socket.close()
            raise NotReady("the connection met itself; nothing listens there")

    def __enter__(self) -> _Link:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def sendall(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NotReady(f"the connection broke: {error}") from None

    def recv(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except OSError as error:
            raise NotReady(f"no answer: {error}") from None

    def exactly(self, size: int) -> bytes:
        if size > FRAME_LIMIT_BYTES:
            raise NotReady(f"a frame of {size} bytes; this is some other protocol")
        data = b""
        while len(data) < size:
            chunk = self.recv(size - len(data))
            if not chunk:
                raise NotReady("the connection was closed in the middle of an answer")
            data += chunk
        return data


def _connect(host: str, port: int, timeout_s: float, access: Access) -> _Link:
    return _Link(host, port, timeout_s, access)


def _kafka_call(link: _Link, api: int, version: int, body: bytes) -> bytes:
    correlation = next(_correlation)
    client = b"harness"
    request = struct.pack(">hhih", api, version, correlation, len(client)) + client + body
    link.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", link.exactly(4))
    if size < 4:
        raise NotReady("an answer without a header; this is some other protocol")
    reply = link.exactly(size)
    if struct.unpack_from(">i", reply)[0] != correlation:
        raise NotReady("an answer to another request; this is some other protocol")
    return reply[4:]


def _kafka_brokers(reply: bytes) -> tuple[list[tuple[int, str, int]], int]:
    """Metadata v1: brokers as (node id, host, port), and the controller's node id."""
    try:
        (count,) = struct.unpack_from(">i", reply)
        offset = 4
        brokers = []
        for _ in range(count):
            node, size = struct.unpack_from(">ih", reply, offset)
            host = reply[offset + 6 : offset + 6 + size].decode()
            offset += 6 + size
            port, rack = struct.unpack_from(">ih", reply, offset)
            offset += 6 + max(rack, 0)
            brokers.append((node, host, port))
        return brokers, struct.unpack_from(">i", reply, offset)[0]
    except (struct.error, UnicodeDecodeError):
        raise NotReady("its Metadata answer cannot be read") from None


class _Closed(NotReady):
    """The peer closed the connection in order, and said why."""


def _amqp_open(link: _Link, login: bytes, virtual_host: str) -> None:
    start_ok = _amqp_long(b"") + _amqp_short(b"PLAIN") + _amqp_long(login) + _amqp_short(b"en_US")
    _amqp_send(link, (10, 11), start_ok)
    tune = _amqp_method(link, (10, 30))
    channels, frame, _ = struct.unpack_from(">HIH", tune)
    _amqp_send(link, (10, 31), struct.pack(">HIH", channels, frame, 0))
    _amqp_send(link, (10, 40), _amqp_short(virtual_host.encode()) + _amqp_short(b"") + b"\x00")
    _amqp_method(link, (10, 41))
    _amqp_send(link, (10, 50), struct.pack(">H", 200) + _amqp_short(b"") + struct.pack(">HH", 0, 0))
    _amqp_method(link, (10, 51))


def _amqp_send(link: _Link, method: tuple[int, int], arguments: bytes) -> None:
    payload = struct.pack(">HH", *method) + arguments
    link.sendall(struct.pack(">BHI", AMQP_METHOD_FRAME, 0, len(payload)) + payload + AMQP_END)


def _amqp_method(link: _Link, expected: tuple[int, int]) -> bytes:
    """The arguments of the next method frame, which must be ``expected``."""
    head = link.exactly(7)
    if head[:4] == b"AMQP":
        raise NotReady("it refuses AMQP 0-9-1")
    _, _, size = struct.unpack(">BHI", head)
    payload = link.exactly(size + 1)
    got = struct.unpack_from(">HH", payload)
    if got == (10, 50):  # connection.close: code and text
        text = payload[7 : 7 + payload[6]].decode("utf-8", "replace")
        raise _Closed(f"it closed the connection: {text}")
    if got != expected:
        raise NotReady(f"it sent AMQP method {got} where {expected} was due")
    return payload[4:-1]


def _amqp_strings(table: bytes) -> dict[str, str]:
    """The leading long-string fields of a field table (section 4.2.5.5), tables inside skipped."""
    (size,) = struct.unpack_from(">I", table)
    found: dict[str, str] = {}
    offset, end = 4, 4 + size
    while offset < end:
        length = table[offset]
        name = table[offset + 1 : offset + 1 + length].decode("utf-8", "replace")
        kind = table[offset + 1 + length : offset + 2 + length]
        offset += 2 + length
        if kind not in (b"S", b"F"):
            break
        (size,) = struct.unpack_from(">I", table, offset)
        if kind == b"S":
            found[name] = table[offset + 4 : offset + 4 + size].decode("utf-8", "replace")
        offset += 4 + size
    return found


def _amqp_short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _amqp_long(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text
