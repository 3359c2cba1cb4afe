"""Small experiments with a real client, for what no workload can say. One file a script; each is given a broker that runs and is its own.

A script is a function ``(stage, **settings) -> figures by metric`` in a module here, and a line in ``SCRIPTS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from harness.brokers.api import Broker
from harness.errors import BrokerUnavailable, UsageError
from harness.model.broker import BrokerInfo
from harness.model.claim import Figure, Measured, Scalar
from harness.model.names import hint

KAFKA_PROTOCOL = ("pylog", "kafka")
LOGS_AND_RABBITMQ = (*KAFKA_PROTOCOL, "rabbitmq")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a script works on: one broker, freshly started on an empty folder."""

    label: str
    broker: Broker
    info: BrokerInfo
    folder: Path  # scratch space
    say: Callable[[str], None]

    @property
    def is_log(self) -> bool:
        return self.info.name in KAFKA_PROTOCOL


Run = Callable[..., Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Script:
    """``place`` is ``module:function`` below this package; ``server`` are settings its brokers are started with, where they know them."""

    place: str
    brokers: tuple[str, ...]
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    server: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Imported when asked for: client libraries cost time."""
        module, _, function = self.place.partition(":")
        return cast(Run, getattr(importlib.import_module(f"{__name__}.{module}"), function))


_RETENTION = {"log.retention.check.interval.ms": "500", "log.segment.delete.delay.ms": "100"}
SCRIPTS: Mapping[str, Script] = {
    "reading_deletes": Script("reading:reading_deletes", LOGS_AND_RABBITMQ, {"messages": 20_000}),
    "retention_by_time": Script(
        "retention:retention_by_time",
        LOGS_AND_RABBITMQ,
        {"messages": 500, "retention_s": 5, "patience_s": 30},
        dict.fromkeys(KAFKA_PROTOCOL, _RETENTION),
    ),
    "keyless": Script("partitioning:keyless", KAFKA_PROTOCOL, {"messages": 50_000, "partitions": 12}),
    "adding_partitions": Script(
        "partitioning:adding_partitions", KAFKA_PROTOCOL, {"keys": 10_000, "before": 12, "after": 20}
    ),
    "crashing_consumer": Script("crashes:crashing_consumer", LOGS_AND_RABBITMQ, {"messages": 2_000, "crashes": 20}),
    "payments": Script("crashes:payments", LOGS_AND_RABBITMQ, {"orders": 1_000, "crashes": 20}),
    "compression": Script("compressing:compression", KAFKA_PROTOCOL, {"megabytes": 48, "rounds": 3, "bytes": 1000}),
}


def script(name: str, settings: Mapping[str, Scalar]) -> tuple[Script, dict[str, Scalar]]:
    """The script with its settings. Raises UsageError for a name or a setting that does not exist."""
    if name not in SCRIPTS:
        raise UsageError(f"no script named {name!r}; {hint(name, SCRIPTS)}", next_command="harness claim ls")
    found = SCRIPTS[name]
    for key in settings:
        if key not in found.defaults:
            known = hint(key, found.defaults, "it knows")
            raise UsageError(f"script {name} has no setting {key!r}; {known}", next_command="harness claim ls")
    return found, {**found.defaults, **settings}


def perform(found: Script, stage: Stage, settings: Mapping[str, Scalar]) -> Mapping[str, Figure]:
    """Run it. What a client library raises becomes BrokerUnavailable: the experiment failed, the others go on."""
    from confluent_kafka import KafkaException
    from kafka.errors import KafkaError
    from pika.exceptions import AMQPError

    try:
        return found.run(stage, **settings)
    except (KafkaException, KafkaError, AMQPError) as error:
        raise BrokerUnavailable(f"the client gave up: {type(error).__name__}: {error}") from error


def named(label: str, figures: Mapping[str, Figure]) -> Measured:
    """A script's figures under their full names."""
    return {f"{label}.{metric}": figure.model_copy(update={"broker": label}) for metric, figure in figures.items()}
