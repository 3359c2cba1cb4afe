"""From one request's bytes to its response's bytes: the header, the table of handlers, and nothing of sockets."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import (
    Api,
    Body,
    CloseConnection,
    ConnectionState,
    Deferred,
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
CLIENT_ID_BYTES_MAX = 32_767

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

    def encode(self) -> Output:
        """The bytes of the response, once the deferred is done."""
        response = self.deferred.response
        assert response is not None
        return encode_response(response, self._version, self._correlation_id, self._flexible)


@dataclass(slots=True)
class Peer:
    """What the dispatcher knows about the connection a request came on."""

    connection: ConnectionState
    client_id_bytes: bytes = b""
    client_id: str | None = None
    contexts: dict[int, RequestContext] | None = None
    """Contexts by API version, for the client id seen last: they are the same from request to request."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the dispatcher needs of an `Api`, looked up once."""

    api: Api
    min_version: int
    max_version: int
    flexible_from: int
    flexible_response_from: int


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
        self._routes = {key: _route(api) for key, api in broker.apis.items()}

    def handle(self, frame: memoryview, peer: Peer) -> Output | Parked | None:
        """Answer one request; None where there is no response (Produce with acks=0).

        Raises CloseConnection for a key or version that was never advertised and for anything a handler refuses so,
        MalformedMessage for bytes that are not the claimed message.
        """
        try:
            api_key, version, correlation_id, client_id_length = _read_header(frame)
        except struct.error:
            raise MalformedMessage(f"a request of {len(frame)} bytes is shorter than its header") from None
        route = self._routes.get(api_key)
        if route is None:
            raise CloseConnection(f"API key {api_key} is not supported")
        if not route.min_version <= version <= route.max_version:
            if api_key == API_VERSIONS_KEY:
                return self._refuse_version(correlation_id)
            raise CloseConnection(f"{route.api.name} version {version} is not supported")
        position = 10 + client_id_length if client_id_length > 0 else 10
        if position > len(frame) or client_id_length < -1:
            raise MalformedMessage(f"a client id of {client_id_length} bytes does not fit into the request")
        context = peer.contexts.get(version) if peer.contexts is not None else None
        if context is None or frame[10:position] != peer.client_id_bytes:
            context = self._new_context(peer, version, client_id_length, frame[10:position])
        if version >= route.flexible_from:
            position = position + 1 if frame[position : position + 1] == b"\0" else skip_tags(frame, position)
        reply = route.api.handle(context, self._parse(route, frame, position, version))
        if reply is None:
            return None
        flexible = version >= route.flexible_response_from
        if isinstance(reply, Deferred):
            if reply.response is None:
                return Parked(reply, version, correlation_id, flexible)
            reply = reply.response
        return encode_response(reply, version, correlation_id, flexible)

    def _parse(self, route: Route, frame: memoryview, position: int, version: int) -> Message | memoryview:
        request = route.api.request
        if request is None:
            return frame[position:]
        if len(frame) > CONTROL_REQUEST_BYTES_MAX:
            raise CloseConnection(
                f"{route.api.name} request of {len(frame)} bytes; requests without records have at most "
                f"{CONTROL_REQUEST_BYTES_MAX}"
            )
        return request.decode(frame, version, position)

    def _new_context(self, peer: Peer, version: int, client_id_length: int, client_id: memoryview) -> RequestContext:
        encoded = bytes(client_id)
        if peer.contexts is None or encoded != peer.client_id_bytes:
            peer.contexts = {}
            peer.client_id_bytes = encoded
        name = encoded.decode("utf-8", "replace") if client_id_length >= 0 else None
        context = RequestContext(self._broker, version, name, peer.connection)
        peer.contexts[version] = context
        return context

    def _refuse_version(self, correlation_id: int) -> bytes:
        """An ApiVersions request newer than ours: version 0 of the response, so that the client can step down."""
        own = self._routes[API_VERSIONS_KEY]
        body = ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersionsResponseApiVersion(API_VERSIONS_KEY, own.min_version, own.max_version)],
        ).encode(0)
        return _pack_response(len(body) + 4, correlation_id) + body


def _route(api: Api) -> Route:
    flexible_from = api.flexible_from
    # ApiVersions answers with header v0 always: the client does not know the broker's versions yet (KIP-511).
    flexible_response_from = 1 << 15 if api.key == API_VERSIONS_KEY else flexible_from
    return Route(api, api.min_version, api.max_version, flexible_from, flexible_response_from)
