"""SCRAM-SHA-256 and SCRAM-SHA-512 as a server: pure, bytes in, bytes out (RFC 5802, RFC 7677; Kafka: KIP-84).

The server keeps no password, only what proves that the client has it: a salt, an iteration count, `StoredKey` and
`ServerKey`. Channel binding (`p=`) and delegation tokens (`tokenauth=true`) are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
ITERATIONS_MIN = 4096
ITERATIONS_MAX = 16384  # Kafka's bounds: fewer are weak, more would let a client buy the broker's time
SALT_BYTES = 16
NONCE_BYTES = 24


class ScramFailed(Exception):
    """The exchange ends here: malformed, unsupported, or a wrong password. The text is safe to log, not to send."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What the server keeps of one user's password for one mechanism."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def from_salted_password(mechanism: str, salt: bytes, salted: bytes, iterations: int) -> Credential:
    """The credential of a password that was salted already, as AlterUserScramCredentials carries it."""
    name = HASHES[mechanism]
    client_key = hmac.digest(salted, b"Client Key", name)
    return Credential(
        salt, hashlib.new(name, client_key).digest(), hmac.digest(salted, b"Server Key", name), iterations
    )


def from_password(mechanism: str, password: str, salt: bytes, iterations: int = ITERATIONS_MIN) -> Credential:
    """The credential of a password. Costs `iterations` hashes, a few ms."""
    salted = hashlib.pbkdf2_hmac(HASHES[mechanism], password.encode(), salt, iterations)
    return from_salted_password(mechanism, salt, salted, iterations)


@dataclass(frozen=True, slots=True)
class FirstMessage:
    """A client's first message, taken apart."""

    header: str
    bare: str
    user: str
    nonce: str


def parse_first(token: bytes) -> FirstMessage:
    """Raises ScramFailed."""
    text = _text(token)
    flag, _, rest = text.partition(",")
    authorization, found, bare = rest.partition(",")
    if flag.startswith("p="):
        raise ScramFailed("channel binding is not supported")
    if flag not in ("n", "y") or not found:
        raise ScramFailed("the first message does not begin with n,, or y,,")
    parts = bare.split(",")
    if len(parts) < 2 or not parts[0].startswith("n=") or not parts[1].startswith("r=") or len(parts[1]) < 3:
        raise ScramFailed("the first message has no user and nonce")
    if "tokenauth=true" in parts[2:]:
        raise ScramFailed("delegation tokens are not supported")
    user = _unescape(parts[0][2:])
    if authorization and authorization != f"a={parts[0][2:]}":
        raise ScramFailed("the authorization id is another than the user")
    return FirstMessage(f"{flag},{authorization},", bare, user, parts[1][2:])


def first_reply(first: FirstMessage, server_nonce: str, credential: Credential) -> str:
    """The server's first message."""
    salt = base64.b64encode(credential.salt).decode()
    return f"r={first.nonce}{server_nonce},s={salt},i={credential.iterations}"


def final_reply(mechanism: str, first: FirstMessage, server_first: str, credential: Credential, token: bytes) -> str:
    """Check the client's proof and give the server's own. Raises ScramFailed when the proof is wrong."""
    text = _text(token)
    without_proof, _, proof_text = text.rpartition(",p=")
    parts = without_proof.split(",")
    if len(parts) < 2 or not parts[0].startswith("c=") or not parts[1].startswith("r="):
        raise ScramFailed("the final message has no channel binding, nonce and proof")
    if _decode(parts[0][2:]) != first.header.encode():
        raise ScramFailed("the channel binding differs from the first message's")
    nonce = server_first.split(",", 1)[0]
    if not hmac.compare_digest(parts[1], nonce):
        raise ScramFailed("the nonce is not this exchange's")
    name = HASHES[mechanism]
    message = f"{first.bare},{server_first},{without_proof}".encode()
    signature = hmac.digest(credential.stored_key, message, name)
    proof = _decode(proof_text)
    if len(proof) != len(signature):
        raise ScramFailed("the proof has a wrong length")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.new(name, client_key).digest(), credential.stored_key):
        raise ScramFailed("the proof is wrong")
    return "v=" + base64.b64encode(hmac.digest(credential.server_key, message, name)).decode()


def decoy(mechanism: str, user: str, secret: bytes) -> Credential:
    """A credential that no password fits, the same at each try: an unknown user looks like a wrong password."""
    name = HASHES[mechanism]
    salt = hmac.digest(secret, b"salt:" + user.encode(), name)[:SALT_BYTES]
    size = hashlib.new(name).digest_size
    return Credential(salt, hmac.digest(secret, b"key:" + user.encode(), name), bytes(size), ITERATIONS_MIN)


def _text(token: bytes) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError:
        raise ScramFailed("a message is not UTF-8") from None


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ScramFailed("a field is not base64") from None


def _unescape(name: str) -> str:
    if "=" in name.replace("=2C", "").replace("=3D", ""):
        raise ScramFailed("a user name with a stray =")
    return name.replace("=2C", ",").replace("=3D", "=")
