"""Which brokers there are, and which ways to have one: one line each.

A *product* says what to run, which settings a tier means and how the broker greets; a *backend* says where it runs
and how it is stopped, killed, paused and looked at. Another way to run brokers is one file with a class like
``ProcessBroker`` or ``DockerBroker`` and one line in ``BACKENDS``: products and everything that uses ``Broker`` stay as
they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.brokers.api import Broker
from harness.brokers.external import ExternalBroker
from harness.brokers.process import ProcessBroker
from harness.brokers.products.activemq import OLDER_NAME, OLDER_VERSION, ActiveMQ
from harness.brokers.products.base import Product
from harness.brokers.products.kafka import Kafka
from harness.brokers.products.memory import Memory
from harness.brokers.products.pylog import Pylog
from harness.brokers.products.rabbitmq import RabbitMQ
from harness.errors import BrokerMissing, UsageError

REGISTRY: Mapping[str, Product] = {
    product.name: product for product in (Pylog(), RabbitMQ(), ActiveMQ(), Kafka(), Memory())
} | {OLDER_NAME: ActiveMQ(version=OLDER_VERSION)}

UNDER_TEST = ("pylog", "rabbitmq", "activemq", "kafka")  # the competitors, in the order of reports


def _docker(product: Product, root: Path, url: str | None) -> Broker:
    """Imported when asked for: the engine's client is heavy, and most commands need none."""
    from harness.brokers.docker import DockerBroker

    return DockerBroker.create(product, root, url)


BACKENDS: Mapping[str, Callable[[Product, Path, str | None], Broker]] = {
    "process": ProcessBroker.create,
    "docker": _docker,
    "external": ExternalBroker.create,
}


def product(name: str) -> Product:
    """Raises UsageError with the nearest name."""
    if name in REGISTRY:
        return REGISTRY[name]
    nearest = difflib.get_close_matches(name, REGISTRY, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(REGISTRY)}"
    raise UsageError(f"unknown broker {name!r}{hint}", next_command="harness broker ls")


def create(name: str, *, root: Path, backend: str = "process", url: str | None = None) -> Broker:
    """One instance of the broker ``name``, not started. ``root`` is its own folder; ``url`` the address of an external one.

    For a local process, ``url`` may be ``host:port`` too: then exactly that port is used. Raises UsageError.
    """
    if backend not in BACKENDS:
        nearest = difflib.get_close_matches(backend, BACKENDS, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(BACKENDS)}"
        raise UsageError(f"unknown backend {backend!r}{hint}", next_command="harness doctor")
    return BACKENDS[backend](product(name), root, url)


def missing_reason(name: str) -> str | None:
    """Why a private local instance cannot run here, with the command that changes it; None when it can."""
    try:
        product(name).locate()
    except BrokerMissing as error:
        return f"{error.message}; get it with: {error.next_command}"
    return None
