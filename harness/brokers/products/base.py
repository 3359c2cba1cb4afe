"""What every broker under test tells about itself. A backend (local process, external address) does the rest.

A new broker is one file here and one line in the registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.brokers.handshake import Greet

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container, whose ports are published on 127.0.0.1 only


@dataclass(frozen=True, slots=True)
class Installation:
    """A copy of the broker's program on this machine. ``where`` says it in words; ``java`` is empty where none is needed."""

    version: str
    home: Path
    where: str
    java: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one instance: program, environment, helpers that must run beside it, and what is in force.

    ``settings`` goes to the parity ledger; ``management`` to the adapters; ``own`` counts the broker's own processes
    for sampling: True takes the whole tree, False only the main process.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    settings: Mapping[str, str]
    companions: Sequence[Sequence[str]] = ()
    management: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Contained:
    """How one instance runs in a container, of an official image or of one built here.

    ``data`` is the folder that outlives the container (a volume); ``files`` are put into it before it starts, by path;
    ``command`` is empty where the image's own is right; ``settings`` is what is in force.
    """

    data: str
    files: Mapping[str, str]
    settings: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    grace_s: float = 10.0


class Product(Protocol):
    """A broker product, without any instance of it."""

    @property
    def name(self) -> str:
        """Registry name, lower case."""
        ...

    @property
    def title(self) -> str:
        """The name on the report."""
        ...

    @property
    def port_count(self) -> int:
        """Ports one node listens on; the first is the one for clients."""
        ...

    @property
    def default_port(self) -> int:
        """Where an external one listens when the address names no port."""
        ...

    @property
    def greet(self) -> Greet:
        """The first exchange of its protocol."""
        ...

    def locate(self) -> Installation:
        """The local copy. Raises BrokerMissing with the command that gets it."""
        ...

    def server_settings(self, tier: str) -> dict[str, str]:
        """Server-side settings for a durability tier. Pure: the parity ledger and ``--dry-run`` print it."""
        ...

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        """Write the configuration below ``folder`` (``data`` in it is the only part that is wiped) and say how to start.

        Called again before every restart, with the same arguments; must leave existing data alone.
        """
        ...

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        """The same instance for a container: the same settings files, on all of the container's addresses.

        The port is the same inside and outside, so that the address a broker advertises is right on both sides. Pure.
        Raises UsageError for a product that has no image.
        """
        ...


def quiet_environment(home: Path) -> dict[str, str]:
    """An environment that takes nothing from the person's own: no JAVA_TOOL_OPTIONS, no proxy, no RABBITMQ_*."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}


def python_environment(folder: Path) -> dict[str, str]:
    """For programs of this package: a checkout must be put on the path, an installed package is there already."""
    package = Path(__file__).resolve().parent.parent.parent
    installed = package.parent.name in ("site-packages", "dist-packages")
    path = {} if installed else {"PYTHONPATH": str(package.parent)}
    return quiet_environment(folder) | path
