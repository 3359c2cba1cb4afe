"""The child of a Locust worker: ``python -m harness.swarm.agent FD``. It has threads and processes as it likes, and no gevent.

It carries the slice of one run at a time (``Slice``). When its Locust worker ends, however it ends, the socket closes and the agent ends
too, and with it the fork server and every worker process of the slice.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path

from harness import __version__
from harness.brokers.address import own_password
from harness.errors import HarnessError
from harness.history.clocks import ClockOffset
from harness.runner.control import WorkerSpec
from harness.runner.workers import worker_context
from harness.swarm.carrying import Slice
from harness.swarm.link import BRIDGE, MASTER, Link
from harness.swarm.messages import (
    ClockNews,
    Finish,
    Finished,
    Hello,
    Hire,
    Open,
    Order,
    Ping,
    Pong,
    Received,
    ToEngine,
    Trouble,
    Who,
)
from harness.swarm.parcels import pack, unpack

TURN_S = 0.01


def clock_name() -> str:
    """Equal on two processes when their monotonic clocks are the same one: one boot, one time namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/time').readlink()}"
    except OSError:
        return f"{socket.gethostname()}/{os.getpid()}"  # unknown: then it is measured


class Agent:
    """Reads on a thread of its own (so that a ping is answered at once), acts on the main one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._slice: Slice | None = None
        self._own = ClockOffset()
        self._producers: dict[int, ClockOffset] = {}
        self._gone = False

    def say(self, message: ToEngine) -> None:
        self._link.send(MASTER, pack(message))

    def show(self, body: bytes) -> None:
        """To the Locust process itself: requests for its page."""
        self._link.send(BRIDGE, body)

    def run(self) -> None:
        """Until the Locust worker is gone."""
        threading.Thread(target=self._read, name="link", daemon=True).start()
        worker_context()  # names what the fork server loads
        forkserver.ensure_running()  # a run should not wait for it
        try:
            while not self._gone:
                self._hear()
                if self._slice is not None:
                    self._turn(self._slice)
        finally:
            if self._slice is not None:
                self._slice.end()

    def _read(self) -> None:
        while (frame := self._link.receive()) is not None:
            heard_ns = time.monotonic_ns()
            address, body = frame
            message = body if address == BRIDGE else unpack(body)
            if isinstance(message, Ping):
                self.say(Pong(message.sent_ns, heard_ns, time.monotonic_ns()))
            else:
                self._inbox.put(message)
        self._gone = True

    def _hear(self) -> None:
        try:
            self._obey(self._inbox.get(timeout=TURN_S))
            while True:
                self._obey(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _obey(self, message: object) -> None:
        if isinstance(message, Who):
            self.say(Hello(__version__, socket.gethostname(), clock_name(), os.getpid()))
        elif isinstance(message, ClockNews):
            self._own, self._producers = message.own, dict(message.producers)
            if self._slice is not None:
                self._slice.clocks(self._own, self._producers)
        elif isinstance(message, Open):
            if self._slice is not None:
                self._slice.end()
            self._slice = Slice(message, self.say, self.show)
            self._slice.clocks(self._own, self._producers)
        elif self._slice is None:
            return
        elif isinstance(message, bytes):
            self._slice.shown()
        elif getattr(message, "cell", None) != self._slice.cell:
            return  # of a run that is over
        elif isinstance(message, Hire):
            self._slice.hire(with_own_password(message.spec))
        elif isinstance(message, Order):
            self._slice.order(message.worker, message.command)
        elif isinstance(message, Received):
            self._slice.received(message.chunks)
        elif isinstance(message, Finish):
            self._slice.finish()

    def _turn(self, slice_: Slice) -> None:
        try:
            if slice_.turn():
                self.say(Finished(slice_.cell, slice_.sizes()))
                slice_.end()
                self._slice = None
        except (HarnessError, OSError) as error:
            problem = error if isinstance(error, HarnessError) else HarnessError(f"{type(error).__name__}: {error}")
            self.say(Trouble(slice_.cell, problem))
            slice_.end()
            self._slice = None


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the master's business
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.setblocking(True)  # a patched Locust process made it for gevent
    with contextlib.closing(connection):
        Agent(Link(connection, threading.Lock())).run()
    os._exit(0)  # the reader thread may stand in recv


def with_own_password(spec: WorkerSpec) -> WorkerSpec:
    """Passwords are not sent: each machine has them in the address of its own environment (HARNESS_RABBITMQ_URL)."""
    access = spec.broker.access
    if not access.username or access.password:
        return spec
    password = own_password(spec.broker.name, os.environ)
    return replace(spec, broker=replace(spec.broker, access=replace(access, password=password)))


if __name__ == "__main__":
    main()
