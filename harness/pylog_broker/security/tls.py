"""TLS for listeners: the context from PEM files, and a socket with the manners of a plain non-blocking one."""

from __future__ import annotations

import socket
import ssl

from harness.pylog_broker.security.listeners import ANONYMOUS
from harness.pylog_broker.security.settings import SecurityFileError, SecuritySettings

RECORD_BYTES = 16 << 10
"""One TLS record. Sent at most so much at once, so that a send that has to be repeated repeats the same bytes."""

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {"none": ssl.CERT_NONE, "requested": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_SHORT_NAMES = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "domainComponent": "DC",
    "userId": "UID",
}
_SPECIAL = ',+"\\<>;'


class TlsFailed(SecurityFileError):
    """The files of a TLS listener cannot be used; the message names file and setting."""


def build_context(settings: SecuritySettings) -> ssl.SSLContext:
    """The server's side of TLS. Raises TlsFailed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = [_VERSIONS[name] for name in settings.tls_versions]
    context.minimum_version, context.maximum_version = min(versions), max(versions)
    try:
        context.load_cert_chain(settings.keystore, password=settings.key_password or None)
    except (OSError, ssl.SSLError) as error:
        raise TlsFailed(
            f"ssl.keystore.location={settings.keystore} cannot be used ({_reason(error)}): it must be a PEM file with "
            "an unencrypted private key, or ssl.key.password with it, and the certificate chain"
        ) from None
    context.verify_mode = _CLIENT_AUTH[settings.client_auth]
    if settings.truststore:
        try:
            context.load_verify_locations(settings.truststore)
        except (OSError, ssl.SSLError) as error:
            raise TlsFailed(
                f"ssl.truststore.location={settings.truststore} cannot be used ({_reason(error)}): it must be a PEM "
                "file with the certificates of authorities"
            ) from None
    return context


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def principal(certificate: object) -> str:
    """Kafka's principal of a client certificate: its subject as RFC 2253 writes it, the most particular part first."""
    if not isinstance(certificate, dict) or not certificate.get("subject"):
        return ANONYMOUS
    parts = [
        "+".join(f"{_SHORT_NAMES.get(name, name)}={_escape(value)}" for name, value in group)
        for group in reversed(certificate["subject"])
    ]
    return "User:" + ",".join(parts)


def _escape(value: str) -> str:
    escaped = "".join("\\" + character if character in _SPECIAL else character for character in value)
    return "\\" + escaped if escaped[:1] in ("#", " ") else escaped


class TlsSocket:
    """A TLS connection that says BlockingIOError wherever a plain non-blocking socket would."""

    __slots__ = ("_socket", "wants_write")

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        self._socket = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self.wants_write = False
        """Whether the handshake waits to send, not to receive."""

    def fileno(self) -> int:
        """The descriptor, for epoll."""
        return self._socket.fileno()

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done. Raises OSError when it failed."""
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self.wants_write = False
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        return True

    def principal(self) -> str:
        """Who the client's certificate says it is."""
        return principal(self._socket.getpeercert())

    def pending(self) -> int:
        """Bytes that were decrypted already: epoll does not know of them."""
        return self._socket.pending()

    def recv_into(self, buffer: memoryview | bytearray) -> int:
        """As `socket.recv_into`."""
        try:
            return self._socket.recv_into(buffer)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def send(self, data: bytes | bytearray | memoryview, _flags: int = 0) -> int:
        """As `socket.send`, one record at most."""
        try:
            return self._socket.send(memoryview(data)[:RECORD_BYTES])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def close(self) -> None:
        """Close without waiting for the peer's farewell."""
        self._socket.close()
