"""A broker as the rest of the house sees it, and the durability tiers that results are grouped by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
class BrokerInfo:
    """Where one running broker is, and what it is.

    ``name`` is the registry name (pylog, rabbitmq, activemq, kafka, memory, null); ``product`` and ``version`` are what
    the broker itself says; ``backend`` is process, docker, external or in_process; ``settings`` are the server-side settings
    in force (the parity ledger prints them); ``management`` holds further addresses an adapter may use.
    """

    name: str
    product: str
    version: str
    host: str
    port: int
    backend: str
    settings: Mapping[str, str] = field(default_factory=dict)
    management: Mapping[str, str] = field(default_factory=dict)

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
