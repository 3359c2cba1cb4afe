"""SIGKILL of the broker under load, and its restart on the same data and the same port."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from harness.model.broker import BrokerInfo


class Killable(Protocol):
    """The part of a broker that this fault needs."""

    def kill(self) -> object: ...

    def restart(self) -> BrokerInfo: ...


@dataclass(frozen=True, slots=True)
class FaultEvidence:
    """What was done when, and whether it bit. ``detail`` is what was seen of it."""

    kind: str
    at_ns: int
    bit: bool
    detail: Mapping[str, str] = field(default_factory=dict)


def kill_broker(broker: Killable) -> FaultEvidence:
    """Kill it with signal 9. ``bit`` is True only when the process is seen gone."""
    at_ns = time.monotonic_ns()
    evidence = broker.kill()
    detail = {name: str(getattr(evidence, name)) for name in getattr(evidence, "__dataclass_fields__", {})}
    return FaultEvidence("kill", at_ns, bool(getattr(evidence, "bit", False)), detail)
