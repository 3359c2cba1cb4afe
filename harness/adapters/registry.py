"""Which adapters there are, and which brokers each serves. A new adapter is a module and a line here."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from harness.errors import UsageError
from harness.model.messages import Adapter

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """``factory`` is ``module:class``, imported when first needed: a client library costs start-up time.

    ``brokers`` are the registry names of the brokers it serves; ``variants`` the settings that the contract suite runs with.
    """

    factory: str
    brokers: tuple[str, ...]
    variants: tuple[Settings, ...] = ({},)


REGISTRY: Mapping[str, Entry] = {
    "memory": Entry("harness.adapters.memory.client:MemoryAdapter", ("memory",)),
    "null": Entry("harness.adapters.null:NullAdapter", ("null",)),
    "kafka": Entry(
        "harness.adapters.kafka:KafkaAdapter",
        ("pylog", "kafka"),
        ({"client": "confluent"}, {"client": "kafka-python"}, {"consumption": "share"}),
    ),
    "rabbitmq": Entry(
        "harness.adapters.rabbitmq:RabbitmqAdapter",
        ("rabbitmq",),
        ({}, {"queue_type": "quorum"}, {"queue_type": "stream"}),
    ),
    "activemq": Entry("harness.adapters.activemq:ActivemqAdapter", ("activemq",), ({}, {"mode": "virtual-topics"})),
}


def create_adapter(name: str, settings: Settings | None = None) -> Adapter:
    """The adapter of that name. Raises UsageError on a name or a setting that it does not know."""
    if name not in REGISTRY:
        nearest = difflib.get_close_matches(name, REGISTRY, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(REGISTRY)}"
        raise UsageError(f"no adapter named {name!r}; {hint}", next_command="harness broker ls")
    module_name, _, class_name = REGISTRY[name].factory.partition(":")
    factory = cast(Callable[[Settings], Adapter], getattr(importlib.import_module(module_name), class_name))
    return factory(settings or {})


def adapter_for(broker: str) -> str:
    """Name of the adapter that serves a broker. Raises UsageError."""
    for name, entry in REGISTRY.items():
        if broker in entry.brokers:
            return name
    known = sorted(served for entry in REGISTRY.values() for served in entry.brokers)
    raise UsageError(
        f"no adapter serves broker {broker!r}; known: {', '.join(known)}", next_command="harness broker ls"
    )
