"""pylog: this project's own log broker, started as the separate program it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import __version__
from harness.brokers import handshake
from harness.brokers.handshake import Greet
from harness.brokers.products.base import (
    EVERYWHERE,
    LOOPBACK,
    Contained,
    Installation,
    Launch,
    python_environment,
)

PACKAGE = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Pylog:
    """Settings have Apache Kafka's names, so the two are configured alike."""

    name: str = "pylog"
    title: str = "pylog"
    port_count: int = 1
    default_port: int = 9092
    greet: Greet = handshake.kafka

    def locate(self) -> Installation:
        return Installation(__version__, PACKAGE, "part of this package")

    def server_settings(self, tier: str) -> dict[str, str]:
        """D2 flushes each append before it is acknowledged; D0 and D1 leave it to the page cache, as Kafka does.

        A new group does not wait three seconds for further members: the same setting as Kafka's here.
        """
        flush = {"log.flush.interval.messages": "1"} if tier == "D2" else {}
        return {"group.initial.rebalance.delay.ms": "0", **flush}

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        argv = [sys.executable, "-m", "harness.pylog_broker", "serve", "--host", LOOPBACK, "--port", str(ports[0])]
        argv += ["--data-dir", str(folder / "data")]
        for name, value in settings.items():
            argv += ["--set", f"{name}={value}"]
        return Launch(argv, python_environment(folder), dict(settings), grace_s=5.0)

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        data = "/var/lib/pylog"
        command = ["serve", "--host", EVERYWHERE, "--port", str(port), "--data-dir", data]
        command += ["--advertised", f"{LOOPBACK}:{port}"]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        return Contained(data, {}, dict(settings), command=command)
