"""The Debian image that the others are built on: pulled, or made with debootstrap where no registry can be reached.

The mirror is the one in this machine's own apt sources. What was made is kept as a tar in the cache, so that an engine
that is new gets it in seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from harness.brokers import engine, images
from harness.brokers.images import Say
from harness.brokers.places import cache_folder
from harness.brokers.running import run
from harness.errors import BrokerMissing

RELEASE = "trixie"
BASE_VARIABLE = "HARNESS_BASE_IMAGE"
INSTALL_DEBOOTSTRAP = "sudo apt-get install debootstrap && sudo make images"


def ensure_base(say: Say, *, make: bool = True) -> tuple[str, str]:
    """Name and id of the base image. Raises BrokerMissing when it can neither be pulled nor made (nor may be)."""
    name = images.names()[BASE_VARIABLE]
    client = engine.connect()
    if not client.images.list(name):
        try:
            images.pull(name, say)
        except BrokerMissing as refusal:
            if not make:
                raise
            say(f"{refusal.message}; making it from Debian's packages instead")
            repository, tag = images.split(name)
            with _tarball(say).open("rb") as stream:
                client.api.import_image_from_stream(stream, repository=repository, tag=tag)
    return name, str(client.images.get(name).id)


def _tarball(say: Say) -> Path:
    """A root file system of Debian, from the cache or made now (about half a minute)."""
    kept = cache_folder() / "images" / f"{RELEASE}.tar"
    if kept.is_file():
        return kept
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise BrokerMissing(
            "making the base image needs root and debootstrap, and there is no image registry",
            next_command=INSTALL_DEBOOTSTRAP,
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    url = mirror()
    say(f"debootstrap {RELEASE} from {url}")
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".base-") as scratch:
        root = Path(scratch) / "root"
        argv = ["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), url]
        run(argv, kept.parent / "build.log")
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        (root / "var/cache/apt/archives/partial").mkdir(parents=True)
        fresh = Path(scratch) / "base.tar"
        with tarfile.open(fresh, "w") as tar:
            tar.add(root, arcname=".")
        fresh.rename(kept)
    return kept


def mirror(apt: Path = Path("/etc/apt")) -> str:
    """The first Debian archive in apt's sources, in either of their two formats. Raises BrokerMissing when there is none."""
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in _sources(apt)]
    for text in texts:
        for line in text.splitlines():
            one_line = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+", line)
            field = re.match(r"\s*URIs:\s*(\S+)", line)
            found = one_line or field
            if found and re.search(r"/debian/?$", found.group(1)):
                return found.group(1)
    raise BrokerMissing("apt's sources name no Debian archive", next_command="cat /etc/apt/sources.list")


def _sources(apt: Path) -> list[Path]:
    folder = apt / "sources.list.d"
    files = [apt / "sources.list", *sorted(folder.glob("*.sources")), *sorted(folder.glob("*.list"))]
    return [file for file in files if file.is_file()]
