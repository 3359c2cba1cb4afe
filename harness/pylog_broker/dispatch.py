"""From one request's bytes to its response's bytes: the header, the table of handlers, and nothing of sockets."""

from __future__ import annotations

import logging
import struct
from collections import Counter

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import (
    Api,
    Body,
    CloseConnection,
    ConnectionState,
    Deferred,
    InLine,
    RequestContext,
    SlicedBody,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.api_versions import (
    ApiVersionsResponse,
    ApiVersionsResponseApiVersion,
)
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.protocol.primitives import MalformedMessage, skip_tags
from harness.pylog_broker.storage.log import LogSlice

logger = logging.getLogger(__name__)

CONTROL_REQUEST_BYTES_MAX = 4 << 20
"""Requests without records become Python objects, many times their size: more than this is refused."""

API_VERSIONS_KEY = 18
BEFORE_AUTHENTICATION = frozenset({API_VERSIONS_KEY, 17, 36})
"""What a client may ask before it has authenticated: ApiVersions, SaslHandshake, SaslAuthenticate."""
LANE_BYTES_MAX = 512
"""Longer headers are parsed each time, so that what a connection remembers stays small."""


START_BYTES = 8  # API key, version, correlation id
_read_start = struct.Struct(">Ii").unpack_from
_HEADER = struct.Struct(">hhih")
_read_header = _HEADER.unpack_from
_RESPONSE_HEADER = struct.Struct(">ii")
_pack_response = _RESPONSE_HEADER.pack
_FLEXIBLE_RESPONSE_HEADER = struct.Struct(">iiB")
_pack_flexible_response = _FLEXIBLE_RESPONSE_HEADER.pack

Output = bytes | list[bytes | bytearray | LogSlice]
"""A whole response: bytes, or bytes and ranges of log files in turn."""


class Parked:
    """A request whose response comes later: `deferred` says when, `encode` makes it bytes then."""

    __slots__ = ("_correlation_id", "_flexible", "_version", "deferred")

    def __init__(self, deferred: Deferred, version: int, correlation_id: int, flexible: bool) -> None:
        self.deferred = deferred
        self._version = version
        self._correlation_id = correlation_id
        self._flexible = flexible

    @property
    def in_line(self) -> bool:
        """Whether later requests may be served while this response is waited for."""
        return isinstance(self.deferred, InLine)

    def encode(self) -> Output:
        """The bytes of the response, once the deferred is done."""
        response = self.deferred.response
        assert response is not None
        return encode_response(response, self._version, self._correlation_id, self._flexible)


class Lane:
    """A request header as this connection has sent it before, all but the correlation id.

    Clients send the same header again and again; recognised by one comparison, it is not parsed again.
    """

    __slots__ = ("context", "end", "flexible_response", "handle", "request", "served", "tail")

    def __init__(self, tail: bytes, end: int, context: RequestContext, api: Api, flexible_response: bool) -> None:
        self.tail = tail
        """What stands between the correlation id and the body."""
        self.end = end
        """Where the body begins."""
        self.context = context
        self.handle = api.handle
        self.request = api.request
        self.flexible_response = flexible_response
        self.served = 0
        """Requests that came with this header."""


class Peer:
    """What the dispatcher knows about the connection a request came on."""

    __slots__ = ("connection", "lanes")

    def __init__(self, connection: ConnectionState) -> None:
        self.connection = connection
        self.lanes: dict[int, Lane] = {}
        """By API key and version, as the first four bytes of a request say them."""

    def served(self) -> Counter[int]:
        """Requests on this connection, by API key."""
        counts: Counter[int] = Counter()
        for key_and_version, lane in self.lanes.items():
            counts[key_and_version >> 16] += lane.served
        return counts

    @property
    def client_id(self) -> str | None:
        """The name that the client gave itself, if it has sent anything yet."""
        return next((lane.context.client_id for lane in self.lanes.values()), None)


def encode_response(response: Body, version: int, correlation_id: int, flexible: bool) -> Output:
    """Size, response header (v1 where `flexible`, else v0) and body."""
    if isinstance(response, SlicedBody):
        size = response.size_bytes + (5 if flexible else 4)
        head = _pack_flexible_response(size, correlation_id, 0) if flexible else _pack_response(size, correlation_id)
        return [head, *response.parts]
    body = response.encode(version) if isinstance(response, Message) else response
    if flexible:
        return _pack_flexible_response(len(body) + 5, correlation_id, 0) + body
    return _pack_response(len(body) + 4, correlation_id) + body


class Dispatcher:
    """Routes requests to handlers."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handle(self, frame: memoryview, peer: Peer) -> Output | Parked | None:
        """Answer one request; None where there is no response (Produce with acks=0).

        Raises CloseConnection for a key or version that was never advertised and for anything a handler refuses so,
        MalformedMessage for bytes that are not the claimed message. The frame has at least eight bytes.
        """
        key_and_version, correlation_id = _read_start(frame)
        lane = peer.lanes.get(key_and_version)
        if lane is None or frame[START_BYTES : lane.end].tobytes() != lane.tail:  # bytes are compared faster than views
            parsed = self._parse_header(frame, peer)
            if parsed is None:
                return self._refuse_version(correlation_id)
            lane = parsed
        context = lane.context
        lane.served += 1
        if lane.request is None:
            reply = lane.handle(context, frame[lane.end :])
        elif len(frame) <= CONTROL_REQUEST_BYTES_MAX:
            reply = lane.handle(context, lane.request.decode(frame, context.version, lane.end))
        else:
            raise CloseConnection(
                f"a request of {len(frame)} bytes; those without records have at most {CONTROL_REQUEST_BYTES_MAX}"
            )
        if reply.__class__ is bytes:
            if lane.flexible_response:
                return _pack_flexible_response(len(reply) + 5, correlation_id, 0) + reply
            return _pack_response(len(reply) + 4, correlation_id) + reply
        if reply is None:
            return None
        if isinstance(reply, Deferred):
            if reply.response is None:
                return Parked(reply, context.version, correlation_id, lane.flexible_response)
            reply = reply.response
        return encode_response(reply, context.version, correlation_id, lane.flexible_response)

    def _parse_header(self, frame: memoryview, peer: Peer) -> Lane | None:
        """The lane of a header that is new on this connection; None for an ApiVersions version that is not known."""
        try:
            api_key, version, _, client_id_length = _read_header(frame)
        except struct.error:
            raise MalformedMessage(f"a request of {len(frame)} bytes is shorter than its header") from None
        api = self._broker.apis.get(api_key)
        if api is None:
            raise CloseConnection(f"API key {api_key} is not supported")
        if peer.connection.principal is None and api_key not in BEFORE_AUTHENTICATION:
            raise CloseConnection(f"{api.name} before authentication")
        if not api.min_version <= version <= api.max_version:
            if api_key == API_VERSIONS_KEY:
                return None
            raise CloseConnection(f"{api.name} version {version} is not supported")
        position = _HEADER.size + max(0, client_id_length)
        if position > len(frame) or client_id_length < -1:
            raise MalformedMessage(f"a client id of {client_id_length} bytes does not fit into the request")
        client_id = str(frame[_HEADER.size : position], "utf-8", "replace") if client_id_length >= 0 else None
        end = skip_tags(frame, position) if version >= api.flexible_from else position
        # ApiVersions answers with header v0 always: the client does not know the broker's versions yet (KIP-511).
        flexible_response = version >= api.flexible_from and api_key != API_VERSIONS_KEY
        context = RequestContext(self._broker, version, client_id, peer.connection)
        lane = Lane(bytes(frame[START_BYTES:end]), end, context, api, flexible_response)
        if end <= LANE_BYTES_MAX:
            key_and_version = _read_start(frame)[0]
            earlier = peer.lanes.get(key_and_version)
            lane.served = earlier.served if earlier is not None else 0
            peer.lanes[key_and_version] = lane
        return lane

    def _refuse_version(self, correlation_id: int) -> bytes:
        """An ApiVersions request newer than ours: version 0 of the response, so that the client can step down."""
        own = self._broker.apis[API_VERSIONS_KEY]
        body = ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersionsResponseApiVersion(API_VERSIONS_KEY, own.min_version, own.max_version)],
        ).encode(0)
        return _pack_response(len(body) + 4, correlation_id) + body
