"""What a handler is: one API key, the versions it implements, and a flat function from request to response."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.pylog_broker.protocol.generated.index import APIS
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.security.listeners import ANONYMOUS, Listener, Protocol
from harness.pylog_broker.storage.log import LogSlice

if TYPE_CHECKING:
    from harness.pylog_broker.broker import Broker, Endpoint
    from harness.pylog_broker.handlers.produce import ProduceLane
    from harness.pylog_broker.security.sasl import Exchange


OPERATIONS_NOT_ASKED = -(2**31)
DEFAULT_LISTENER = Listener("PLAINTEXT", Protocol.PLAINTEXT, "127.0.0.1", 0)


class CloseConnection(Exception):
    """The request cannot be answered, or must not be: close the connection it came on. The message says why."""


class SlicedBody:
    """A response body of which parts lie in log files: bytes and file ranges in turn, never joined in memory."""

    __slots__ = ("parts", "size_bytes")

    def __init__(self, parts: list[bytes | bytearray | LogSlice], size_bytes: int) -> None:
        self.parts = parts
        self.size_bytes = size_bytes


Body = Message | bytes | bytearray | SlicedBody
"""A response: a message, encoded for the version of its request, or a body that is encoded already."""


class Deferred:
    """A response that is not known yet: a parked fetch, a JoinGroup that waits for the other members.

    The handler returns it, whoever completes it calls `complete(response)` exactly once, on the event loop's thread.
    The connection keeps its requests in order: what follows on the same connection waits for this one.
    """

    __slots__ = ("_on_complete", "cancelled", "on_cancel", "response")

    def __init__(self) -> None:
        self.response: Body | None = None
        self.cancelled = False
        self.on_cancel: Callable[[], None] | None = None
        """Called when the connection goes away first: drop the waiter."""
        self._on_complete: Callable[[Deferred], None] | None = None

    @property
    def done(self) -> bool:
        """Whether the response is there."""
        return self.response is not None

    def complete(self, response: Body) -> None:
        """Give the response; a second call, or one after the connection has gone, changes nothing."""
        if self.response is not None or self.cancelled:
            return
        self.response = response
        self.on_cancel = None  # it often refers back to here; without the cycle no garbage collection is needed
        if self._on_complete is not None:
            self._on_complete(self)

    def cancel(self) -> None:
        """The connection has gone: nobody waits for the response any more."""
        if self.response is not None or self.cancelled:
            return
        self.cancelled = True
        on_cancel, self.on_cancel = self.on_cancel, None
        if on_cancel is not None:
            on_cancel()

    def notify(self, on_complete: Callable[[Deferred], None]) -> None:
        """Have `on_complete` called with this once the response is there; at once if it is there already."""
        self._on_complete = on_complete
        if self.response is not None:
            on_complete(self)


class InLine(Deferred):
    """A response that holds up the responses behind it, but not their requests: these may be served meanwhile.

    For what was done and only waits to be made durable.
    """

    __slots__ = ()


class ConnectionState:
    """What handlers remember from one request of a connection to the next."""

    __slots__ = (
        "client_host",
        "closing",
        "connection_id",
        "endpoint",
        "exchange",
        "fetch_start",
        "listener",
        "mute_until_s",
        "on_close",
        "principal",
        "produce_lane",
    )

    def __init__(
        self,
        connection_id: int,
        client_host: str,
        *,
        listener: Listener = DEFAULT_LISTENER,
        endpoint: Endpoint | None = None,
        principal: str | None = ANONYMOUS,
    ) -> None:
        self.connection_id = connection_id
        """Unique for the life of the process."""
        self.client_host = client_host
        """The peer's address in Kafka's form: `/127.0.0.1`."""
        self.listener = listener
        """The listener it came in by."""
        self.endpoint = endpoint
        """What clients of that listener are told; None: the broker's own."""
        self.principal = principal
        """Who the client has shown to be, such as `User:alice`; None until a SASL listener has authenticated it."""
        self.exchange: Exchange | None = None
        """The SASL exchange under way."""
        self.closing = False
        """Whether the connection is to be closed once its answer is sent."""
        self.mute_until_s = 0.0
        """Until when nothing more is read from it: it is above its quota. Seconds of the monotonic clock."""
        self.fetch_start = 0
        """The partition of the next fetch that is read first, counted over the request."""
        self.on_close: Callable[[], None] | None = None
        """Called when the connection has gone."""
        self.produce_lane: ProduceLane | None = None
        """The produce request that this connection sent last."""


class RequestContext:
    """Everything a handler may know beside the request itself."""

    __slots__ = ("broker", "client_id", "connection", "version")

    def __init__(self, broker: Broker, version: int, client_id: str | None, connection: ConnectionState) -> None:
        self.broker = broker
        """The owner of catalog, coordinator, clock and waiters."""
        self.version = version
        """The version of the API that the request uses."""
        self.client_id = client_id
        self.connection = connection

    @property
    def client_host(self) -> str:
        """The peer's address in Kafka's form: `/127.0.0.1`."""
        return self.connection.client_host

    @property
    def endpoint(self) -> Endpoint:
        """Where this connection's clients reach the broker: the advertised address of the listener it came in by."""
        return self.connection.endpoint or self.broker.endpoint

    def allows(self, operation: Operation, resource: Resource, name: str) -> bool:
        """Whether the client may do this to that; always where access rules are off."""
        authorizer = self.broker.security.authorizer
        if not authorizer.enabled:
            return True
        return authorizer.allows(self.principal, self.client_host[1:], operation, resource, name)

    def operations(self, resource: Resource, name: str, *, asked: bool) -> int:
        """What the client may do to that, as a bit set (KIP-430); the least integer where it was not asked for."""
        if not asked:
            return OPERATIONS_NOT_ASKED
        authorizer = self.broker.security.authorizer
        return authorizer.operations(self.principal, self.client_host[1:], resource, name)

    def throttle_ms(self, key: str, count: int) -> int:
        """Note `count` bytes against the client's quota; how long in ms it is to wait, and is not read from meanwhile."""
        quotas = self.broker.security.quotas
        if not quotas.active:
            return 0
        now_s = self.broker.now_s()
        user = self.principal.partition(":")[2]
        wait_ms = quotas.throttle_ms(key, user, self.client_id or "", count, now_s)
        if wait_ms:
            self.connection.mute_until_s = now_s + wait_ms / 1000
        return wait_ms

    @property
    def principal(self) -> str:
        """Who the client is, such as `User:alice`."""
        return self.connection.principal or ANONYMOUS

    @property
    def connection_id(self) -> int:
        """Unique for the life of the process."""
        return self.connection.connection_id


Reply = Body | Deferred | None
"""What a handler may return; None only for Produce with acks=0, which has no response."""


class Api(NamedTuple):
    """One row of the table of APIs."""

    key: int
    name: str
    min_version: int
    max_version: int
    request: type[Message] | None
    """What the request is decoded to; None: the handler takes the undecoded body, a memoryview."""
    handle: Callable[[RequestContext, Any], Reply]

    @property
    def flexible_from(self) -> int:
        """The first flexible version (KIP-482), from the schema table."""
        return APIS[self.key][4]
