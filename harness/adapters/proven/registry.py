"""Which probes there are for each broker. Imported when first needed: client libraries cost start-up time."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from harness.adapters.proven.probe import Probe
from harness.errors import UsageError

_MODULES: Mapping[str, str] = {
    "rabbitmq": "harness.adapters.rabbitmq.probes",
    "activemq": "harness.adapters.activemq.probes",
    "kafka": "harness.adapters.kafka.probes",
}


def probes_of(broker: str) -> tuple[Probe, ...]:
    """In the order in which they are asked. Raises UsageError for a broker without any."""
    if broker not in _MODULES:
        raise UsageError(
            f"there are no probes of {broker!r}; known: {', '.join(_MODULES)}", next_command="harness broker caps"
        )
    return cast(tuple[Probe, ...], importlib.import_module(_MODULES[broker]).PROBES)
