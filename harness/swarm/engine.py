"""The engine that the conductor hires its workers from when Locust carries the load: the master's side of ``harness.swarm``.

Placement is a rule, not a choice (``place``): publisher p goes to Locust worker p mod n, so one publisher's messages,
and with them the order within its keys, come from one process with one connection, exactly as without Locust.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness import __version__
from harness.errors import DiskFull, LoadEngineError, WorkerDied
from harness.history.clocks import Clocks
from harness.history.meta import HistoryMeta
from harness.history.writer import STREAMS_FOLDER, EventLog
from harness.model.result import LoadRecord
from harness.runner.control import WorkerSpec
from harness.swarm.link import BRIDGE, Link
from harness.swarm.messages import (
    ClockNews,
    Finish,
    Hire,
    Open,
    Ping,
    Received,
    ToAgent,
    Who,
)
from harness.swarm.nodes import Node, RemoteWorker
from harness.swarm.parcels import pack, unpack

BRIDGE_VARIABLE: Final = "HARNESS_LOCUST_BRIDGE"  # as in ``bridge``: the descriptor that it left to its child
HELLO_DEADLINE_S: Final = 60.0
SILENCE_MAX_S: Final = (
    8.0  # an agent speaks twenty times a second; Locust itself calls a worker missing after about three
)
GATHER_DEADLINE_S: Final = 120.0
FIRST_PINGS: Final = 10
FIRST_PING_EVERY_S: Final = 0.02
PING_EVERY_S: Final = 0.5
LOOK_S: Final = 0.02


def place(spec: WorkerSpec, count: int) -> int:
    """Which of ``count`` Locust workers carries ``spec``.

    Members are dealt out after the publishers, but the members of a group whose effects must happen once stay together: the gateway
    with its idempotency keys is one file on one host.
    """
    workload = spec.workload
    if spec.role == "publisher":
        return spec.producer % count
    if workload.processing.once:
        return (workload.publishers + spec.group_number) % count
    before = list(workload.needs.groups.values())[: spec.group_number]
    return (workload.publishers + sum(before) + spec.member) % count


class SwarmEngine:
    """Lives as long as the study; one run at a time. A thread of it reads, another one pings."""

    lead_s = 0.5  # a phase's command goes through four processes

    def __init__(self, link: Link, locust_version: str) -> None:
        self._link = link
        self._version = locust_version
        self._nodes: dict[str, Node] = {}
        self._known: list[str] = []
        self._carrying: list[Node] = []  # of the run that is on, in order of their labels
        self._cell = 0
        self._meta: HistoryMeta | None = None
        self._events: EventLog | None = None
        self._folder = Path()
        self._record: LoadRecord | None = None
        self._gone = False
        threading.Thread(target=self._read, name="locust link", daemon=True).start()
        threading.Thread(target=self._ping, name="locust clocks", daemon=True).start()

    # -- the other end ----------------------------------------------------------------------------------------------

    def say(self, node: Node, message: ToAgent) -> None:
        if not self._link.send(node.address, pack(message)):
            self._gone = True

    def _read(self) -> None:
        while (frame := self._link.receive()) is not None:
            heard_ns = time.monotonic_ns()
            address, body = frame
            if address == BRIDGE:
                self._bridge_says(json.loads(body))
                continue
            node = self._nodes.get(address)
            if node is None:
                node = self._nodes[address] = Node(address)
            try:
                confirm = node.hear(unpack(body), heard_ns)
            except WorkerDied as damaged:
                node.trouble = node.trouble or damaged
                continue
            except OSError as error:
                node.trouble = DiskFull(f"cannot write the history: {error}", next_command="df -h .")
                continue
            if confirm is not None:
                self.say(node, Received(node.cell, confirm))
        self._gone = True

    def _bridge_says(self, document: dict[str, object]) -> None:
        names = document.get("nodes")
        if isinstance(names, list):
            self._known = [str(name) for name in names]
        gone = document.get("gone")
        if isinstance(gone, str) and gone in self._nodes:
            self._nodes[gone].gone = True

    def _ping(self) -> None:
        """Ever on: also between runs, so that a drift shows."""
        while not self._gone:
            for node in list(self._nodes.values()):
                if node.alive:
                    self.say(node, Ping(time.monotonic_ns()))
            young = any(node.alive and node.watch.count < FIRST_PINGS for node in list(self._nodes.values()))
            time.sleep(FIRST_PING_EVERY_S if young else PING_EVERY_S)

    def _assemble(self) -> list[Node]:
        """Every Locust worker that the master knows has said hello and has a clock. Raises LoadEngineError."""
        deadline = time.monotonic() + HELLO_DEADLINE_S
        while time.monotonic() < deadline and not self._gone:
            waiting = [name for name in self._known if not self._met(name)]
            if self._known and not waiting:
                return [self._nodes[name] for name in self._known if self._nodes[name].alive]
            for name in waiting:
                self._nodes.setdefault(name, Node(name))
                if self._nodes[name].hello is None:
                    self.say(self._nodes[name], Who())
            time.sleep(0.1)
        silent = ", ".join(name for name in self._known if not self._met(name)) or "none is connected"
        raise LoadEngineError(
            f"not every Locust worker answered within {HELLO_DEADLINE_S:g} s: {silent}",
            next_command="harness run --load locust --print-command ...",
        )

    def _met(self, name: str) -> bool:
        node = self._nodes.get(name)
        if node is None or node.hello is None:
            return False
        if node.hello.version != __version__:
            raise LoadEngineError(
                f"the Locust worker on {node.hello.host} has harness {node.hello.version}, the master {__version__}",
                next_command=f"pip install messaging-harness=={__version__}",
            )
        return node.gone or node.watch.count >= FIRST_PINGS

    # -- one run ----------------------------------------------------------------------------------------------------

    def open(self, folder: Path, label: str, meta: HistoryMeta, events: EventLog) -> None:
        """Raises LoadEngineError when there is nobody to carry the load."""
        self._cell += 1
        self._folder, self._meta, self._events, self._record = folder, meta, events, None
        self._carrying = self._assemble()
        if not self._carrying:
            raise LoadEngineError("no Locust worker is left", next_command="harness run --load locust --workers 3 ...")
        for number, node in enumerate(self._carrying, start=1):
            node.begin(self._cell, f"locust-{number}", folder / STREAMS_FOLDER)
            self.say(node, Open(self._cell, node.label, label, meta.workload, tuple(meta.groups)))
        self._tell_clocks()

    def hire(self, spec: WorkerSpec) -> RemoteWorker:
        """Raises WorkerDied when the Locust worker that should carry it is lost."""
        self.check()
        node = self._carrying[place(spec, len(self._carrying))]
        worker = RemoteWorker(spec, node, self.say)
        node.workers[spec.worker] = worker
        self._save_clocks()
        self._tell_clocks()
        shown = replace(
            spec.broker, access=spec.broker.access.without_password()
        )  # Locust's messages are not encrypted
        self.say(node, Hire(self._cell, replace(spec, broker=shown)))
        return worker

    def check(self) -> None:
        """Raises WorkerDied when a Locust worker is lost, or its agent cannot go on; the event says which slice."""
        if self._gone:
            raise WorkerDied("the Locust master is gone", next_command="harness run --load locust ...")
        for node in self._carrying:
            if node.trouble is not None:
                raise node.trouble
            if node.lost or not (node.gone or node.silent_s() > SILENCE_MAX_S):
                continue
            node.lost = True
            slice_ = ", ".join(node.slice())
            if self._events is not None:
                self._events.add("slice_lost", worker=node.label, host=node.host, slice=node.slice())
            raise WorkerDied(
                f"the Locust worker {node.label} on {node.host} was lost in the middle of the run, and with it its slice: {slice_}",
                next_command="harness run --load locust ...",
            )

    def gather(self) -> None:
        """Idempotent. Raises WorkerDied when a history did not come whole; what came stays."""
        carrying, self._carrying = self._carrying, []
        if not carrying or self._events is None or self._meta is None:
            return
        for node in carrying:
            if node.alive:
                self.say(node, Finish(self._cell))
        deadline = time.monotonic() + GATHER_DEADLINE_S
        while time.monotonic() < deadline and not all(node.settled(SILENCE_MAX_S) for node in carrying):
            time.sleep(LOOK_S)
        for node in carrying:
            node.close_files()
        clocks = self._clocks(carrying)
        if clocks.workers:
            clocks.save(self._folder)
        self._meta.clock_bound_ns = clocks.bound_ns
        records = [node.record() for node in carrying]
        for record in records:
            about = record.model_dump(exclude={"name", "state"})
            self._events.add("locust_worker", worker=record.name, **about)
        self._record = LoadRecord(
            engine=f"locust {self._version}", workers=records, bound_us=round(clocks.bound_ns / 1e3, 1)
        )
        torn = [node for node in carrying if not node.whole()]
        if torn:
            names = ", ".join(f"{node.label} on {node.host} ({', '.join(node.slice())})" for node in torn)
            raise WorkerDied(f"the history of {names} did not come whole", next_command="harness run --load locust ...")

    def record(self) -> LoadRecord | None:
        return self._record

    # -- clocks -----------------------------------------------------------------------------------------------------

    def _clocks(self, nodes: Sequence[Node]) -> Clocks:
        """Of the workers on other clocks than the master's."""
        clocks = Clocks()
        for node in nodes:
            if node.watch.same_clock:
                continue
            offset = node.watch.offset()
            clocks.workers[node.label] = offset
            for worker in node.workers.values():
                clocks.workers[worker.spec.worker] = offset
                if worker.spec.role == "publisher":
                    clocks.producers[worker.spec.producer] = offset
        return clocks

    def _save_clocks(self) -> None:
        """Now and better at the end: a history whose harness was killed can be read all the same."""
        clocks = self._clocks(self._carrying)
        if clocks.workers:
            clocks.save(self._folder)

    def _tell_clocks(self) -> None:
        producers = self._clocks(self._carrying).producers
        for node in self._carrying:
            self.say(node, ClockNews(node.watch.offset(), producers))


def connect_to_bridge() -> SwarmEngine | None:
    """The engine, in a process that a Locust master started; None in any other."""
    number = os.environ.pop(BRIDGE_VARIABLE, None)
    if number is None:
        return None
    from importlib.metadata import version

    connection = socket.socket(fileno=int(number))
    connection.setblocking(True)  # a patched Locust process made it for gevent
    return SwarmEngine(Link(connection, threading.Lock()), version("locust"))
