"""Brokers that the contract suite runs against: one instance a broker and session, started when first needed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from harness.errors import BrokerMissing
from harness.model.broker import BrokerInfo


class RunningBroker(Protocol):
    info: BrokerInfo

    def kill_and_restart(self) -> None: ...

    def stop(self) -> None: ...


class MemoryProcess:
    """The memory broker as its own process, with a journal, so that it can be killed like the others."""

    def __init__(self, root: Path) -> None:
        self._journal = root / "journal"
        self._port = 0
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "harness.adapters.memory_server",
                "--port",
                str(self._port),
                "--journal",
                str(self._journal),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), line
        self._port = int(line.rpartition(":")[2])
        self.info = BrokerInfo("memory", "memory", "1.0", "127.0.0.1", self._port, "process")

    def kill_and_restart(self) -> None:
        self._process.kill()
        self._finish()
        self._start()

    def _finish(self) -> None:
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def stop(self) -> None:
        self._process.terminate()
        self._finish()


class NullBroker:
    info = BrokerInfo("null", "null", "1.0", "127.0.0.1", 0, "in_process")

    def kill_and_restart(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        pass


class HouseBroker:
    """Whatever ``harness.brokers`` starts."""

    def __init__(self, name: str, root: Path) -> None:
        brokers = importlib.import_module("harness.brokers")
        self._broker = brokers.create(name, root=root)
        self.info: BrokerInfo = self._broker.start(tier="D1", settings={})

    def kill_and_restart(self) -> None:
        kill = importlib.import_module("harness.faults.kill")
        evidence = kill.kill_broker(self._broker)
        assert evidence.bit, evidence
        self._broker.restart()

    def stop(self) -> None:
        self._broker.stop()
        self._broker.wipe()


def start(name: str, root: Path) -> RunningBroker:
    """Skips where the broker is not on this machine; fails instead where HARNESS_NO_SKIP forbids skipping."""
    if name == "memory":
        return MemoryProcess(root)
    if name == "null":
        return NullBroker()
    try:
        return HouseBroker(name, root)
    except (BrokerMissing, ModuleNotFoundError) as missing:
        if os.environ.get("HARNESS_NO_SKIP"):
            raise
        pytest.skip(f"{name} is not here: {missing}")
