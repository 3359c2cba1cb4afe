"""Start, stop, kill, pause, wipe and inspect the brokers under test; nothing of one is left when its owner is gone.

``create`` gives an instance. It is made of a *product* (``products/``: what RabbitMQ is and needs) and a *backend*
(``process.py``: a private local process; ``docker.py``: a container; ``external.py``: an address that a person gave). A
local process lives below a *keeper* (``keeper.py``), which outlives the harness just long enough to kill it; a container
has a *watchdog* (``watchdog.py``) for that.
"""

from __future__ import annotations

from harness.brokers.api import Broker, BrokerState, Evidence, Inspection
from harness.brokers.registry import BACKENDS, REGISTRY, UNDER_TEST, create, missing_reason, product

__all__ = [
    "BACKENDS",
    "REGISTRY",
    "UNDER_TEST",
    "Broker",
    "BrokerState",
    "Evidence",
    "Inspection",
    "create",
    "missing_reason",
    "product",
]
