"""memory: a perfect broker in one small process, with bugs that tests can plant. For tests and for learning, not a competitor."""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import __version__
from harness.brokers.handshake import ANYONE, Greet, Greeting, NotReady
from harness.brokers.products.base import LOOPBACK, Contained, Installation, Launch, quiet_environment
from harness.errors import UsageError
from harness.model.broker import Access

PACKAGE = Path(__file__).resolve().parent.parent.parent
ANSWER_BYTES_MAX = 1 << 20


def greet_memory(host: str, port: int, timeout_s: float, _access: Access = ANYONE, /) -> Greeting:
    """Ask for the list of its spaces: two lengths, a JSON header, no body."""
    question = json.dumps({"op": "prefixes", "sizes": []}).encode()
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as link:
            link.sendall(struct.pack("<II", len(question), 0) + question)
            lengths = b""
            while len(lengths) < 8:
                piece = link.recv(8 - len(lengths))
                if not piece:
                    raise NotReady("it closed the connection")
                lengths += piece
            if sum(struct.unpack("<II", lengths)) > ANSWER_BYTES_MAX:
                raise NotReady("its answer is no frame")
    except OSError as error:
        raise NotReady(str(error)) from error
    return Greeting()


@dataclass(frozen=True, slots=True)
class Memory:
    """No settings of its own: what is kept is decided by the space that a workload creates."""

    name: str = "memory"
    title: str = "memory (perfect)"
    port_count: int = 1
    default_port: int = 7000
    greet: Greet = greet_memory

    def locate(self) -> Installation:
        return Installation(__version__, PACKAGE, "part of this package")

    def server_settings(self, tier: str) -> dict[str, str]:
        """Durability is part of a space, not of the server."""
        del tier
        return {}

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        del installation
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "harness.adapters.memory_server", "--host", LOOPBACK, "--port", str(ports[0])]
        argv += ["--journal", str(data / "journal")]
        env = quiet_environment(folder) | {"PYTHONPATH": str(PACKAGE.parent)}
        return Launch(argv, env, dict(settings), grace_s=3.0)

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        raise UsageError("memory is a part of this package and has no image", next_command="harness broker up memory")
