"""Debian's packages: missing tools are installed, RabbitMQ is only unpacked.

RabbitMQ's package would enable a system service, create a user and bring up an epmd. Unpacked into the cache it does
none of that, needs no root, and two versions can lie beside each other. Everything goes through apt-get and dpkg-deb,
with the sources this machine is set up for.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.brokers.running import run
from harness.errors import BrokerMissing

RABBITMQ = "rabbitmq-server"
# What of the closure is unpacked: Erlang and the server. Its other dependencies (cron, logrotate, adduser) serve the system service alone.
UNPACKED = re.compile(r"^(erlang-|rabbitmq-server$)")
LIBRARY = re.compile(r"^lib")

Say = Callable[[str], None]


def available() -> bool:
    """Whether this is a Debian, or something like it."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def root_prefix() -> list[str] | None:
    """What to put before a command that needs root: nothing, ``sudo``, or None when neither is possible."""
    if os.geteuid() == 0:
        return []
    return ["sudo"] if shutil.which("sudo") else None


def install_commands(packages: Sequence[str]) -> list[list[str]]:
    """Install packages system-wide. Only tools without services are installed this way."""
    prefix = root_prefix()
    prefix = ["sudo"] if prefix is None else prefix  # shown to the person, who may know a way
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    return [
        [*prefix, "apt-get", "update", "-q"],
        [*prefix, *environment, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
    ]


def private_options(scratch: Path) -> list[str]:
    """apt options that keep package lists and caches out of /var, so that no root is needed and nothing is touched."""
    for folder in ("lists/partial", "archives/partial"):
        (scratch / folder).mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State::Lists": str(scratch / "lists"),
        "Dir::Cache::Archives": str(scratch / "archives"),
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",  # the lists are ours to write; another user could not reach them
    }
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


def unpack_rabbitmq(scratch: Path, target: Path, log: Path, say: Say) -> None:
    """Download RabbitMQ and Erlang and unpack them below ``target``. Raises BrokerMissing."""
    options = private_options(scratch)
    say("reading Debian's package lists")
    run(["apt-get", *options, "update", "-q"], log)
    packages = rabbitmq_packages(options, log)
    say(f"downloading {len(packages)} packages")
    downloads = scratch / "downloads"
    downloads.mkdir()
    run(["apt-get", *options, "download", "-q", *packages], log, cwd=downloads)
    target.mkdir(parents=True)
    for package in sorted(downloads.glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(target)], log)


def rabbitmq_packages(options: Sequence[str], log: Path) -> list[str]:
    """The packages to unpack: all of Erlang's that RabbitMQ depends on, and the shared libraries this machine lacks."""
    simulate = ["apt-get", *options, "install", "-s", "-q", "--no-install-recommends"]
    everything = _installed_by(run([*simulate, "-o", "Dir::State::status=/dev/null", RABBITMQ], log))
    lacking = _installed_by(run([*simulate, RABBITMQ], log))
    packages = [name for name in everything if UNPACKED.match(name)]
    packages += [name for name in lacking if LIBRARY.match(name) and name not in packages]
    if RABBITMQ not in packages:
        raise BrokerMissing(
            "Debian's package lists have no rabbitmq-server", next_command="apt-cache policy rabbitmq-server"
        )
    return packages


def _installed_by(simulation: str) -> list[str]:
    """Names on the ``Inst`` lines of ``apt-get install -s``, without the architecture."""
    return [line.split()[1].partition(":")[0] for line in simulation.splitlines() if line.startswith("Inst ")]
