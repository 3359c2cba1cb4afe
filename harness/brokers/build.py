"""``make images``: build the brokers' images from the Dockerfiles in ``compose/images``, for places without a registry.

A build takes its jars from Maven through the same copies that local brokers use, RabbitMQ and Java from Debian, and pylog
from this package. An image carries the digest of what it was built from and is left alone while that holds. Also a
command: ``python -m harness.brokers.build rabbitmq kafka``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from harness import __version__
from harness.brokers import engine, images
from harness.brokers.base_image import ensure_base
from harness.brokers.images import CONTENT_LABEL, VERSION_LABEL, Say
from harness.brokers.install import apply, plan_install
from harness.brokers.places import cache_folder, compose_folder
from harness.brokers.registry import UNDER_TEST, product
from harness.brokers.running import run
from harness.errors import BrokerMissing, HarnessError

JARS = {"kafka": "libs", "activemq": "lib"}  # broker -> folder of its jars in the context
PYLOG_LIBRARY = "google-crc32c"
PYLOG_PYTHON = "3.13"  # of the base image
MACHINES = {"x86_64": "manylinux2014_x86_64", "amd64": "manylinux2014_x86_64", "aarch64": "manylinux2014_aarch64"}


def build(broker: str, base: tuple[str, str], say: Say) -> str:
    """Build the image of one broker, unless it is there. Returns its name. Raises BrokerMissing."""
    name = images.built_name(broker)
    with tempfile.TemporaryDirectory(prefix=f"harness-image-{broker}-") as scratch:
        context = Path(scratch)
        shutil.copytree(compose_folder() / "images" / broker, context, dirs_exist_ok=True)
        _stage(broker, context, say)
        content = _digest(context, base[1])
        if _content_of(name) == content:
            say(f"{name} is here already")
            return name
        say(f"building {name}")
        _build(name, context, {"BASE": base[0]}, {CONTENT_LABEL: content, VERSION_LABEL: images.split(name)[1]}, say)
    return name


def _stage(broker: str, context: Path, say: Say) -> None:
    """Put beside the Dockerfile what it copies."""
    if broker in JARS:
        failures = apply(plan_install([broker]), say)
        if failures:
            raise BrokerMissing("; ".join(failures.values()), next_command=f"harness broker install {broker}")
        subject = product(broker)
        shutil.copytree(subject.locate().home / "libs", context / JARS[broker])
        # what the image runs with until it is given something else: the settings that the harness gives
        for path, text in subject.contain(subject.default_port, subject.server_settings("D1")).files.items():
            (context / Path(path).name).write_text(text, encoding="utf-8")
    if broker == "pylog":
        _stage_pylog(context / "program")


def _stage_pylog(program: Path) -> None:
    """The program and the one library that it needs, for the image's Python: the wheel is unpacked, not installed."""
    package = Path(__file__).resolve().parent.parent
    leave_out = shutil.ignore_patterns("__pycache__", "*.md")
    shutil.copytree(package / "pylog_broker", program / "harness" / "pylog_broker", ignore=leave_out)
    (program / "harness" / "__init__.py").write_text(f'__version__ = "{__version__}"\n', encoding="utf-8")
    version = importlib.metadata.version(PYLOG_LIBRARY)
    wheels = cache_folder() / "images" / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    pattern = f"{PYLOG_LIBRARY.replace('-', '_')}-{version}-cp{PYLOG_PYTHON.replace('.', '')}-*.whl"
    if not list(wheels.glob(pattern)):
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        argv += ["--python-version", PYLOG_PYTHON, "--platform", MACHINES.get(os.uname().machine, os.uname().machine)]
        run([*argv, "--dest", str(wheels), f"{PYLOG_LIBRARY}=={version}"], wheels.parent / "build.log")
    with zipfile.ZipFile(next(iter(sorted(wheels.glob(pattern))))) as wheel:
        wheel.extractall(program)


def _digest(context: Path, base: str) -> str:
    """Of every file that goes in, by name and content, and of the base."""
    digest = hashlib.sha256(base.encode())
    for path in sorted(context.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(context)}\0{path.stat().st_size}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _content_of(name: str) -> str:
    try:
        return str((engine.connect().images.get(name).labels or {}).get(CONTENT_LABEL, ""))
    except ImageNotFound:
        return ""


def _build(name: str, context: Path, arguments: dict[str, str], labels: dict[str, str], say: Say) -> None:
    """One build by the engine. Its network is the machine's own: what apt reaches here, it reaches there."""
    said: list[str] = []
    try:
        for line in engine.connect().api.build(
            path=str(context), tag=name, buildargs=arguments, labels=labels, network_mode="host", rm=True, decode=True
        ):
            text = str(line.get("stream") or "").rstrip()
            if text:
                said.append(text)
            if text.startswith("Step "):
                say(f"{name}: {text}")
            if "error" in line:
                words = "\n".join(f"    {one}" for one in said[-12:])
                raise BrokerMissing(f"{name} cannot be built: {line['error']}\n{words}", next_command="make images")
    except (APIError, DockerException, requests.RequestException) as error:
        raise BrokerMissing(f"{name} cannot be built: {engine.first_line(error)}", next_command="docker info") from None


def build_all(brokers: Sequence[str], say: Say) -> dict[str, str]:
    """Build what is missing; one that fails does not keep the others from being tried. Returns broker -> why it failed."""
    failures: dict[str, str] = {}
    base = ensure_base(say)
    for broker in brokers:
        try:
            build(product(broker).name, base, say)
        except HarnessError as error:
            failures[broker] = error.message
            say(f"failed: {error.message}")
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m harness.brokers.build``. Exit codes: 0 all there, 3 something could not be had."""
    parser = argparse.ArgumentParser(prog="python -m harness.brokers.build", description="Build images of brokers.")
    parser.add_argument("brokers", nargs="*", default=list(UNDER_TEST), help="default: all of them")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    try:
        failures = build_all(options.brokers, say)
    except HarnessError as error:
        sys.stderr.write(f"{error.message}\n  next: {error.next_command}\n")
        return error.exit_code
    return 3 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
