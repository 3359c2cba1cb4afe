"""Builds the programs around clients of other languages, once for each state of their sources: `make clients`.

    python -m tests.clients.prepare [NAME...]

Results lie in the cache folder, `<cache>/clients/<name>-<digest of the sources>`. What has no toolchain on this machine
is named and left out; tests of it are skipped by name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.brokers.places import cache_folder
from harness.brokers.products.kafka import VERSION as KAFKA_VERSION

SOURCES = Path(__file__).parent
BUILD_SECONDS_MAX = 900


@dataclass(frozen=True)
class Client:
    """One client: what it needs to be built and run, and how."""

    name: str
    tools: tuple[str, ...]
    build: Callable[[Path, Path], None]
    """From the folder of the sources into that of the result."""

    @property
    def sources(self) -> Path:
        return SOURCES / self.name

    @property
    def folder(self) -> Path:
        digest = hashlib.sha256(KAFKA_VERSION.encode())
        for path in sorted(self.sources.glob("*.*")):
            digest.update(path.name.encode() + path.read_bytes())
        return cache_folder() / "clients" / f"{self.name}-{digest.hexdigest()[:12]}"

    def missing_tool(self) -> str | None:
        """What this machine lacks to build it, or None."""
        lacking = [tool for tool in self.tools if shutil.which(tool) is None]
        if lacking:
            return f"there is no {lacking[0]} on this machine"
        if self.name == "java" and not kafka_libraries().is_dir():
            return "there is no local copy of Apache Kafka; `harness broker install kafka` gets it"
        return None

    def missing_reason(self) -> str | None:
        """Why it cannot be run, or None."""
        return self.missing_tool() or (None if self.folder.is_dir() else "it is not built; `make clients` builds it")

    def prepare(self) -> None:
        """Build it, unless that was done already."""
        if self.folder.is_dir():
            return
        partial = self.folder.with_name(f"{self.folder.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            self.build(self.sources, partial)
            partial.rename(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def kafka_libraries() -> Path:
    """The folder of the local copy's jars."""
    return cache_folder() / "kafka" / KAFKA_VERSION / "libs"


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=BUILD_SECONDS_MAX)


def _build_kafkajs(sources: Path, target: Path) -> None:
    for name in ("package.json", "package-lock.json", "client.mjs"):
        shutil.copy(sources / name, target)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=target)


def _build_franz_go(sources: Path, target: Path) -> None:
    _run("go", "build", "-mod=readonly", "-o", str(target / "client"), ".", cwd=sources)


def _build_java(sources: Path, target: Path) -> None:
    names = ("Client.java", "ShareSteps.java", "Tools.java")
    _run("javac", "-nowarn", "-cp", f"{kafka_libraries()}/*", "-d", str(target), *names, cwd=sources)
    (target / "log4j2.properties").write_text("status = error\nrootLogger.level = error\n")


CLIENTS = {
    client.name: client
    for client in (
        Client("java", ("java", "javac"), _build_java),
        Client("franz_go", ("go",), _build_franz_go),
        Client("kafkajs", ("node", "npm"), _build_kafkajs),
    )
}


def main(names: list[str]) -> int:
    """Build what can be built; 1 when a build fails."""
    failed = False
    for client in CLIENTS.values():
        if names and client.name not in names:
            continue
        lacking = client.missing_tool()
        if lacking is not None:
            print(f"{client.name}: left out: {lacking}", flush=True)
            continue
        try:
            client.prepare()
            print(f"{client.name}: ready", flush=True)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{client.name}: cannot be built: {error}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
