"""A raw connection to a broker, for what no client library would send."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any, Self, TypeVar

from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.storage.batch import build_batch
from tests.pylog_broker.handlers.local_broker import decode, frame

M = TypeVar("M", bound=Message)
TIMEOUT_S = 10


class Wire:
    """One TCP connection."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, request: Message, version: int) -> None:
        self.send(framed(request, version))

    def response(self, request: Message, version: int) -> Any:
        size = self.receive(4)
        return decode(size + self.receive(*struct.unpack(">i", size)), request, version)

    def call(self, request: Message, version: int) -> Any:
        self.request(request, version)
        return self.response(request, version)

    def receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed by the broker")
            data += piece
        return bytes(data)

    def is_closed_by_peer(self) -> bool:
        """Read until the broker closes; False when it does not within the timeout."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def framed(request: Message, version: int) -> bytes:
    """A whole request with its size."""
    body = frame(request, version)
    return struct.pack(">i", len(body)) + body


def produce_request(topic: str, values: list[bytes], *, timestamp_ms: int, acks: int = 1) -> ProduceRequest:
    records = bytes(build_batch([(None, value) for value in values], timestamp_ms=timestamp_ms))
    return ProduceRequest(
        acks=acks,
        timeout_ms=1000,
        topic_data=[ProduceRequestTopic(topic, partition_data=[ProduceRequestPartition(0, records)])],
    )
