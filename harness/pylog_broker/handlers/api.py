"""What a handler is: one API key, the versions it implements, and a flat function from request to response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.pylog_broker.protocol.message import Message

if TYPE_CHECKING:
    from harness.pylog_broker.broker import Broker


class Deferred:
    """A response that is not known yet: a parked fetch, a JoinGroup that waits for the other members.

    The handler returns it, whoever completes it calls `complete(response)` exactly once, on the event loop's thread.
    A response is a message (encoded for the version of its request) or bytes that are the encoded body. The
    connection keeps its requests in order: what follows on the same connection waits for this one.
    """

    __slots__ = ("_on_complete", "cancelled", "on_cancel", "response")

    def __init__(self) -> None:
        self.response: Message | bytes | bytearray | None = None
        self.cancelled = False
        self.on_cancel: Callable[[], None] | None = None
        """Called when the connection goes away first: drop the waiter."""
        self._on_complete: Callable[[Deferred], None] | None = None

    @property
    def done(self) -> bool:
        """Whether the response is there."""
        return self.response is not None

    def complete(self, response: Message | bytes | bytearray) -> None:
        """Give the response; a second call, or one after the connection has gone, changes nothing."""
        if self.response is not None or self.cancelled:
            return
        self.response = response
        if self._on_complete is not None:
            self._on_complete(self)

    def cancel(self) -> None:
        """The connection has gone: nobody waits for the response any more."""
        if self.response is not None or self.cancelled:
            return
        self.cancelled = True
        if self.on_cancel is not None:
            self.on_cancel()

    def notify(self, on_complete: Callable[[Deferred], None]) -> None:
        """Have `on_complete` called with this once the response is there; at once if it is there already."""
        self._on_complete = on_complete
        if self.response is not None:
            on_complete(self)


@dataclass(slots=True)
class RequestContext:
    """Everything a handler may know beside the request itself."""

    broker: Broker
    """The owner of catalog, coordinator, clock and waiters."""
    version: int
    """The version of the API that the request uses."""
    client_id: str | None
    client_host: str
    """The peer's address in Kafka's form: `/127.0.0.1`."""
    connection_id: int
    """Unique for the life of the process."""


Reply = Message | bytes | bytearray | Deferred | None
"""What a handler may return; None only for Produce with acks=0, which has no response."""


@dataclass(frozen=True, slots=True)
class Api:
    """One row of the table of APIs."""

    key: int
    name: str
    min_version: int
    max_version: int
    request: type[Message]
    handle: Callable[[RequestContext, Any], Reply]
    min_version_advertised: int | None = None
    """What ApiVersions says instead of `min_version`; None: the same."""
