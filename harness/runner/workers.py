"""Worker processes: started from a fork server that has the client libraries loaded, so that one more costs milliseconds.

A worker never outlives the harness: it ends when its pipe closes, however the other end died, and the kernel is asked to
kill it when the fork server goes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from harness.adapters.registry import REGISTRY, create_adapter
from harness.errors import Fault, HarnessError, WorkerDied
from harness.runner.consuming import ConsumingWorker
from harness.runner.control import (
    COUNTERS,
    Command,
    Counter,
    CrashBeforeSettling,
    Failed,
    Ready,
    Reply,
    Rewind,
    Rewound,
    RunPhase,
    Stop,
    Stopped,
    WorkerSpec,
    end_in_words,
)
from harness.runner.promptness import exact_sleeps, on_time
from harness.runner.publishing import PublishingWorker

PRELOAD = [
    "harness.runner.workers",
    *[entry.factory.partition(":")[0] for entry in REGISTRY.values()],
    *("confluent_kafka", "kafka", "pika", "stomp", "pyarrow", "pandas"),
]
CONNECT_DEADLINE_S = 60.0
CONSUMER_NICENESS = 5  # the schedule must not wait for the consumers of its own messages; the same for every broker
_PR_SET_PDEATHSIG = 1


def worker_context() -> multiprocessing.context.ForkServerContext:
    """The fork server context. Workers begin with everything imported that any of them needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def start_fork_server() -> None:
    """Let it load what workers need while something else is waited for; without this the first worker waits for it."""
    worker_context()
    if threading.current_thread() is not threading.main_thread():
        forkserver.ensure_running()
        return
    previous = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # it inherits that: it is deaf only once it has loaded everything
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, previous)


class WorkerHandle:
    """The conductor's end of one worker process of this machine."""

    local = True

    def __init__(self, context: multiprocessing.context.ForkServerContext, spec: WorkerSpec) -> None:
        self.spec = spec
        ours, theirs = context.Pipe()
        self._pipe: Connection[Command, Reply] = ours
        shared = context.RawArray("q", COUNTERS)
        self.counters: np.ndarray[tuple[int], np.dtype[np.int64]] = np.frombuffer(shared, dtype=np.int64)
        self.process = context.Process(target=worker_main, args=(spec, theirs, shared), name=spec.worker, daemon=True)
        self.process.start()
        theirs.close()

    def send(self, command: Command) -> None:
        """Raises what the worker failed with, or WorkerDied."""
        if not self.tell(command):
            raise self.death()

    def tell(self, command: Command) -> bool:
        """False when it is gone; why is still to be heard."""
        try:
            self._pipe.send(command)
        except (BrokenPipeError, ConnectionError, OSError):
            return False
        return True

    def reply(self, timeout_s: float) -> Reply | None:
        """The next reply, or None in time. Raises what the worker failed with, or WorkerDied."""
        reply = self.heard(timeout_s)
        if isinstance(reply, Failed):
            raise reply.error
        return reply

    def heard(self, timeout_s: float) -> Reply | None:
        """The next reply, also that it failed. Raises WorkerDied once all that it said is read and its pipe is closed."""
        try:
            return self._pipe.recv() if self._pipe.poll(timeout_s) else None
        except (EOFError, ConnectionError, OSError):
            raise WorkerDied(f"the worker process {self.spec.worker} {end_in_words(self.exit_status())}") from None

    def alive(self) -> bool:
        return self.process.is_alive()

    def death(self) -> HarnessError:
        """What it failed with, where it still said so: a worker that gives up ends with status 0 like any other."""
        try:
            while (reply := self.heard(0.0)) is not None:
                if isinstance(reply, Failed):
                    return reply.error
        except WorkerDied as death:
            return death
        return WorkerDied(f"the worker process {self.spec.worker} {end_in_words(self.exit_status())}")

    def exit_status(self) -> int | None:
        """As ``subprocess`` has it; None when it is not known within a second that it ended."""
        self.process.join(1.0)
        return self.process.exitcode

    def count(self, counter: Counter) -> int:
        return int(self.counters[counter])

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def end(self, timeout_s: float = 2.0) -> None:
        """Make sure the process is gone."""
        self.process.join(timeout_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5.0)
        self._pipe.close()


def worker_main(spec: WorkerSpec, pipe: Connection[Reply, Command], shared: Any) -> None:
    """What a worker process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's business
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    counters: np.ndarray[tuple[int], np.dtype[np.int64]] = np.frombuffer(shared, dtype=np.int64)
    try:
        adapter = create_adapter(spec.adapter, spec.adapter_settings)
        gc.freeze()
        gc.set_threshold(
            100_000, 50, 50
        )  # what a worker makes is columns, not cycles; a pause would look like the broker's
        if spec.role == "publisher":
            exact_sleeps()
            _publish(spec, adapter, counters, pipe)
        else:
            os.nice(CONSUMER_NICENESS)
            _consume(spec, adapter, counters, pipe)
    except _HarnessGone:
        sys.exit(1)
    except HarnessError as error:
        _say(pipe, Failed(error))
    except BaseException as error:  # noqa: BLE001 - the last line of defence: a worker's fault must reach the person
        import traceback

        wrapped = WorkerDied(f"{spec.worker} failed: {type(error).__name__}: {error}\n{traceback.format_exc(limit=8)}")
        wrapped.fault = Fault.OURS
        _say(pipe, Failed(wrapped))


class _HarnessGone(Exception):
    """The conductor's end of the pipe is closed."""


def _say(pipe: Connection[Reply, Command], reply: Reply) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionError, OSError):
        pipe.send(reply)


def _heard(pipe: Connection[Reply, Command], timeout_s: float = 0.0) -> Command | None:
    try:
        return pipe.recv() if pipe.poll(timeout_s) else None
    except (EOFError, ConnectionError, OSError):
        raise _HarnessGone from None


def _publish(spec: WorkerSpec, adapter: Any, counters: Any, pipe: Connection[Reply, Command]) -> None:
    commands: list[Command] = []

    def idle() -> None:
        command = _heard(pipe)
        if command is not None:
            commands.append(command)

    worker = PublishingWorker(spec, adapter, counters, idle)
    worker.connect(spec.workload.window, time.monotonic_ns() + int(CONNECT_DEADLINE_S * 1e9))
    _say(pipe, Ready())
    while True:
        command = commands.pop(0) if commands else _heard(pipe, 0.05)
        if isinstance(command, RunPhase):
            with on_time(spec.workload.phases[command.index]):
                done = worker.run(command)
            _say(pipe, done)
        elif isinstance(command, Stop):
            worker.close(command.timeout_s)
            _say(pipe, Stopped(worker.errors))
            return


def _consume(spec: WorkerSpec, adapter: Any, counters: Any, pipe: Connection[Reply, Command]) -> None:
    def idle() -> None:
        if pipe.poll(0) and pipe.closed:
            raise _HarnessGone

    worker = ConsumingWorker(spec, adapter, counters, idle)
    deadline = time.monotonic() + CONNECT_DEADLINE_S
    while not worker.connect() and time.monotonic() < deadline:
        time.sleep(0.05)
    _say(pipe, Ready())
    while True:
        command = _heard(pipe)
        if isinstance(command, Rewind):
            worker.rewind()
            _say(pipe, Rewound())
        elif isinstance(command, CrashBeforeSettling):
            worker.crash_on_next()
        elif isinstance(command, Stop):
            worker.close()
            _say(pipe, Stopped())
            return
        worker.turn()


def preload() -> None:
    """Import what the fork server preloads; used by tests to see that the names exist."""
    for name in PRELOAD[1:]:
        importlib.import_module(name)
