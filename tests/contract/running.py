"""Brokers that the contract suite runs against: one instance a broker and session, started when first needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pytest

from harness.brokers import create
from harness.errors import BrokerMissing
from harness.faults.kill import kill_broker
from harness.model.broker import BrokerInfo


class RunningBroker(Protocol):
    info: BrokerInfo

    def kill_and_restart(self) -> None: ...

    def stop(self) -> None: ...


class NullBroker:
    info = BrokerInfo("null", "null", "1.0", "127.0.0.1", 0, "in_process")

    def kill_and_restart(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        pass


class HouseBroker:
    """A private process or a container, as a run starts it."""

    def __init__(self, name: str, root: Path, backend: str) -> None:
        self._broker = create(name, root=root, backend=backend)
        self.info: BrokerInfo = self._broker.start(tier="D1", settings={})

    def kill_and_restart(self) -> None:
        evidence = kill_broker(self._broker)
        assert evidence.bit, evidence
        self.info = self._broker.restart()

    def stop(self) -> None:
        self._broker.stop()
        self._broker.wipe()


def start(name: str, root: Path, backend: str = "process") -> RunningBroker:
    """Skips where the broker is not on this machine; fails instead where HARNESS_NO_SKIP forbids skipping."""
    if name == "null":
        return NullBroker()
    try:
        return HouseBroker(name, root, backend)
    except BrokerMissing as missing:
        if os.environ.get("HARNESS_NO_SKIP"):
            raise
        pytest.skip(f"{name} is not here: {missing}; {missing.next_command}")
