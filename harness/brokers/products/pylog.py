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

ADVERTISED = "advertised.listeners"  # PROTOCOL://HOST:PORT, Apache Kafka's name and form
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

        A new group does not wait three seconds for further members, and members of share groups send a heartbeat twice a second: the
        same settings as Kafka's here.
        """
        flush = {"log.flush.interval.messages": "1"} if tier == "D2" else {}
        return {
            "group.initial.rebalance.delay.ms": "150",
            "group.share.heartbeat.interval.ms": "500",
            "group.share.min.heartbeat.interval.ms": "500",
            "group.share.session.timeout.ms": "6000",
            "group.share.min.session.timeout.ms": "6000",
            **flush,
        }

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        argv = [sys.executable, "-m", "harness.pylog_broker", "serve", "--host", LOOPBACK, "--port", str(ports[0])]
        argv += ["--data-dir", str(folder / "data")]
        argv += _arguments(settings)
        return Launch(argv, python_environment(folder), dict(settings), grace_s=5.0)

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        data = "/var/lib/pylog"
        command = ["serve", "--host", EVERYWHERE, "--port", str(port), "--data-dir", data]
        command += _arguments({ADVERTISED: f"PLAINTEXT://{LOOPBACK}:{port}"} | dict(settings))
        return Contained(data, {}, dict(settings), command=command)


def _arguments(settings: Mapping[str, str]) -> list[str]:
    """Settings as the command line takes them; the address that clients are told has a flag of its own."""
    arguments: list[str] = []
    for name, value in settings.items():
        if name == ADVERTISED:
            arguments += ["--advertised", value.rpartition("/")[2]]
        else:
            arguments += ["--set", f"{name}={value}"]
    return arguments
