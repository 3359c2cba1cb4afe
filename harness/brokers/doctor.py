"""What can run here, how, and the exact command that gets the rest."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.brokers import debian
from harness.brokers.address import address_variable, without_secrets
from harness.brokers.external import ExternalBroker
from harness.brokers.places import cache_folder
from harness.brokers.products import java
from harness.brokers.registry import REGISTRY, UNDER_TEST, product
from harness.errors import BrokerMissing, HarnessError


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """How a broker would be had: ``backend`` and, for an external one, its address. ``source`` says who decided."""

    backend: str
    url: str | None
    source: str


@dataclass(frozen=True, slots=True)
class BrokerCheck:
    """One broker. ``reason`` and ``next_command`` are empty when it is available.

    ``docker`` is the image that a container would run, or why there would be none; empty for an external broker.
    """

    name: str
    title: str
    available: bool
    version: str
    backend: str
    where: str
    docker: str
    reason: str
    next_command: str


@dataclass(frozen=True, slots=True)
class ToolCheck:
    """One thing that brokers or their installation need."""

    name: str
    available: bool
    version: str
    needed_for: str
    next_command: str


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything ``harness doctor`` prints."""

    brokers: tuple[BrokerCheck, ...]
    tools: tuple[ToolCheck, ...]
    cache: str
    free_mb: int
    engine: str  # the container engine, or why there is none
    demo: str  # docker or process: what make demo takes as things stand

    @property
    def complete(self) -> bool:
        return all(check.available for check in self.brokers)

    @property
    def next_command(self) -> str:
        """One command for all that is missing; empty when nothing is."""
        lacking = [check.name for check in self.brokers if not check.available and check.backend == "process"]
        return f"harness broker install {' '.join(lacking)}" if lacking else ""

    def as_document(self) -> dict[str, object]:
        return {**asdict(self), "complete": self.complete, "next_command": self.next_command}


def resolve(
    name: str, url: str | None = None, environment: Mapping[str, str] | None = None, backend: str = "process"
) -> BrokerChoice:
    """How to get a broker: the address on the command line, the one in the environment, else by ``backend``."""
    environment = os.environ if environment is None else environment
    if url:
        return BrokerChoice("external", url, "command line")
    if given := environment.get(address_variable(product(name).name)):
        return BrokerChoice("external", given, address_variable(name))
    return BrokerChoice(backend, None, "local copy" if backend == "process" else "container")


def doctor(names: Sequence[str] = UNDER_TEST, environment: Mapping[str, str] | None = None) -> DoctorReport:
    """Look at everything; nothing is started, external addresses are greeted. Raises UsageError for an unknown name."""
    engine, images = _engine(names)
    checks = tuple(_check(name, environment, images.get(name)) for name in names)
    contained = bool(images) and all(images[check.name].present for check in checks if check.backend != "external")
    cache = cache_folder(environment)
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free >> 20
    return DoctorReport(checks, _tools(), str(cache), free_mb, engine, "docker" if contained else "process")


@dataclass(frozen=True, slots=True)
class _ImageCheck:
    """What a container of a broker would run, in words."""

    present: bool
    text: str


def _engine(names: Sequence[str]) -> tuple[str, dict[str, _ImageCheck]]:
    """The engine in words, and for each broker its image; no images where there is no engine. Nothing is pulled."""
    from harness.brokers import engine, images  # heavy: only this command and runs in containers need it

    if reason := engine.reason_missing():
        return reason, {}
    found = {}
    for name in names:
        try:
            image = images.present(name)
            text = (
                image.name
                if image
                else f"{images.official_name(name)} is not here (pulled when needed; or: {images.MAKE_IMAGES})"
            )
            found[name] = _ImageCheck(image is not None, text)
        except HarnessError as error:
            found[name] = _ImageCheck(False, error.message)
    return f"{engine.describe()}, at {engine.address()}", found


def _check(name: str, environment: Mapping[str, str] | None, image: _ImageCheck | None) -> BrokerCheck:
    row = functools.partial(_row, image.text if image else "no engine")
    subject = product(name)
    choice = resolve(name, environment=environment)
    if choice.url is not None:
        try:
            info = ExternalBroker.create(subject, Path(), choice.url).start(tier="D1", settings={})
        except HarnessError as error:
            # A refusing broker is the user's to mend; the local copy is one unset variable away.
            next_command = f"env -u {choice.source} harness doctor {name}"
            return row(
                name,
                False,
                "",
                "external",
                without_secrets(name, choice.url),
                reason=error.message,
                next_command=next_command,
            )
        return row(name, True, info.version, "external", f"{info.address} (from {choice.source})")
    try:
        installation = subject.locate()
    except BrokerMissing as error:
        return row(name, False, "", "process", "", reason=error.message, next_command=error.next_command or "")
    return row(name, True, installation.version, "process", installation.where)


def _row(
    docker: str,
    name: str,
    available: bool,
    version: str,
    backend: str,
    where: str,
    *,
    reason: str = "",
    next_command: str = "",
) -> BrokerCheck:
    title = REGISTRY[name].title
    return BrokerCheck(name, title, available, version, backend, where, docker, reason, next_command)


def _tools() -> tuple[ToolCheck, ...]:
    found = java.find_java()
    apt = "apt-get" if debian.root_prefix() == [] else "sudo apt-get"
    python = ".".join(str(part) for part in sys.version_info[:3])
    checks = [
        ToolCheck("python", True, python, "everything", ""),
        ToolCheck(
            "java",
            found is not None,
            found.version if found else "",
            "kafka, activemq",
            "" if found else f"{apt} install default-jre-headless",
        ),
        _program("mvn", "installing kafka, activemq", f"{apt} install maven"),
        _program("apt-get", "installing rabbitmq", "run this on Debian, or install RabbitMQ by hand"),
    ]
    return tuple(checks)


def _program(name: str, needed_for: str, next_command: str) -> ToolCheck:
    path = shutil.which(name)
    return ToolCheck(name, path is not None, path or "", needed_for, "" if path else next_command)
