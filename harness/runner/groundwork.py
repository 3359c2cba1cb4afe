"""What has to be in place before a broker starts for a fault to come: a proxy in its link, a small disk below its data.

Only what a workload's faults need is laid; a workload without such faults talks to its broker directly.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.brokers.handshake import NotReady
from harness.brokers.limits import DATA_SETTING
from harness.brokers.ports import free_ports
from harness.brokers.products.base import LOOPBACK
from harness.brokers.registry import product
from harness.errors import HarnessError, Unsupported
from harness.faults.disk import SmallDisk
from harness.faults.evidence import RoundTrip
from harness.faults.helper import HelperFailed
from harness.faults.link import Link
from harness.model.broker import BrokerInfo
from harness.model.workload import Fault, Workload

ADVERTISED = (
    "advertised.listeners"  # brokers of the Kafka protocol tell clients where to go, so they must name the proxy
)
KAFKA_PROTOCOL = ("pylog", "kafka")


class GroundMissing(HarnessError):
    """This machine cannot have what a fault needs: nothing of the workload is run, and it is said why."""

    code = "H021"
    exit_code = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the faults of a workload need laid; equal ones can share a broker."""

    link: bool = False
    disk_bytes: int = 0

    @staticmethod
    def by(workload: Workload) -> Wanted:
        faults: list[Fault] = [phase.fault for phase in workload.phases if phase.fault is not None]
        link = any(fault.kind in ("cut", "slow") for fault in faults)
        return Wanted(link, max((fault.size for fault in faults if fault.kind == "fill"), default=0))


@dataclass
class Groundwork:
    """Lay it before ``Broker.start``, pass ``settings`` to that, ask ``reached`` for what the clients get, ``close`` it after ``stop``.

    Raises GroundMissing where this machine cannot have it, Unsupported where the broker's backend cannot.
    """

    broker: str = ""
    link: Link | None = None
    disk: SmallDisk | None = None
    settings: dict[str, str] = field(default_factory=dict)
    behind: BrokerInfo | None = None  # the broker itself, when a link stands before it

    @staticmethod
    def lay(wanted: Wanted, broker: str, backend: str, root: Path) -> Groundwork:
        ground = Groundwork(broker)
        if wanted != Wanted() and backend == "external":
            raise Unsupported("a link is cut and a disk is filled only for a broker that the harness starts itself")
        try:
            if wanted.link:
                ground.link = Link(free_ports(1)[0])
                if broker in KAFKA_PROTOCOL:
                    ground.settings[ADVERTISED] = f"PLAINTEXT://{LOOPBACK}:{ground.link.port}"
            if wanted.disk_bytes:
                root.mkdir(parents=True, exist_ok=True)
                ground.disk = SmallDisk(root / "data", wanted.disk_bytes)
                if backend == "docker":
                    ground.settings[DATA_SETTING] = str(ground.disk.folder)
        except HelperFailed as problem:
            ground.close()
            raise GroundMissing(problem.message, next_command=problem.next_command) from problem
        except BaseException:
            ground.close()
            raise
        return ground

    @staticmethod
    def beside(info: BrokerInfo) -> Groundwork:
        """Nothing laid, for a broker that runs already."""
        return Groundwork(info.name, behind=info)

    def reached(self, info: BrokerInfo) -> BrokerInfo:
        """Where clients find the broker: through the link, if there is one. Raises GroundMissing for data that lies elsewhere."""
        self.behind = info
        if self.disk is not None and not self.disk.used():
            raise GroundMissing(
                f"the data of {info.name} does not lie on the small disk at {self.disk.folder}",
                next_command="docker context ls   (the engine has to run on this machine)",
            )
        if self.link is None:
            return info
        self.link.lead_to(info.host, info.port)
        return replace(info, host=LOOPBACK, port=self.link.port)

    def answer(self, *, through_link: bool) -> RoundTrip:
        """A probe that speaks the broker's protocol, through the link or beside it."""
        info = self.behind
        assert info is not None
        port = self.link.port if self.link is not None and through_link else info.port
        greet = product(info.name).greet

        def probe(timeout_s: float) -> float | None:
            started = time.perf_counter()
            try:
                greet(info.host, port, timeout_s)
            except NotReady:
                return None
            return time.perf_counter() - started

        return probe

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
        if self.disk is not None:
            self.disk.close()
