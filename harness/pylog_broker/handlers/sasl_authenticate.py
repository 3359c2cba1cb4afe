"""SaslAuthenticate (key 36), versions 0 to 2: one token of the exchange that SaslHandshake began.

A failure is answered with SASL_AUTHENTICATION_FAILED after `connection.failed.authentication.delay.ms`, in the same words
for an unknown user and a wrong password, and the connection is closed.

Left out: re-authentication of a live connection (KIP-368); the session lifetime is 0, without end.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.handlers.api import Api, Deferred, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: SaslAuthenticateRequest) -> SaslAuthenticateResponse | Deferred:
    """Go on with the exchange."""
    from harness.pylog_broker.security.sasl import TOKEN_BYTES_MAX, AuthenticationFailed  # only where SASL is on

    connection = context.connection
    exchange = connection.exchange
    if exchange is None:
        return SaslAuthenticateResponse(
            ErrorCode.ILLEGAL_SASL_STATE, "SaslAuthenticate comes after SaslHandshake, once for each exchange", b"", 0
        )
    token = bytes(request.auth_bytes)
    try:
        if len(token) > TOKEN_BYTES_MAX:
            raise AuthenticationFailed(f"a token of {len(token)} bytes")
        step = exchange.step(token)
    except AuthenticationFailed as failure:
        logger.warning("authentication failed from %s: %s", context.client_host, failure)
        return _refuse(context, exchange.mechanism)
    if step.principal is not None:
        connection.principal = f"User:{step.principal}"
        connection.exchange = None
    return SaslAuthenticateResponse(ErrorCode.NONE, None, step.reply, 0)


def _refuse(context: RequestContext, mechanism: str) -> Deferred:
    """Answer late, then close: guessing passwords is slow, and an answer tells nothing about the user."""
    broker, connection = context.broker, context.connection
    connection.exchange = None
    connection.closing = True
    deferred = Deferred()
    text = f"Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}"
    answer = SaslAuthenticateResponse(ErrorCode.SASL_AUTHENTICATION_FAILED, text, b"", 0)
    timer = broker.timers.schedule(
        broker.now_s() + broker.security.settings.failed_delay_ms / 1000, lambda: deferred.complete(answer)
    )
    deferred.on_cancel = timer.cancel
    return deferred


API = Api(36, "SaslAuthenticate", 0, 2, SaslAuthenticateRequest, handle)
