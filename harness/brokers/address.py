"""Addresses of brokers that run already: what a person types, taken apart, with the secrets kept out of sight.

    rabbitmq   amqp://USER@HOST:5672/VHOST          amqps://USER@HOST:5671/VHOST?ca=ca.pem
    activemq   stomp://USER@HOST:61613              stomp+ssl://USER@HOST:61614?ca=ca.pem
    kafka      kafka://HOST:9092                    sasl_ssl://USER@HOST:9093?mechanism=SCRAM-SHA-512&ca=ca.pem
               (also pylog; Kafka's own names: plaintext, ssl, sasl_plaintext, sasl_ssl)

A password belongs into the environment (HARNESS_RABBITMQ_URL) or into a file (--url rabbitmq=@FILE): on a command line every
user of the machine can read it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.errors import UsageError
from harness.model.broker import Access

FILE_BYTES_MAX = 16_384
_TLS_PARAMETERS = {"ca": "ca_file", "cert": "cert_file", "key": "key_file"}
_SCHEMES: Mapping[str, Mapping[str, tuple[bool, bool]]] = {
    "rabbitmq": {"amqp": (False, True), "amqps": (True, True)},
    "activemq": {"stomp": (False, True), "stomp+ssl": (True, True), "stomps": (True, True)},
    "kafka": {
        "kafka": (False, False),
        "plaintext": (False, False),
        "ssl": (True, False),
        "sasl_plaintext": (False, True),
        "sasl_ssl": (True, True),
    },
}
"""Protocol family -> scheme -> (encrypted, logs in)."""

_DEFAULT_TLS_PORTS = {"amqps": 5671, "stomp+ssl": 61614, "stomps": 61614}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and how to get in. ``port`` is None where the product's default is meant."""

    host: str
    port: int | None
    access: Access


def parse_address(broker: str, url: str) -> Address:
    """``HOST``, ``HOST:PORT`` or a URL. Raises UsageError; its message never holds the password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"that address of {broker} cannot be read: {error}", next_command="harness doctor") from None
    if not host:
        raise UsageError(f"that address of {broker} names no host", next_command="harness doctor")
    encrypted, logs_in = _scheme(broker, scheme.lower())
    fields = _parameters(broker, parts.query)
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if (username or password) and not logs_in:
        raise UsageError(
            f"{scheme or 'that'}:// of {broker} has no login; sasl_plaintext:// and sasl_ssl:// have",
            next_command="harness doctor",
        )
    virtual_host = unquote(parts.path[1:]) if len(parts.path) > 1 else "/"
    by_sasl = _family(broker) == "kafka" and logs_in and bool(scheme or username)
    mechanism = fields.pop("mechanism", "PLAIN" if by_sasl else "")
    if mechanism and not username:
        raise UsageError(f"that address of {broker} asks for a login and names no user", next_command="harness doctor")
    if mechanism and mechanism not in MECHANISMS:
        raise UsageError(f"mechanism is one of {', '.join(MECHANISMS)}, not {mechanism!r}")
    verify = fields.pop("verify", "true") != "false"
    access = Access(username, password, virtual_host, mechanism, encrypted, verify, **fields)
    return Address(host, port or _DEFAULT_TLS_PORTS.get(scheme.lower()), access)


def _family(broker: str) -> str:
    return "kafka" if broker in ("pylog", "kafka") else broker.partition("-")[0]


def _scheme(broker: str, scheme: str) -> tuple[bool, bool]:
    known = _SCHEMES.get(_family(broker), {})
    if not scheme:
        return False, True
    if scheme not in known:
        nearest = difflib.get_close_matches(scheme, known, n=1)
        hint = (
            f"did you mean {nearest[0]}://?"
            if nearest
            else f"it is reached by {', '.join(f'{name}://' for name in known)}"
        )
        raise UsageError(f"{broker} has no {scheme}:// address; {hint}", next_command="harness run --help")
    return known[scheme]


def _parameters(broker: str, query: str) -> dict[str, str]:
    """``?ca=FILE&cert=FILE&key=FILE&verify=false&mechanism=NAME``."""
    fields: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _TLS_PARAMETERS:
            if not Path(value).is_file():
                raise UsageError(f"{name}={value} in the address of {broker} is not a file")
            fields[_TLS_PARAMETERS[name]] = value
        elif name in ("verify", "mechanism"):
            fields[name] = value
        else:
            known = ", ".join([*_TLS_PARAMETERS, "verify", "mechanism"])
            raise UsageError(f"an address has no parameter {name!r}; it takes {known}")
    return fields


def from_command_line(broker: str, text: str) -> str:
    """The address that ``--url`` gives: as it stands, or from a file. Raises UsageError for a password in the open."""
    if text.startswith("@"):
        path = Path(text[1:])
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise UsageError(f"{path} is no file with one address")
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the address of {broker} cannot be read from {path}: {error}") from None
    if parse_address(broker, text).access.password:
        raise UsageError(
            f"the address of {broker} holds a password, which every user of this machine could read from the list of processes; "
            f"put the whole address into the environment variable {address_variable(broker)}, or into a file and name it",
            next_command=f"harness run ... --url {broker}=@FILE",
        )
    return text


def address_variable(name: str) -> str:
    """The environment variable that names an external broker: ``HARNESS_RABBITMQ_URL``."""
    return f"HARNESS_{name.upper().replace('-', '_').replace('.', '_')}_URL"


def own_password(name: str, environment: Mapping[str, str]) -> str:
    """The password of a broker's address in this process's environment, or nothing."""
    url = environment.get(address_variable(name), "")
    return parse_address(name, url).access.password if url else ""


def without_secrets(broker: str, url: str) -> str:
    """The address as it may be shown."""
    try:
        address = parse_address(broker, url)
    except UsageError:
        return "an address that cannot be read"
    scheme = url.partition("://")[0] + "://" if "://" in url else ""
    login = f"{address.access.username}@" if address.access.username else ""
    return f"{scheme}{login}{address.host}" + (f":{address.port}" if address.port else "")
