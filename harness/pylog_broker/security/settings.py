"""Settings of security, under Apache Kafka's names where Kafka has them: one table, parsed and described from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.pylog_broker.security.listeners import MECHANISMS, parse_listeners

CLIENT_AUTH = ("none", "requested", "required")
TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
JAAS_NAME = re.compile(r"listener\.name\.[a-z0-9_.\-]+\.plain\.sasl\.jaas\.config")
_JAAS_USER = re.compile(r'user_([^\s=]+)\s*=\s*"((?:[^"\\]|\\.)*)"')
_JAAS_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
CONNECTIONS_UNBOUNDED = 2**31 - 1
SECRET = ("key_password", "jaas_users")


class SecurityFileError(Exception):
    """A file that a setting names cannot be used; the message names file, line and remedy."""


class Row(NamedTuple):
    """One setting. `parse` raises ValueError for a value that makes no sense."""

    name: str
    field: str
    parse: Callable[[str], Any]
    doc: str
    secret: bool = False
    """Whether its value is never shown."""


def any_text(text: str) -> str:
    """The value as it stands: a path, a name, or a text that is parsed later."""
    return text


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be 'true' or 'false', not '{text}'")
    return text.lower() == "true"


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text) if text.lstrip("-").isdecimal() else None
        if value is None or not least <= value <= most:
            raise ValueError(f"must be a whole number in {least} .. {most}, not '{text}'")
        return value

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(repr(choice) for choice in choices)}, not '{text}'")
        return text

    return parse


def _several_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        values = tuple(filter(None, (item.strip() for item in text.split(","))))
        if not values or set(values) - set(choices):
            raise ValueError(f"must be one or more of {', '.join(choices)}, not '{text}'")
        return values

    return parse


def _principals(text: str) -> frozenset[str]:
    names = frozenset(filter(None, (item.strip() for item in text.split(";"))))
    if any(not name.startswith("User:") for name in names):
        raise ValueError(f"must be principals such as User:admin;User:ops, not '{text}'")
    return names


TABLE: tuple[Row, ...] = (
    Row(
        "listeners",
        "listeners",
        any_text,
        "Where to listen: NAME://HOST:PORT,... Empty: PLAINTEXT at --host and --port.",
    ),
    Row(
        "advertised.listeners",
        "advertised_listeners",
        any_text,
        "What clients are told instead of a listener's own address, by listener name.",
    ),
    Row(
        "listener.security.protocol.map",
        "protocol_map",
        any_text,
        "NAME:PROTOCOL,... for listeners that are not named after their protocol.",
    ),
    Row(
        "ssl.keystore.location",
        "keystore",
        any_text,
        "PEM file with the private key and the certificate chain of SSL and SASL_SSL listeners.",
    ),
    Row("ssl.keystore.type", "keystore_type", _one_of("PEM"), "Format of the key store; PEM alone."),
    Row("ssl.key.password", "key_password", any_text, "Password of the private key.", secret=True),
    Row("ssl.truststore.location", "truststore", any_text, "PEM file with the authorities whose clients are known."),
    Row("ssl.truststore.type", "truststore_type", _one_of("PEM"), "Format of the trust store; PEM alone."),
    Row(
        "ssl.client.auth",
        "client_auth",
        _one_of(*CLIENT_AUTH),
        "Whether clients show a certificate; its subject is their principal on SSL listeners.",
    ),
    Row("ssl.enabled.protocols", "tls_versions", _several_of(*TLS_VERSIONS), "TLS versions that are spoken."),
    Row("sasl.enabled.mechanisms", "mechanisms", _several_of(*MECHANISMS), "SASL mechanisms that are offered."),
    Row(
        "sasl.users.file",
        "users_file",
        any_text,
        "File of users, one `name = password` a line, for every mechanism. This broker's own setting.",
    ),
    Row(
        "authorizer.class.name",
        "authorizer",
        _one_of("", STANDARD_AUTHORIZER),
        "Kafka's StandardAuthorizer turns access rules on: what no rule allows is denied.",
    ),
    Row(
        "acl.file",
        "acl_file",
        any_text,
        "File of access rules, one a line; naming one turns access rules on. Those of CreateAcls come on top. Own setting.",
    ),
    Row("super.users", "super_users", _principals, "Principals that may do everything: User:admin;User:ops."),
    Row(
        "allow.everyone.if.no.acl.found",
        "open_without_rule",
        _truth,
        "Whether a resource that no rule names is open to everyone.",
    ),
    Row(
        "connection.failed.authentication.delay.ms",
        "failed_delay_ms",
        _number(0, 10_000),
        "Time in ms before a failed authentication is answered and its connection closed.",
    ),
    Row(
        "max.connections.per.ip",
        "connections_per_ip_max",
        _number(0, CONNECTIONS_UNBOUNDED),
        "Connections from one address; one more is closed at once.",
    ),
    Row("quota.window.num", "quota_windows", _number(1, 1000), "Windows that a quota's rate is taken over."),
    Row("quota.window.size.seconds", "quota_window_s", _number(1, 3600), "Length of such a window in seconds."),
)
NAMES: Mapping[str, Row] = {row.name: row for row in TABLE}


class SecuritySettings(NamedTuple):
    """The settings of `TABLE`; Kafka's defaults but for the mechanisms (Kafka: GSSAPI, which is not here)."""

    listeners: str = ""
    advertised_listeners: str = ""
    protocol_map: str = ""
    keystore: str = ""
    keystore_type: str = "PEM"
    key_password: str = ""
    truststore: str = ""
    truststore_type: str = "PEM"
    client_auth: str = "none"
    tls_versions: tuple[str, ...] = TLS_VERSIONS
    mechanisms: tuple[str, ...] = MECHANISMS
    users_file: str = ""
    authorizer: str = ""
    acl_file: str = ""
    super_users: frozenset[str] = frozenset()
    open_without_rule: bool = False
    failed_delay_ms: int = 100
    connections_per_ip_max: int = CONNECTIONS_UNBOUNDED
    quota_windows: int = 11
    quota_window_s: int = 1
    jaas_users: Mapping[str, str] = MappingProxyType({})
    """User to password, from `listener.name.NAME.plain.sasl.jaas.config`."""

    def __repr__(self) -> str:
        """All but the passwords."""
        shown = (f"{name}={value!r}" for name, value in self._asdict().items() if name not in SECRET)
        return f"SecuritySettings({', '.join(shown)})"

    @classmethod
    def from_names(cls, given: Mapping[str, str]) -> SecuritySettings:
        """Build from setting names; others are left alone. Raises ValueError, naming the setting."""
        values: dict[str, Any] = {}
        jaas_users: dict[str, str] = {}
        for name, text in given.items():
            if JAAS_NAME.fullmatch(name):
                jaas_users.update(parse_jaas(name, text))
            elif name in NAMES:
                try:
                    values[NAMES[name].field] = NAMES[name].parse(text)
                except ValueError as error:
                    raise ValueError(f"{name} {error}") from None
        settings = cls(**values, jaas_users=jaas_users)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise ValueError for settings that do not go together."""
        if not self.listeners:
            if self.advertised_listeners:
                raise ValueError("advertised.listeners needs listeners")
            return
        protocols = {
            listener.protocol
            for listener in parse_listeners(self.listeners, self.advertised_listeners, self.protocol_map)
        }
        if any(protocol.tls for protocol in protocols) and not self.keystore:
            raise ValueError("SSL listeners need ssl.keystore.location: a PEM file with private key and certificates")
        if self.client_auth != "none" and not self.truststore:
            raise ValueError("ssl.client.auth needs ssl.truststore.location: a PEM file with the clients' authorities")

    @property
    def access_rules(self) -> bool:
        """Whether access rules are on."""
        return bool(self.authorizer or self.acl_file)


def parse_jaas(name: str, text: str) -> dict[str, str]:
    """Users and passwords of a PLAIN login module's configuration. Raises ValueError."""
    if _JAAS_MODULE not in text:
        raise ValueError(f'{name} should be: {_JAAS_MODULE} required user_alice="password";')
    return {user: re.sub(r"\\(.)", r"\1", password) for user, password in _JAAS_USER.findall(text)}


def shown(settings: SecuritySettings, row: Row) -> str:
    """A value as DescribeConfigs and the tables show it."""
    value = getattr(settings, row.field)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return ";".join(sorted(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)
