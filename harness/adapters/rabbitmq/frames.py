"""The frames that occur once a message, written straight to bytes: AMQP 0-9-1, section 4.2 (framing) and 1.8 (class basic).

pika marshals a publish through a dozen objects, which costs more than the rest of the client. What is here yields the same bytes (a test
compares them) and goes out through pika's own connection, many frames a write.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from pika import data, frame, spec

PERSISTENT = 2
TRANSIENT = 1

_HEADERS = 1 << 13
_DELIVERY_MODE = 1 << 12
_PRIORITY = 1 << 11
_EXPIRATION = 1 << 8
_MESSAGE_ID = 1 << 7
_FRAME_OVERHEAD = 8  # type, channel, size and the end octet
_END = b"\xce"
_CONTENT_HEADER = struct.Struct(">BHIHHQH")  # type, channel, size; class, weight, body size, property flags
_FRAME_START = struct.Struct(">BHI")
_ACK = struct.Struct(">BHIIQBB")
_REJECT = _ACK  # the same layout: method, delivery tag, one bit


class PublishFrames:
    """Frames of messages to one exchange and routing key, over one channel.

    ``frame_max`` is what the connection negotiated; longer bodies are split.
    """

    __slots__ = ("_body_max", "_channel", "_method", "_mode")

    def __init__(self, channel: int, exchange: str, routing_key: str, *, persistent: bool, frame_max: int) -> None:
        publish = spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True)
        self._method: bytes = frame.Method(channel, publish).marshal()
        self._channel = channel
        self._mode = PERSISTENT if persistent else TRANSIENT
        self._body_max = frame_max - _FRAME_OVERHEAD

    def message(
        self, payload: bytes, message_id: bytes, *, priority: int = 0, expiration_ms: int = 0, headers: bytes = b""
    ) -> bytes:
        """Method, content header and body frames of one message. ``headers`` is an encoded table (``encode_headers``)."""
        flags = _DELIVERY_MODE | _MESSAGE_ID
        properties = bytes((self._mode,))
        if headers:
            flags |= _HEADERS
            properties = headers + properties
        if priority:
            flags |= _PRIORITY
            properties += bytes((priority,))
        if expiration_ms:
            flags |= _EXPIRATION
            text = b"%d" % expiration_ms
            properties += bytes((len(text),)) + text
        properties += bytes((len(message_id),)) + message_id
        size = len(payload)
        content = _CONTENT_HEADER.pack(
            spec.FRAME_HEADER, self._channel, 14 + len(properties), spec.Basic.INDEX, 0, size, flags
        )
        start = self._method + content + properties + _END
        if size <= self._body_max:
            if not size:
                return start
            return start + _FRAME_START.pack(spec.FRAME_BODY, self._channel, size) + payload + _END
        pieces = [start]
        for place in range(0, size, self._body_max):
            piece = payload[place : place + self._body_max]
            pieces += [_FRAME_START.pack(spec.FRAME_BODY, self._channel, len(piece)), piece, _END]
        return b"".join(pieces)


def encode_headers(values: Mapping[str, int]) -> bytes:
    """A header table (AMQP 0-9-1, section 4.2.5.5) of integers; empty for none."""
    if not values:
        return b""
    pieces: list[bytes] = []
    data.encode_table(pieces, dict(values))
    return b"".join(pieces)


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """basic.ack: the tag, or every unacknowledged one up to it."""
    return _ACK.pack(spec.FRAME_METHOD, channel, 13, spec.Basic.Ack.INDEX, tag, multiple, spec.FRAME_END)


def reject(channel: int, tag: int, *, requeue: bool) -> bytes:
    """basic.reject: back to its queue, or to the queue's dead-letter exchange."""
    return _REJECT.pack(spec.FRAME_METHOD, channel, 13, spec.Basic.Reject.INDEX, tag, requeue, spec.FRAME_END)
