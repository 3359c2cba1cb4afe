"""A broker as the rest of the house sees it, and the durability tiers that results are grouped by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


class Tier(StrEnum):
    """What an acknowledgement promises. Results of different tiers are never ranked against each other."""

    D0 = "D0"  # in memory: a killed broker may lose it
    D1 = "D1"  # survives a killed process (in the kernel's page cache at least)
    D2 = "D2"  # fsynced before the acknowledgement
    D3 = "D3"  # replicated before the acknowledgement
    D4 = "D4"  # replicated and fsynced

    @property
    def sentence(self) -> str:
        return _TIER_SENTENCES[self]


_TIER_SENTENCES = {
    Tier.D0: "kept in memory; a killed broker may lose it",
    Tier.D1: "survives a killed broker process, not a power cut",
    Tier.D2: "on stable storage (fsync) before it is acknowledged",
    Tier.D3: "on a majority of replicas before it is acknowledged",
    Tier.D4: "on a majority of replicas and on stable storage before it is acknowledged",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who logs in at a broker, and how the connection is protected. The password is never shown, nor written anywhere.

    ``virtual_host`` is RabbitMQ's, ``mechanism`` Kafka's for SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512). Files are PEM.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    virtual_host: str = "/"
    mechanism: str = ""
    tls: bool = False
    verify: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def without_password(self) -> Access:
        """The same for others to see; whoever needs the password has it from an environment of his own."""
        return replace(self, password="")

    def tls_context(self) -> ssl.SSLContext:
        """The client's side of TLS; reads the files. Raises OSError for files that cannot be used."""
        import ssl

        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        return context


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """Where one running broker is, and what it is.

    ``name`` is the registry name (pylog, rabbitmq, activemq, kafka, memory, null); ``product`` and ``version`` are what
    the broker itself says; ``backend`` is process, docker, external or in_process; ``settings`` are the server-side settings
    in force (the parity ledger prints them); ``management`` holds further addresses an adapter may use; ``access`` is how
    an external one is reached.
    """

    name: str
    product: str
    version: str
    host: str
    port: int
    backend: str
    settings: Mapping[str, str] = field(default_factory=dict)
    management: Mapping[str, str] = field(default_factory=dict)
    access: Access = field(default_factory=Access)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def version_tuple(self) -> tuple[int, ...]:
        """``"4.0.5"`` -> (4, 0, 5); unparsable parts end it."""
        parts: list[int] = []
        for piece in self.version.split("."):
            digits = piece.split("-")[0]
            if not digits.isdigit():
                break
            parts.append(int(digits))
        return tuple(parts)
