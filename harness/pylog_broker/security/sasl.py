"""The SASL exchanges of one connection: PLAIN (RFC 4616) and SCRAM, one class each, pure.

exchange = begin(mechanism, users, random_bytes)
step = exchange.step(token)        # once for PLAIN, twice for SCRAM
step.principal                     # the user, once it is known to be him
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import NamedTuple, Protocol

from harness.pylog_broker.security import scram
from harness.pylog_broker.security.scram import Credential, ScramFailed

PLAIN = "PLAIN"
TOKEN_BYTES_MAX = 8 << 10
"""Of one token. Names, passwords and proofs are short; what is longer is not one of them."""


class AuthenticationFailed(Exception):
    """Not the user it claims to be, or not this mechanism. The text is for the log alone."""


class Users(Protocol):
    """Where passwords and credentials are looked up."""

    def password(self, user: str) -> str | None:
        """The password for PLAIN, or None."""
        ...

    def credential(self, mechanism: str, user: str) -> Credential | None:
        """The credential for a SCRAM mechanism, or None."""
        ...

    @property
    def secret(self) -> bytes:
        """Random bytes that stay the same while the broker lives, for `scram.decoy`."""
        ...


class Step(NamedTuple):
    """The answer to one token; `principal` is the authenticated user's name once the exchange is complete."""

    reply: bytes
    principal: str | None


class Exchange(Protocol):
    """One authentication under way."""

    mechanism: str

    def step(self, token: bytes) -> Step:
        """Raises AuthenticationFailed."""
        ...


def begin(mechanism: str, users: Users, random_bytes: Callable[[int], bytes]) -> Exchange:
    """A new exchange; `mechanism` is one of `listeners.MECHANISMS`."""
    return Plain(users) if mechanism == PLAIN else Scram(mechanism, users, random_bytes)


class Plain:
    """`authorization id NUL user NUL password`, checked at once."""

    mechanism = PLAIN

    def __init__(self, users: Users) -> None:
        self._users = users

    def step(self, token: bytes) -> Step:
        """Raises AuthenticationFailed."""
        try:
            authorization, user, password = token.decode().split("\0")
        except ValueError:
            raise AuthenticationFailed("a PLAIN token that is not three texts between NUL bytes") from None
        expected = self._users.password(user)
        right = hmac.compare_digest(password.encode(), (expected or "").encode())
        if expected is None or not right or not user:
            raise AuthenticationFailed(f"PLAIN: unknown user or wrong password for {user!r}")
        if authorization not in ("", user):
            raise AuthenticationFailed(f"PLAIN: {user!r} asked to act as {authorization!r}")
        return Step(b"", user)


class Scram:
    """Two messages each way; the credential never leaves the broker."""

    def __init__(self, mechanism: str, users: Users, random_bytes: Callable[[int], bytes]) -> None:
        self.mechanism = mechanism
        self._users = users
        self._random_bytes = random_bytes
        self._first: scram.FirstMessage | None = None
        self._server_first = ""
        self._credential: Credential | None = None

    def step(self, token: bytes) -> Step:
        """Raises AuthenticationFailed."""
        try:
            return self._begin(token) if self._first is None else self._finish(token)
        except ScramFailed as failure:
            user = self._first.user if self._first is not None else "?"
            raise AuthenticationFailed(f"{self.mechanism}: {failure} (user {user!r})") from None

    def _begin(self, token: bytes) -> Step:
        first = scram.parse_first(token)
        known = self._users.credential(self.mechanism, first.user)
        self._credential = known or scram.decoy(self.mechanism, first.user, self._users.secret)
        nonce = base64.b64encode(self._random_bytes(scram.NONCE_BYTES)).decode()
        self._first = first
        self._server_first = scram.first_reply(first, nonce, self._credential)
        return Step(self._server_first.encode(), None)

    def _finish(self, token: bytes) -> Step:
        assert self._first is not None
        assert self._credential is not None
        reply = scram.final_reply(self.mechanism, self._first, self._server_first, self._credential, token)
        return Step(reply.encode(), self._first.user)
