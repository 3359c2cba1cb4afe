"""Whose container it is: a label that tells an orphan of a crashed run from the broker of a run that goes on.

A pid means something on one machine, in one boot and in one pid namespace only; where those differ, nobody here can say
whether the owner lives, and the container is left alone.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass

from harness.brokers.identity import ProcessIdentity

LABEL = "messaging-harness.owner"
DETACHED_LABEL = "messaging-harness.detached"  # the state folder of whoever left it running on purpose
BROKER_LABEL = "messaging-harness.broker"
PREFIX = "messaging-harness"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, and where its pid holds."""

    process: ProcessIdentity
    pid_namespace: str
    host: str

    @classmethod
    def mine(cls) -> Owner:
        process = ProcessIdentity.of(os.getpid())
        assert process is not None
        return cls(process, os.readlink("/proc/self/ns/pid"), socket.gethostname())

    @classmethod
    def parse(cls, label: str) -> Owner | None:
        """From ``label``; None for what is none of ours."""
        try:
            document = json.loads(label)
            process = ProcessIdentity(**document["process"])
            return cls(process, str(document["pid_namespace"]), str(document["host"]))
        except (ValueError, KeyError, TypeError):
            return None

    def label(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def gone(self) -> bool:
        """Whether it is known to be dead. False when that cannot be told from here."""
        mine = Owner.mine()
        if self.host != mine.host:
            return False
        if self.process.boot_id != mine.process.boot_id:
            return True
        return self.pid_namespace == mine.pid_namespace and not self.process.alive()
