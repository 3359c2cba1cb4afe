"""What runs of ours inside a Locust process: frames from its child to Locust and back, and Locust's request events.

Runs with gevent's patches or without them. It imports ``link`` of ours and nothing else, so nothing that gevent would have to patch (ssl
through docker, requests or urllib3) is loaded before Locust, whatever the order.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import socket
import sys
from typing import Any, Final, cast

import gevent
import gevent.lock
import gevent.queue
import gevent.socket
import gevent.subprocess
from locust.env import Environment
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner

from harness.swarm.link import BRIDGE, MASTER, Link

UP: Final = "harness_up"  # agent to engine
DOWN: Final = "harness_down"  # engine to agent
FIRE_AT_ONCE: Final = 200  # request events between two looks at everything else that Locust has to do
NODES_EVERY_S: Final = 0.5
INTERRUPT_DEADLINE_S: Final = 90.0
BRIDGE_VARIABLE: Final = "HARNESS_LOCUST_BRIDGE"
USAGE: Final = "say what to run: --harness 'clickstream_fanout -b rabbitmq' (as after 'harness run')"

log = logging.getLogger("harness")


class Child:
    """A child process without gevent, and the link to it. What is sent waits in a queue, so that Locust's own greenlets never wait."""

    def __init__(self, arguments: list[str], *, as_variable: bool) -> None:
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        environment = {key: value for key, value in os.environ.items() if key != BRIDGE_VARIABLE}
        if as_variable:
            environment[BRIDGE_VARIABLE] = str(number)
        else:
            arguments = [*arguments, str(number)]
        self.process = gevent.subprocess.Popen(
            [sys.executable, *arguments], pass_fds=[number], env=environment, start_new_session=True
        )
        theirs.close()
        self.link = Link(gevent.socket.socket(fileno=ours.detach()), gevent.lock.RLock())
        self._outbox: gevent.queue.Queue[tuple[str, bytes]] = gevent.queue.Queue()
        gevent.spawn(self._write)

    def send(self, address: str, body: bytes) -> None:
        """Bounded by what the other side may send unconfirmed: see ``carrying``."""
        self._outbox.put((address, body))

    def _write(self) -> None:
        for address, body in self._outbox:
            if not self.link.send(address, body):
                return


class WorkerSide:
    """In a Locust worker (or the one Locust process there is): carries an agent."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._runner = cast(Any, environment.runner)
        self._child = Child(["-m", "harness.swarm.agent"], as_variable=False)
        self._runner.register_message(DOWN, self._down)
        gevent.spawn(self._read)

    def _down(self, environment: Environment, msg: Any, **_: Any) -> None:
        self._child.send(MASTER, msg.data)

    def _read(self) -> None:
        while (frame := self._child.link.receive()) is not None:
            address, body = frame
            if address == BRIDGE:
                self._fire(json.loads(body)["requests"])
                self._child.send(BRIDGE, b"shown")
            else:
                self._runner.send_message(UP, body)
        log.error("the agent ended; its slice is lost")
        self._runner.send_message(UP, b"")

    def _fire(self, requests: list[Any]) -> None:
        """Locust's own event for every message, so that its page, its files and its plugins see them all."""
        fire = cast(Any, self._environment.events.request).fire
        count = 0
        for kind, name, times_ms, sizes, errors in requests:
            for place, (ms, size) in enumerate(zip(times_ms, sizes, strict=True)):
                error = errors.get(str(place))
                fire(
                    request_type=kind,
                    name=name,
                    response_time=ms,
                    response_length=size,
                    exception=None if error is None else MessageFailed(error),
                    context={},
                )
                count += 1
                if count % FIRE_AT_ONCE == 0:
                    gevent.sleep(0)


class MessageFailed(Exception):
    """What Locust's page shows of a message that was not accepted, is unknown, or came damaged."""


class MasterSide:
    """In the Locust master (or the one Locust process there is): starts the study when the test starts, and stops it with it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._runner = cast(Any, environment.runner)
        self._child: Child | None = None
        self._told: list[str] = []
        self._runner.register_message(UP, self._up)
        events = cast(Any, environment.events)  # Locust's hooks are not typed
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(self._stop)
        events.quitting.add_listener(self._stop)  # Ctrl-C: Locust settles its exit code before it stops the test

    def _up(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self._child is None:
            return
        if msg.data:
            self._child.send(msg.node_id, msg.data)
        else:
            self._tell({"gone": msg.node_id})

    def _tell(self, document: dict[str, Any]) -> None:
        if self._child is not None:
            self._child.send(BRIDGE, json.dumps(document).encode())

    def _start(self, environment: Environment, **_: Any) -> None:
        arguments = shlex.split(getattr(environment.parsed_options, "harness", "") or "")
        if not arguments:
            log.error(USAGE)
            environment.process_exit_code = 2
            gevent.spawn(self._leave)
            return
        self._told = []
        self._child = Child(["-m", "harness", "run", *arguments], as_variable=True)
        gevent.spawn(self._read, self._child)
        gevent.spawn(self._watch, self._child)

    def _read(self, child: Child) -> None:
        while (frame := child.link.receive()) is not None:
            address, body = frame
            self._runner.send_message(DOWN, body, client_id=address)
        self._environment.process_exit_code = child.process.wait()
        self._child = None
        self._leave()

    def _leave(self) -> None:
        if self._environment.web_ui is None:
            self._runner.quit()
        else:
            self._runner.stop()

    def _watch(self, child: Child) -> None:
        """Tells the study which Locust workers there are."""
        while self._child is child:
            nodes = self._nodes()
            if nodes != self._told:
                self._told = nodes
                self._tell({"nodes": nodes})
            gevent.sleep(NODES_EVERY_S)

    def _nodes(self) -> list[str]:
        if not isinstance(self._runner, MasterRunner):
            return ["local"]
        return sorted(node.id for node in self._runner.clients.all if node.state != STATE_MISSING)

    def _stop(self, environment: Environment, **_: Any) -> None:
        """Stop on the page, Ctrl-C, or Locust without any worker left: the study ends in order, before the workers are sent home."""
        child = self._child
        if child is None:
            return
        if isinstance(self._runner, MasterRunner) and not self._nodes():
            for node in self._runner.clients.all:  # it must say that they were lost, not that it was interrupted
                self._tell({"gone": node.id})
        else:
            child.process.send_signal(signal.SIGTERM)
        with gevent.Timeout(INTERRUPT_DEADLINE_S, False):
            environment.process_exit_code = child.process.wait()


def attach(environment: Environment) -> None:
    """Called when Locust has its runner."""
    runner = cast(Any, environment.runner)
    if isinstance(runner, (WorkerRunner, LocalRunner)):
        WorkerSide(environment)
    if isinstance(runner, (MasterRunner, LocalRunner)):
        MasterSide(environment)
    owner = getattr(environment.parsed_options, "harness_owner", None)
    if owner is not None and owner >= 0:
        gevent.spawn(_leave_with, owner, runner)


def _leave_with(owner: int, runner: Any) -> None:
    """``harness run`` holds the other end of this pipe: when it ends, however it ends, so does this Locust process."""
    gevent.socket.wait_read(owner)
    with gevent.Timeout(INTERRUPT_DEADLINE_S, False):
        runner.quit()
    os._exit(1)
