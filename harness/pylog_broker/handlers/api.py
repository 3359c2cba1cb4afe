"""What a handler is: one API key, the versions it implements, and a flat function from request to response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(slots=True)
class ConnectionState:
    """What handlers remember from one request of a connection to the next."""

    connection_id: int
    """Unique for the life of the process."""
    client_host: str
    """The peer's address in Kafka's form: `/127.0.0.1`."""
    listener: Listener = DEFAULT_LISTENER
    """The listener it came in by."""
    endpoint: Endpoint | None = None
    """What clients of that listener are told; None: the broker's own."""
    principal: str | None = ANONYMOUS
    """Who the client has shown to be, such as `User:alice`; None until a SASL listener has authenticated it."""
    exchange: Exchange | None = None
    """The SASL exchange under way."""
    closing: bool = False
    """Whether the connection is to be closed once its answer is sent."""
    mute_until_s: float = 0.0
    """Until when nothing more is read from it: it is above its quota. Seconds of the monotonic clock."""
    fetch_start: int = 0
    """The partition of the next fetch that is read first, counted over the request."""
    produce_lane: ProduceLane | None = None
    """The produce request that this connection sent last."""


@dataclass(slots=True)
class RequestContext:
    """Everything a handler may know beside the request itself."""

    broker: Broker
    """The owner of catalog, coordinator, clock and waiters."""
    version: int
    """The version of the API that the request uses."""
    client_id: str | None
    connection: ConnectionState

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


@dataclass(frozen=True, slots=True)
class Api:
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
