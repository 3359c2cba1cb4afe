"""Which image a broker runs from: an official one by default, one built here where there is no registry.

Names and versions stand in ``compose/.env`` and nowhere else; a variable of the same name in the environment goes
before. The official image is taken when it is on the machine, then the one that ``make images`` built, then the
official one is pulled. Where that is refused, the error says so and names ``make images``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from harness.brokers import engine
from harness.brokers.places import compose_folder
from harness.errors import BrokerMissing

Say = Callable[[str], None]

NAMES_FILE = ".env"
MAKE_IMAGES = "make images"
SHOWN_EVERY_BYTES = 8 << 20
VERSION_LABEL = "org.opencontainers.image.version"
CONTENT_LABEL = "messaging-harness.content"  # digest of what an image was built from here


@dataclass(frozen=True, slots=True)
class Image:
    """One image on the machine. ``identity`` is its repository digest where it has one, else its id.

    ``version`` is what its label says, else its tag: a Kafka broker does not tell its version to clients.
    """

    name: str
    identity: str
    version: str


def names(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of ``compose/.env``, overridden by the environment."""
    environment = os.environ if environment is None else environment
    text = (compose_folder() / NAMES_FILE).read_text(encoding="utf-8")
    pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: environment.get(name) or value for name, _, value in pairs}


def official_name(broker: str) -> str:
    """The image of a broker that was asked for. Raises BrokerMissing for a broker without one."""
    try:
        return names()[f"HARNESS_{broker.upper()}_IMAGE"]
    except KeyError:
        raise BrokerMissing(f"there is no image of {broker}", next_command=f"harness broker up {broker}") from None


def built_name(broker: str) -> str:
    """What ``make images`` calls its image of a broker."""
    return names()[f"HARNESS_{broker.upper()}_BUILT"]


def present(broker: str, chosen: str = "") -> Image | None:
    """The image that would be taken, if it is on the machine. ``chosen`` is a name that a person insists on."""
    client = engine.connect()
    asked = chosen or official_name(broker)
    candidates = [asked] if chosen or _overridden(broker) else [asked, built_name(broker)]
    for name in dict.fromkeys(candidates):
        try:
            with engine.talking():
                image = client.images.get(name)
        except ImageNotFound:
            continue
        digests = image.attrs.get("RepoDigests") or []
        version = (image.labels or {}).get(VERSION_LABEL) or split(name)[1]
        return Image(name, str(digests[0]).partition("@")[2] if digests else str(image.id), version)
    return None


def ensure(broker: str, say: Say, chosen: str = "", *, make_base: bool = True) -> Image:
    """The image, pulled if need be; one of ours that is on no registry is built. Raises BrokerMissing when it cannot be had.

    ``make_base`` False builds on a base that is there or can be pulled, and on no other.
    """
    found = present(broker, chosen)
    if found is None:
        name = chosen or official_name(broker)
        if name == built_name(broker):
            from harness.brokers.base_image import ensure_base
            from harness.brokers.build import build

            build(broker, ensure_base(say, make=make_base), say)
        else:
            try:
                pull(name, say)
            except BrokerMissing as refused:
                if chosen or _overridden(broker):  # what is built here would not be taken
                    refused.next_command = f"docker pull {name}"
                raise
        found = present(broker, chosen)
    if found is None:
        raise BrokerMissing(f"there is no image of {broker} on this machine", next_command=MAKE_IMAGES)
    return found


def pull(name: str, say: Say) -> None:
    """Fetch an image, saying how far it got. Raises BrokerMissing when the registry refuses or cannot be reached."""
    client = engine.connect()
    repository, tag = split(name)
    say(f"pulling {name}")
    layers: dict[str, tuple[int, int]] = {}
    shown = 0
    try:
        for line in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in line:
                raise _refused(name, str(line["error"]))
            detail = line.get("progressDetail") or {}
            if line.get("status") == "Downloading" and detail.get("total"):
                layers[str(line.get("id"))] = (int(detail["current"]), int(detail["total"]))
                done, total = (sum(column) for column in zip(*layers.values(), strict=True))
                if done - shown >= SHOWN_EVERY_BYTES:
                    shown = done
                    say(f"pulling {name}: {done >> 20} of {total >> 20} MiB")
    except (APIError, DockerException, requests.RequestException) as error:
        if isinstance(error, APIError) and error.response is not None:
            error.response.close()  # a stream that was refused is not read to its end
        raise _refused(name, engine.first_line(error)) from None


def split(name: str) -> tuple[str, str]:
    """``registry:5000/a/b:tag`` -> repository and tag; ``latest`` when there is none. A digest stays with the repository."""
    if "@" in name:
        return name, ""
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def _overridden(broker: str) -> bool:
    """Whether a person named the image: then no other is taken in its place."""
    return bool(os.environ.get(f"HARNESS_{broker.upper()}_IMAGE"))


def _refused(name: str, reason: str) -> BrokerMissing:
    return BrokerMissing(f"the image {name} cannot be pulled: {reason}", next_command=MAKE_IMAGES)
