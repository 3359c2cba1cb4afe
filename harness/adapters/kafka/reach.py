"""Whether anybody listens, before a client library is asked: libraries keep trying where the harness wants to know."""

from __future__ import annotations

import socket

from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

REACH_TIMEOUT_S = 1.0


def reach(broker: BrokerInfo) -> None:
    """Raises BrokerUnavailable at once when nothing listens at the broker's address."""
    try:
        socket.create_connection((broker.host, broker.port), timeout=REACH_TIMEOUT_S).close()
    except OSError as problem:
        raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem


def reachable(broker: BrokerInfo) -> bool:
    try:
        reach(broker)
    except BrokerUnavailable:
        return False
    return True
