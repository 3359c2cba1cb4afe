"""SIGKILL of the broker under load, and its restart on the same data and the same port."""

from __future__ import annotations

import time
from typing import Protocol

from harness.faults.evidence import FaultEvidence
from harness.model.broker import BrokerInfo

__all__ = ["FaultEvidence", "Killable", "kill_broker"]


class Killable(Protocol):
    """The part of a broker that this fault needs."""

    def kill(self) -> object: ...

    def restart(self) -> BrokerInfo: ...


def kill_broker(broker: Killable) -> FaultEvidence:
    """Kill it with signal 9. ``bit`` is True only when the process is seen gone."""
    at_ns = time.monotonic_ns()
    evidence = broker.kill()
    detail = {name: str(getattr(evidence, name)) for name in getattr(evidence, "__dataclass_fields__", {})}
    return FaultEvidence("kill", at_ns, bool(getattr(evidence, "bit", False)), detail)
