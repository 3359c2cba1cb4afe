"""A broker without sockets: requests in, decoded responses out, with clocks that tests move."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any, TypeVar

from harness.pylog_broker.broker import Broker, Endpoint
from harness.pylog_broker.config import build_config
from harness.pylog_broker.dispatch import Dispatcher, Parked, Peer
from harness.pylog_broker.handlers import ConnectionState, Handlers
from harness.pylog_broker.protocol.generated.index import APIS
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.protocol.primitives import skip_tags, write_string
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.disk_worker import InlineWorker
from harness.pylog_broker.storage.filesystem import FileSystem
from harness.pylog_broker.storage.log import LogSlice

NOW_MS = 1_790_000_000_000
CORRELATION_ID = 77

M = TypeVar("M", bound=Message)


class LocalBroker:
    """One broker and one connection to it."""

    def __init__(
        self, folder: Path, *, file_system: FileSystem | None = None, boot_id: str = "boot", **settings: str
    ) -> None:
        self.now_s = 1000.0
        self.now_ms = NOW_MS
        self.config = build_config({name.replace("_", "."): value for name, value in settings.items()})
        self.catalog = Catalog.open(
            folder,
            defaults=self.config.topic,
            clock=lambda: self.now_ms,
            file_system=file_system,
            worker=InlineWorker(),
            boot_id=boot_id,
        )
        self.broker = Broker(
            self.config,
            self.catalog,
            Endpoint("broker.example", 9092),
            Handlers(),
            wall_clock_s=lambda: self.now_ms / 1000,
            monotonic_clock_s=lambda: self.now_s,
        )
        self.dispatcher = Dispatcher(self.broker)
        self.peer = Peer(ConnectionState(1, "/127.0.0.1"))

    def close(self) -> None:
        self.broker.close()

    def advance(self, seconds: float) -> None:
        """Move both clocks and run what is due."""
        self.now_s += seconds
        self.now_ms += int(seconds * 1000)
        self.broker.timers.run_due(self.now_s)
        self.broker.waiters.run_ready()

    def send(self, request: Message, version: int, client_id: str | None = "test") -> Any:
        """What the dispatcher returns: bytes, parts, a parked request or None."""
        return self.dispatcher.handle(memoryview(frame(request, version, client_id)), self.peer)

    def call(self, request: Message, version: int) -> Any:
        """The decoded response."""
        output = self.send(request, version)
        assert not isinstance(output, Parked), "the request is parked"
        assert output is not None, "there is no response"
        return decode(output, request, version)


def frame(request: Message, version: int, client_id: str | None = "test") -> bytearray:
    """A request as it is on the wire, without its size."""
    out = bytearray(struct.pack(">hhi", request.API_KEY, version, CORRELATION_ID))
    write_string(out, client_id)
    if version >= request.FLEXIBLE_FROM:
        out.append(0)
    request.write(out, version)
    return out


def joined(output: Any) -> bytes:
    """A whole response as the peer receives it."""
    parts = [output] if isinstance(output, bytes) else output
    return b"".join(part.read() if isinstance(part, LogSlice) else part for part in parts)


def decode(output: Any, request: Message, version: int) -> Any:
    """Check size and header of a response, and decode its body to the last byte."""
    data = joined(output)
    size, correlation_id = struct.unpack_from(">ii", data)
    assert size == len(data) - 4
    assert correlation_id == CORRELATION_ID
    position = 8
    if version >= request.FLEXIBLE_FROM and request.API_KEY != 18:
        position = skip_tags(data, position)
    name, module, *_ = APIS[request.API_KEY]
    cls = getattr(importlib.import_module(f"harness.pylog_broker.protocol.generated.{module}"), name + "Response")
    response, end = cls.read(data, position, version)
    assert end == len(data), f"{len(data) - end} bytes follow the response"
    return response
