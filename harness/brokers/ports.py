"""Free ports for brokers, from below the ephemeral range.

A port inside the range the kernel gives to outgoing connections is a trap: while a killed broker is down, a client
that keeps connecting may be given that very port as its own, connect to itself, and keep the broker from coming back.
"""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

import psutil

LOWEST = 20_000
ATTEMPTS = 200


def ephemeral_start() -> int:
    """The first port of the kernel's range for outgoing connections."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a listener could be opened there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((host, port))
            probe.listen(1)
            return True
    return False


def answers(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout_s):
        return True
    return False


def free_ports(count: int, choose: random.Random | None = None) -> list[int]:
    """``count`` different ports that nothing listens on. Raises OSError when none can be found."""
    dice = choose or random.SystemRandom()
    top = ephemeral_start()
    low, high = (LOWEST, top) if top > LOWEST + 1_000 else (1_024, 65_535)
    found: list[int] = []
    for _ in range(ATTEMPTS * count):
        port = dice.randrange(low, high)
        if port not in found and is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no {count} free ports between {low} and {high}")


def holder(port: int) -> str:
    """Who listens there, as ``name (pid N)``; empty when it cannot be told."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            listens = connection.status == psutil.CONN_LISTEN and getattr(address, "port", 0) == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
