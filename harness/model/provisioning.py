"""What an adapter will create on a broker, as data: printed by the parity ledger and by a dry run, sent to workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.model.broker import Tier
from harness.model.capability import Capability, Feature
from harness.model.workload import Needs


@dataclass(frozen=True, slots=True)
class BrokerObject:
    """One thing created on the broker: kind is topic, queue, exchange, binding, ...; settings as the broker names them."""

    kind: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Everything one workload needs on one broker. Picklable: workers receive it.

    ``mode`` says which shape of the broker this is ("classic queues", "topic"), and ``shape`` the word by which a person asks for it
    (``classic``), empty for a broker that has one shape; ``features`` says how each need of this workload
    is met; ``parity`` holds the settings that decide whether two brokers did the same work (acknowledgements, persistence,
    fsync, prefetch, window, batching), by setting name; ``details`` is the adapter's own; ``stays`` are lines for a person: what no
    client of this broker can remove, and the command that does.
    """

    adapter: str
    prefix: str
    needs: Needs
    tier: Tier
    mode: str
    objects: tuple[BrokerObject, ...]
    features: Mapping[Feature, Capability]
    parity: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)
    shape: str = ""
    stays: tuple[str, ...] = ()

    def impossible(self) -> tuple[Capability, ...]:
        """Needs of this workload that this broker cannot meet."""
        from harness.model.capability import Support

        return tuple(row for row in self.features.values() if row.support is Support.IMPOSSIBLE)
