"""The greetings against peers that are not what they should be; the real ones are greeted in tests/integration/brokers."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from harness.brokers import handshake
from harness.brokers.handshake import Greet, NotReady, Refused

GREETINGS = [handshake.kafka, handshake.amqp, handshake.stomp]


@contextlib.contextmanager
def peer(*answers: bytes, hold: bool = False) -> Iterator[int]:
    """A listener that answers each thing it reads with the next of ``answers``, then closes, or holds the line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve() -> None:
            link, _ = listener.accept()
            with link, contextlib.suppress(OSError):
                for answer in answers:
                    link.recv(4096)
                    link.sendall(answer)
                if hold:
                    over.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join(10)


@pytest.mark.parametrize("greet", GREETINGS)
@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00", b"\xff" * 64],
)
def test_another_protocol_is_not_ready(greet: Greet, answer: bytes) -> None:
    with peer(answer) as port, pytest.raises(NotReady):
        greet("127.0.0.1", port, 2.0)


@pytest.mark.parametrize("greet", GREETINGS)
def test_silence_is_not_ready_within_the_time_given(greet: Greet) -> None:
    with peer(b"", hold=True) as port, pytest.raises(NotReady, match="no answer"):
        greet("127.0.0.1", port, 0.05)


@pytest.mark.parametrize("greet", GREETINGS)
def test_nobody_there_is_not_ready(greet: Greet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotReady, match="refused"):
        greet("127.0.0.1", port, 1.0)


def kafka_answers(metadata: bytes, first: int) -> list[bytes]:
    versions = struct.pack(">hi", 0, 0)
    return [
        struct.pack(">ii", 4 + len(body), first + number) + body for number, body in enumerate((versions, metadata))
    ]


@pytest.fixture
def correlation(monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of the next request."""
    monkeypatch.setattr(handshake, "_correlation", iter([41, 42]))
    return 41


BROKER = struct.pack(">ih", 1, 9) + b"127.0.0.1" + struct.pack(">ih", 9092, -1)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (struct.pack(">ii", 0, 1), "no live broker"),
        (struct.pack(">i", 1) + BROKER + struct.pack(">i", -1), "no controller"),
        (struct.pack(">i", 1) + BROKER[:10], "cannot be read"),
    ],
)
def test_a_kafka_that_is_fenced_or_leaderless_is_not_ready(correlation: int, metadata: bytes, complaint: str) -> None:
    with peer(*kafka_answers(metadata, correlation)) as port, pytest.raises(NotReady, match=complaint):
        handshake.kafka("127.0.0.1", port, 2.0)


def test_a_kafka_that_lists_itself_is_ready(correlation: int) -> None:
    metadata = struct.pack(">i", 1) + BROKER + struct.pack(">i", 1)
    with peer(*kafka_answers(metadata, correlation)) as port:
        handshake.kafka("127.0.0.1", port, 2.0)


def test_a_kafka_that_answers_another_request_is_not_ready(correlation: int) -> None:
    with peer(*kafka_answers(b"", correlation + 7)) as port, pytest.raises(NotReady, match="another request"):
        handshake.kafka("127.0.0.1", port, 2.0)


def amqp_frame(method: tuple[int, int], arguments: bytes) -> bytes:
    payload = struct.pack(">HH", *method) + arguments
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"


def field(name: bytes, kind: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + kind + struct.pack(">I", len(value)) + value


def table(*fields: bytes) -> bytes:
    joined = b"".join(fields)
    return struct.pack(">I", len(joined)) + joined


def test_amqp_tells_product_and_version_past_a_table_of_capabilities() -> None:
    capabilities = bytes([2]) + b"ok" + b"t\x01"
    start = b"\x00\x09" + table(
        field(b"capabilities", b"F", capabilities),
        field(b"product", b"S", b"RabbitMQ"),
        field(b"version", b"S", b"4.0.5"),
    )
    answers = (
        amqp_frame((10, 10), start),
        amqp_frame((10, 30), struct.pack(">HIH", 2047, 131072, 60)) + amqp_frame((10, 41), b"\x00"),
        amqp_frame((10, 51), b""),
    )
    with peer(*answers, hold=True) as port:
        greeting = handshake.amqp("127.0.0.1", port, 2.0)
    assert (greeting.product, greeting.version) == ("RabbitMQ", "4.0.5")


def test_amqp_that_refuses_says_why() -> None:
    reason = b"ACCESS_REFUSED - Login was refused"
    close = struct.pack(">H", 403) + bytes([len(reason)]) + reason + struct.pack(">HH", 0, 0)
    answers = (amqp_frame((10, 10), b"\x00\x09" + table(field(b"version", b"S", b"3.13"))), amqp_frame((10, 50), close))
    with peer(*answers, hold=True) as port, pytest.raises(Refused, match="Login was refused"):
        handshake.amqp("127.0.0.1", port, 2.0)


def test_stomp_tells_product_and_version() -> None:
    with peer(b"CONNECTED\nserver:ActiveMQ/6.3.1\nversion:1.2\n\n\x00\n") as port:
        greeting = handshake.stomp("127.0.0.1", port, 2.0)
    assert (greeting.product, greeting.version) == ("ActiveMQ", "6.3.1")


def test_stomp_that_refuses_is_not_ready() -> None:
    with peer(b"ERROR\nmessage:no\n\n\x00") as port, pytest.raises(Refused, match=r"ERROR.*no"):
        handshake.stomp("127.0.0.1", port, 2.0)
