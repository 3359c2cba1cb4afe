"""Listeners under Apache Kafka's names: `listeners`, `advertised.listeners`, `listener.security.protocol.map`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

ANONYMOUS = "User:ANONYMOUS"
"""The principal of a client that did not have to say who it is."""

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PORT_MAX = (1 << 16) - 1
LISTENERS_MAX = 16


class Protocol(StrEnum):
    """How a listener's connections are protected and who is on them."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self in (Protocol.SSL, Protocol.SASL_SSL)

    @property
    def sasl(self) -> bool:
        """Whether clients have to authenticate before anything else."""
        return self in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)


class Listener(NamedTuple):
    """One address to listen on. `advertised` is what clients are told, None: the address itself."""

    name: str
    protocol: Protocol
    host: str
    port: int
    advertised: tuple[str, int] | None = None


def parse_listeners(listeners: str, advertised: str, protocol_map: str) -> tuple[Listener, ...]:
    """Kafka's three texts to listeners. Raises ValueError, naming the setting, for what makes no sense.

    `listeners` is `NAME://HOST:PORT,...`; a name that is a protocol's needs no entry in `protocol_map` (`NAME:PROTOCOL,...`).
    """
    protocols = _protocols(protocol_map)
    told = {name: (host, port) for name, host, port in _addresses("advertised.listeners", advertised)}
    found: dict[str, Listener] = {}
    for name, host, port in _addresses("listeners", listeners):
        if name not in protocols:
            raise ValueError(
                f"listeners: no security protocol for {name}; add it to listener.security.protocol.map, "
                f"for example {name}:SASL_SSL"
            )
        if name in found:
            raise ValueError(f"listeners: {name} is there twice")
        found[name] = Listener(name, protocols[name], host, port, told.pop(name, None))
    if not found:
        raise ValueError("listeners: at least one is needed, for example PLAINTEXT://127.0.0.1:9092")
    if len(found) > LISTENERS_MAX:
        raise ValueError(f"listeners: at most {LISTENERS_MAX}")
    if told:
        raise ValueError(f"advertised.listeners: {', '.join(told)} is not among the listeners")
    return tuple(found.values())


def show_addresses(addresses: Iterable[tuple[str, str, int]]) -> str:
    """Names, hosts and ports as the settings take them."""
    return ",".join(f"{name}://{f'[{host}]' if ':' in host else host}:{port}" for name, host, port in addresses)


def _protocols(text: str) -> Mapping[str, Protocol]:
    known = {str(protocol): protocol for protocol in Protocol}
    protocols = dict(known)
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, _, protocol = item.partition(":")
        if protocol not in known:
            raise ValueError(
                f"listener.security.protocol.map: '{item}' should be NAME:PROTOCOL with one of {', '.join(known)}"
            )
        protocols[name] = known[protocol]
    return protocols


def _addresses(setting: str, text: str) -> list[tuple[str, str, int]]:
    addresses = []
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, found, address = item.partition("://")
        host, _, port = address.rpartition(":")
        if not found or not name or not port.isdecimal() or int(port) > PORT_MAX:
            raise ValueError(f"{setting}: '{item}' should be NAME://HOST:PORT, for example SASL_SSL://127.0.0.1:9093")
        addresses.append((name, host.strip("[]"), int(port)))
    return addresses
