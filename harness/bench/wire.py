"""A Kafka client of a few bytes: one prepared Produce request, sent again and again on a plain socket.

It measures a broker without a client library in the way. Frames are of fixed, old versions that both brokers speak: CreateTopics 4,
Produce 7 (the last one before flexible encodings).
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass

import google_crc32c

PRODUCE, PRODUCE_VERSION = 0, 7
CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 4
NO_ERROR, UNKNOWN_TOPIC, NOT_LEADER, TOPIC_EXISTS = 0, 3, 6, 36
RETRIABLE = (UNKNOWN_TOPIC, 5, NOT_LEADER)
SOCKET_TIMEOUT_S = 10.0


class WireError(Exception):
    """The broker answered with an error code, or not as the protocol has it."""


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def frame(api_key: int, api_version: int, body: bytes, *, correlation_id: int = 1) -> bytes:
    """A whole request: size, header version 1, body."""
    header = struct.pack(">hhi", api_key, api_version, correlation_id) + _text("bench")
    return struct.pack(">i", len(header) + len(body)) + header + body


def _varint(value: int) -> bytes:
    """Zig-zag, for values that are not negative."""
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def record_batch(payload: bytes, count: int = 1) -> bytes:
    """`count` records without key, with `payload` as value, uncompressed, stamped with the present (message format v2)."""
    body = b""
    for offset in range(count):
        record = b"\0\0" + _varint(offset) + b"\x01" + _varint(len(payload)) + payload + b"\0"
        body += _varint(len(record)) + record
    now_ms = time.time_ns() // 1_000_000
    checked = struct.pack(">hiqqqhii", 0, count - 1, now_ms, now_ms, -1, -1, -1, count) + body
    crc = google_crc32c.value(checked)
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc) + checked


def produce_request(topic: str, partition: int, batch: bytes, *, acks: int = 1) -> bytes:
    """A Produce request with one batch for one partition."""
    body = struct.pack(">hhi", -1, acks, 30_000)  # no transactional id
    body += struct.pack(">i", 1) + _text(topic)
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    return frame(PRODUCE, PRODUCE_VERSION, body)


def create_topic_request(topic: str, partitions: int) -> bytes:
    """A CreateTopics request for one topic without replicas or settings."""
    body = struct.pack(">i", 1) + _text(topic) + struct.pack(">ihiii?", partitions, 1, 0, 0, 30_000, False)
    return frame(CREATE_TOPICS, CREATE_TOPICS_VERSION, body)


@dataclass(frozen=True, slots=True)
class Produced:
    """What a Produce response says of its one partition."""

    error_code: int
    base_offset: int


def parse_produced(response: bytes, topic: str) -> Produced:
    """The answer to `produce_request`, without its size field."""
    position = 4 + 4 + 2 + len(topic.encode()) + 4 + 4
    error_code, base_offset = struct.unpack_from(">hq", response, position)
    return Produced(error_code, base_offset)


class Connection:
    """A blocking connection with one request in flight."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=SOCKET_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, request: bytes) -> bytes:
        """Send a request and return the response without its size; raises WireError, OSError."""
        self._socket.sendall(request)
        data = self._socket.recv(65_536)
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            more = self._socket.recv(65_536)
            if not more:
                raise WireError("the broker closed the connection")
            data += more
        return data[4:]

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """Raises WireError when the broker refuses."""
        response = self.call(create_topic_request(topic, partitions))
        (error_code,) = struct.unpack_from(">h", response, 4 + 4 + 4 + 2 + len(topic.encode()))
        if error_code not in (NO_ERROR, TOPIC_EXISTS):
            raise WireError(f"CreateTopics of {topic}: error {error_code}")

    def first_acknowledged(self, topic: str, request: bytes, *, deadline_s: float = 30.0) -> int:
        """Send `request` until it is acknowledged, as long as the topic is not there yet; the base offset."""
        end = time.monotonic() + deadline_s
        while True:
            produced = parse_produced(self.call(request), topic)
            if produced.error_code == NO_ERROR:
                return produced.base_offset
            if produced.error_code not in RETRIABLE or time.monotonic() > end:
                raise WireError(f"Produce to {topic}: error {produced.error_code}")
            time.sleep(0.002)
