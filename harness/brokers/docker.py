"""A broker as a container: official image or one built here, its port published on 127.0.0.1 only."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.brokers import contained, engine, images, orphans, ports
from harness.brokers.api import BrokerState, Evidence, Inspection, Usage
from harness.brokers.container import Condition, Container, usage_of
from harness.brokers.handshake import Greeting, NotReady
from harness.brokers.identity import ProcessIdentity
from harness.brokers.limits import (
    DATA_SETTING,
    IDENTITY_SETTING,
    IMAGE_SETTING,
    OURS,
    Limits,
    parse_limits,
)
from harness.brokers.owner import BROKER_LABEL, DETACHED_LABEL, LABEL, PREFIX, Owner
from harness.brokers.process import (
    GREETING_TIMEOUT_S,
    READY_DEADLINE_S,
    READY_PERIOD_S,
    local_port,
    tail,
    telling,
    uptime_s,
)
from harness.brokers.products.base import LOOPBACK, Contained, Product
from harness.errors import BrokerStartFailed, BrokerUnavailable, PortBusy, UsageError
from harness.model.broker import BrokerInfo

LOOK_EVERY_S = 0.25  # at the engine, while waiting for the broker itself
ENDED_BY_SIGNAL = 128
SAVED_LOG_LINES = 5_000


@dataclass(frozen=True, slots=True)
class _Setup:
    """What the instance was started with, and is started with again after a kill."""

    image: images.Image
    contained: Contained
    port: int
    limits: Limits
    data_folder: str


class DockerBroker:
    """One instance. Its container and its volume are named after ``root``, so that one folder serves one broker.

    The container stays after a kill, to be started again on the same data; ``stop`` removes it and keeps the volume,
    ``wipe`` removes that. ``root/broker.log`` is written when the container goes. ``say`` hears of a pull.
    """

    def __init__(
        self,
        product: Product,
        root: Path,
        *,
        port: int | None = None,
        detached: str = "",
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._product = product
        self._root = root.absolute()
        self._port = port
        self._detached = detached
        self._say = say
        self._name = container_name(product.name, self._root)
        self._setup: _Setup | None = None
        self._container: Container | None = None
        self._started_at = 0.0
        self._look_at = 0.0
        self._trouble = ""

    @classmethod
    def create(cls, product: Product, root: Path, url: str | None) -> DockerBroker:
        """``url`` may name the port to publish, as ``host:port``; the host must be this machine."""
        return cls(product, root, port=local_port(product.name, url))

    @property
    def name(self) -> str:
        return self._product.name

    @property
    def container(self) -> Container:
        """Only while there is one."""
        if self._container is None:
            raise BrokerUnavailable(f"{self.name} is not running", next_command="harness broker ls")
        return self._container

    def start(self, *, tier: str, settings: Mapping[str, str]) -> BrokerInfo:
        """See ``Broker.start``. ``container.image``, ``.memory``, ``.cpus`` and ``.data`` are the container's own settings."""
        if self._running():
            raise UsageError(f"this {self.name} runs already", next_command="harness broker ls")
        limits = parse_limits(settings)
        own = {name: value for name, value in settings.items() if name not in OURS}
        port = self._port or ports.free_ports(1)[0]
        contained = self._product.contain(port, self._product.server_settings(tier) | own)
        image = images.ensure(self.name, self._say, settings.get(IMAGE_SETTING, ""))
        with engine.talking():
            orphans.sweep(engine.connect())
        self._setup = _Setup(image, contained, port, limits, settings.get(DATA_SETTING, ""))
        return self._launch()

    def restart(self) -> BrokerInfo:
        if self._setup is None:
            raise UsageError(f"this {self.name} was never started", next_command=f"harness broker up {self.name}")
        if self._container is not None and self._running():
            self._container.stop(self._setup.contained.grace_s)
        return self._launch()

    def stop(self) -> None:
        container, self._container = self._container, None
        if container is None:
            return
        assert self._setup is not None
        processes: list[ProcessIdentity] = []
        with contextlib.suppress(BrokerUnavailable):
            processes = [found for pid in container.pids() if (found := ProcessIdentity.of(pid))]
        try:
            container.stop(self._setup.contained.grace_s)
            self._save_log(container)
            container.remove()
        except BrokerUnavailable:
            # The engine died. Its containers may run on without it: end them as far as we may; the watchdog removes the rest.
            for process in processes:
                with contextlib.suppress(PermissionError):
                    process.send(signal.SIGKILL)
            raise

    def kill(self) -> Evidence:
        container = self.container
        pid = container.condition().pid
        sent_ns = time.monotonic_ns()
        container.kill()
        seen_ns = time.monotonic_ns()
        after = container.condition()
        answers = ports.answers(LOOPBACK, self._client_port())
        status = -(after.exit_code - ENDED_BY_SIGNAL) if after.exit_code > ENDED_BY_SIGNAL else after.exit_code
        bit = status == -signal.SIGKILL and not after.running and not answers
        return Evidence("kill", bit, pid, sent_ns, seen_ns, status, answers)

    def pause(self) -> Evidence:
        return self._freeze("pause", self.container.freeze, "paused")

    def resume(self) -> Evidence:
        return self._freeze("resume", self.container.thaw, "running")

    def wipe(self) -> None:
        if self._running():
            raise UsageError(f"stop this {self.name} before its data is wiped", next_command="harness broker down")
        self.stop()
        contained.wipe(self._name)
        orphans.note_removed(self._name)

    def pids(self) -> tuple[int, ...]:
        """Its processes, where the engine is on this machine; empty elsewhere, and when it is not running."""
        return self._container.pids() if self._container is not None else ()

    def usage(self) -> Usage | None:
        """Of another user's processes /proc does not say what they wrote, and of another machine's nothing: then the engine does."""
        container = self._container
        if container is None:
            return None
        with contextlib.suppress(BrokerUnavailable):
            pids = container.pids()
            return container.engine_usage() if not pids or usage_of(pids) is None else None
        return None

    def trouble(self) -> str:
        """Why it does not run any more; empty while it does."""
        if self._container is None:
            return "it was stopped"
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            try:
                found = self._container.condition()
                self._trouble = "" if found.running else self._ended(found)
            except BrokerUnavailable as error:
                self._trouble = error.message
        return self._trouble

    def log_tail(self, lines: int) -> list[str]:
        if self._container is None:
            return tail(self._root / "broker.log", lines)
        with contextlib.suppress(BrokerUnavailable):
            return self._container.log(lines)
        return []

    def inspect(self) -> Inspection:
        if self._container is None:
            return Inspection(BrokerState.STOPPED, None, self._client_port() if self._setup else 0, 0.0, 0, 0, 0, 0.0)
        found = self._container.condition()
        port, disk = self._client_port(), self._container.disk_bytes()
        if not found.running:
            return Inspection(BrokerState.STOPPED, None, port, 0.0, 0, 0, disk, 0.0)
        usage = self._container.usage()
        cpu_s, rss, written = (usage.cpu_seconds, usage.rss_bytes, usage.write_bytes) if usage else (0.0, 0, 0)
        state = BrokerState.PAUSED if found.status == "paused" else BrokerState.RUNNING
        up_s = uptime_s(found.pid) if self.pids() else time.time() - self._started_at
        return Inspection(state, found.pid, port, cpu_s, rss, written, disk, up_s)

    def detach(self) -> str:
        """Let the running broker live on without this process; returns the name of its container."""
        name = self.container.name
        orphans.release(name)
        self._container = None
        return name

    def _running(self) -> bool:
        return self._container is not None and self._container.condition().running

    def _client_port(self) -> int:
        assert self._setup is not None
        return self._setup.port

    def _launch(self) -> BrokerInfo:
        """Start what ``_setup`` says and wait until it greets."""
        setup = self._setup
        assert setup is not None
        if not ports.is_free(setup.port):
            holder = ports.holder(setup.port)
            raise PortBusy(
                f"port {setup.port} on 127.0.0.1 is taken{f' by {holder}' if holder else ''}, so {self.name} cannot use it",
                next_command=f"ss -ltnp 'sport = :{setup.port}'",
            )
        self._look_at = 0.0
        try:
            if self._container is None:
                self._container = self._make(setup)
            self._started_at = time.time()
            self._container.start()
            greeting = self._await_greeting(self._container)
            self._container.pids()  # known from here on, also without the engine
        except BaseException:
            with contextlib.suppress(BrokerUnavailable):
                self._discard()
            raise
        image = {IMAGE_SETTING: setup.image.name, IDENTITY_SETTING: setup.image.identity}
        return BrokerInfo(
            name=self.name,
            product=self._product.title,
            version=greeting.version or setup.image.version,
            host=LOOPBACK,
            port=setup.port,
            backend="docker",
            settings=dict(setup.contained.settings) | image | setup.limits.settings(),
            management={"container": self._container.name},
        )

    def _make(self, setup: _Setup) -> Container:
        owner = Owner.mine()
        orphans.guard(owner)
        orphans.note_made(self._name)
        labels = {LABEL: owner.label(), BROKER_LABEL: self.name}
        if self._detached:
            labels[DETACHED_LABEL] = self._detached
        self._root.mkdir(parents=True, exist_ok=True)
        return Container.make(
            self._name, setup.image.name, setup.contained, setup.port, setup.limits, labels, setup.data_folder
        )

    def _await_greeting(self, container: Container) -> Greeting:
        deadline = time.monotonic() + READY_DEADLINE_S
        look_at = 0.0
        said = "nothing listens yet"
        while True:
            try:
                return self._product.greet(LOOPBACK, self._client_port(), GREETING_TIMEOUT_S)
            except NotReady as answer:
                said = str(answer)
            now = time.monotonic()
            if now >= look_at:
                found = container.condition()
                if not found.running:
                    raise self._failed(container, f"{self._ended(found)} while starting")
                look_at = now + LOOK_EVERY_S
            if now > deadline:
                raise self._failed(container, f"it was not ready after {READY_DEADLINE_S:.0f} s: {said}")
            time.sleep(READY_PERIOD_S)

    def _ended(self, found: Condition) -> str:
        if found.killed_by_memory_limit:
            limit = self._setup.limits.memory_bytes >> 20 if self._setup else 0
            return f"it was killed by its memory limit ({limit} MiB)"
        if found.status == "gone":
            return "somebody removed its container"
        return f"it ended with status {found.exit_code}{f' ({found.error})' if found.error else ''}"

    def _failed(self, container: Container, what: str) -> BrokerStartFailed:
        words = telling(container.log(sys.maxsize, since=self._started_at - 1))
        quoted = "\n".join(f"    {line}" for line in words) or "    (it wrote nothing)"
        return BrokerStartFailed(
            f"{self.name} did not start: {what}\nFrom the log of its container:\n{quoted}",
            next_command=f"harness doctor {self.name}",
        )

    def _discard(self) -> None:
        """Remove a container that did not come up; what it wrote stays to be read."""
        container, self._container = self._container, None
        if container is not None:
            self._save_log(container)
            container.remove()

    def _save_log(self, container: Container) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        text = "\n".join(container.log(SAVED_LOG_LINES))
        (self._root / "broker.log").write_text(text + "\n", encoding="utf-8")

    def _freeze(self, operation: str, act: Callable[[], None], status: str) -> Evidence:
        sent_ns = time.monotonic_ns()
        act()
        found = self.container.condition()
        seen_ns = time.monotonic_ns()
        answers = ports.answers(LOOPBACK, self._client_port())
        return Evidence(operation, found.status == status, found.pid, sent_ns, seen_ns, None, answers, found.status)


def container_name(broker: str, root: Path) -> str:
    """One for each folder, so that a second broker on the same folder is refused, as for processes."""
    return f"{PREFIX}-{broker}-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
