"""SaslHandshake (key 17), versions 0 to 1: which mechanism the client will authenticate with.

Answers UNSUPPORTED_SASL_MECHANISM with the enabled ones for another, ILLEGAL_SASL_STATE on a listener without SASL or
once the connection has authenticated.

Left out: version 0's bare tokens after the handshake (KIP-43, before SaslAuthenticate); such a connection is closed.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, CloseConnection, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


def handle(context: RequestContext, request: SaslHandshakeRequest) -> SaslHandshakeResponse:
    """Begin an exchange."""
    connection, security = context.connection, context.broker.security
    offered = list(security.settings.mechanisms)
    if not connection.listener.protocol.sasl or connection.principal is not None:
        return SaslHandshakeResponse(ErrorCode.ILLEGAL_SASL_STATE, [])
    if request.mechanism not in offered:
        return SaslHandshakeResponse(ErrorCode.UNSUPPORTED_SASL_MECHANISM, offered)
    if context.version == 0:
        raise CloseConnection("SaslHandshake version 0 announces tokens without SaslAuthenticate, which are left out")
    connection.exchange = security.begin(request.mechanism)
    return SaslHandshakeResponse(ErrorCode.NONE, offered)


API = Api(17, "SaslHandshake", 0, 1, SaslHandshakeRequest, handle)
