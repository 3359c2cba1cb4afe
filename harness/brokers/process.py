"""A broker as a private local process: own port, own folder, own node name, below a keeper."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.brokers import ports
from harness.brokers.api import BrokerState, Evidence, Inspection, Usage
from harness.brokers.handshake import Greeting, NotReady
from harness.brokers.identity import ProcessIdentity
from harness.brokers.products.base import LOOPBACK, Installation, Product
from harness.brokers.supervisor import Order, Supervisor
from harness.errors import BrokerStartFailed, BrokerUnavailable, DiskFull, PortBusy, UsageError
from harness.model.broker import BrokerInfo

READY_DEADLINE_S = 120.0  # a crowded machine is slow, and a broker that makes progress is not failed
READY_PERIOD_S = 0.005  # what a measured start is exact to
GREETING_TIMEOUT_S = 2.0
LOG_LINES = 8  # of an error message, twice: where the trouble began and where it ended
COMPLAINT = re.compile(r"\b(error|fatal|severe|exception|failed)\b|Exception", re.IGNORECASE)
LOG_TAIL_BYTES = 64 << 10
DISK_FLOOR_BYTES = 200 << 20  # below this no broker can be expected to work
STATE_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Setup:
    """What the instance was started with, and is started with again after a kill."""

    installation: Installation
    ports: tuple[int, ...]
    settings: Mapping[str, str]


class ProcessBroker:
    """One instance below ``root``: ``data`` is what ``wipe`` removes; ``conf`` and ``broker.log`` stay for a look."""

    def __init__(self, product: Product, root: Path, *, port: int | None = None) -> None:
        self._product = product
        self._root = root.absolute()
        self._port = port
        self._setup: _Setup | None = None
        self._supervisor: Supervisor | None = None
        self._lock = self._root / "lock"  # held by the keeper: one folder serves one broker
        self._log_start = 0

    @classmethod
    def create(cls, product: Product, root: Path, url: str | None) -> ProcessBroker:
        """``url`` may name the port to use, as ``host:port``; the host must be this machine."""
        return cls(product, root, port=local_port(product.name, url))

    @property
    def name(self) -> str:
        return self._product.name

    @property
    def supervisor(self) -> Supervisor:
        """The keeper's handle; only while it runs."""
        if self._supervisor is None:
            raise BrokerUnavailable(f"{self.name} is not running", next_command="harness broker ls")
        return self._supervisor

    def start(self, *, tier: str, settings: Mapping[str, str]) -> BrokerInfo:
        """See ``Broker.start``. A second start with other settings needs a stop between."""
        if self._running():
            raise UsageError(f"this {self.name} runs already", next_command="harness broker ls")
        if contained := sorted(name for name in settings if name.startswith("container.")):
            raise UsageError(
                f"{contained[0]} is a setting of containers",
                next_command=f"harness broker up {self.name} --backend docker",
            )
        installation = self._product.locate()
        merged = self._product.server_settings(tier) | dict(settings)
        self._setup = _Setup(installation, self._choose_ports(), merged)
        return self._launch()

    def restart(self) -> BrokerInfo:
        if self._setup is None:
            raise UsageError(f"this {self.name} was never started", next_command=f"harness broker up {self.name}")
        self.stop()
        return self._launch()

    def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None

    def kill(self) -> Evidence:
        supervisor = self.supervisor
        sent_ns = supervisor.kill()
        status = supervisor.exit_status
        answers = ports.answers(LOOPBACK, self._client_port())
        bit = status == -signal.SIGKILL and not answers and sent_ns > 0
        self._supervisor = None
        return Evidence("kill", bit, supervisor.pid, sent_ns, supervisor.exited_ns, status, answers)

    def pause(self) -> Evidence:
        return self._freeze("pause", signal.SIGSTOP, stopped=True)

    def resume(self) -> Evidence:
        return self._freeze("resume", signal.SIGCONT, stopped=False)

    def wipe(self) -> None:
        if self._running():
            raise UsageError(f"stop this {self.name} before its data is wiped", next_command="harness broker down")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root / "data")

    def pids(self) -> tuple[int, ...]:
        """The broker itself. Its helpers (RabbitMQ's resolver and disk monitor) do no work worth sampling."""
        supervisor = self._supervisor
        return (supervisor.pid,) if supervisor is not None and supervisor.alive else ()

    def usage(self) -> Usage | None:
        return None

    def trouble(self) -> str:
        return "" if self._running() else "it ended"

    def log_tail(self, lines: int) -> list[str]:
        return tail(self._root / "broker.log", lines)

    def inspect(self) -> Inspection:
        state, cpu_seconds, rss, written, uptime = BrokerState.STOPPED, 0.0, 0, 0, 0.0
        pids = self.pids()
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                with process.oneshot():
                    times = process.cpu_times()
                    cpu_seconds += times.user + times.system
                    rss += process.memory_info().rss
                    written += process.io_counters().write_bytes
                    uptime = max(uptime, uptime_s(pid))
                    paused = process.status() == psutil.STATUS_STOPPED
                    state = BrokerState.PAUSED if paused else BrokerState.RUNNING
        disk = folder_bytes(self._root / "data")
        port = self._client_port() if self._setup else 0
        return Inspection(state, pids[0] if pids else None, port, cpu_seconds, rss, written, disk, uptime)

    def detach(self) -> Supervisor:
        """Let the running broker live on without this process; returns the handle for its pids."""
        supervisor = self.supervisor
        supervisor.release()
        self._supervisor = None
        return supervisor

    def _running(self) -> bool:
        return self._supervisor is not None and self._supervisor.alive

    def _client_port(self) -> int:
        assert self._setup is not None
        return self._setup.ports[0]

    def _choose_ports(self) -> tuple[int, ...]:
        count = self._product.port_count
        if self._port is None:
            return tuple(ports.free_ports(count))
        return (self._port, *(ports.free_ports(count - 1) if count > 1 else ()))

    def _launch(self) -> BrokerInfo:
        """Start what ``_setup`` says and wait until it greets."""
        setup = self._setup
        assert setup is not None
        self._check_ports(setup)
        self._root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._root).free < DISK_FLOOR_BYTES:
            raise DiskFull(f"less than 200 MB free in {self._root}", next_command=f"df -h {self._root}")
        launch = self._product.prepare(setup.installation, self._root, setup.ports, setup.settings)
        log = self._root / "broker.log"
        self._log_start = log.stat().st_size if log.exists() else 0
        order = Order(
            launch.argv, launch.env, self._root, log, launch.companions, lock=self._lock, grace_s=launch.grace_s
        )
        try:
            self._supervisor = Supervisor(order)
        except OSError as error:
            if str(error) == "locked":
                raise PortBusy(
                    f"another {self.name} is running on the folder {self._root}", next_command="harness broker ls"
                ) from None
            raise self._failed(f"it cannot be started: {error}") from None
        greeting = self._await_greeting(self._supervisor)
        return BrokerInfo(
            name=self.name,
            product=self._product.title,
            version=greeting.version or setup.installation.version,
            host=LOOPBACK,
            port=setup.ports[0],
            backend="process",
            settings=dict(launch.settings),
            management=dict(launch.management),
        )

    def _check_ports(self, setup: _Setup) -> None:
        for port in setup.ports:
            if not ports.is_free(port):
                holder = ports.holder(port)
                raise PortBusy(
                    f"port {port} on 127.0.0.1 is taken{f' by {holder}' if holder else ''}, so {self.name} cannot use it",
                    next_command=f"ss -ltnp 'sport = :{port}'",
                )

    def _await_greeting(self, supervisor: Supervisor) -> Greeting:
        deadline = time.monotonic() + READY_DEADLINE_S
        said = "nothing listens yet"
        try:
            while True:
                if not supervisor.alive:
                    supervisor.abandon()
                    raise self._failed(f"it ended with status {supervisor.exit_status} while starting")
                try:
                    return self._product.greet(LOOPBACK, self._client_port(), GREETING_TIMEOUT_S)
                except NotReady as answer:
                    said = str(answer)
                if time.monotonic() > deadline:
                    raise self._failed(f"it was not ready after {READY_DEADLINE_S:.0f} s: {said}")
                time.sleep(READY_PERIOD_S)
        except BaseException:
            supervisor.abandon()
            self._supervisor = None
            raise

    def _failed(self, what: str) -> BrokerStartFailed:
        words = telling(tail(self._root / "broker.log", sys.maxsize, since=self._log_start))
        quoted = "\n".join(f"    {line}" for line in words) or "    (it wrote nothing)"
        return BrokerStartFailed(
            f"{self.name} did not start: {what}\nFrom {self._root / 'broker.log'}:\n{quoted}",
            next_command=f"harness doctor {self.name}",
        )

    def _freeze(self, operation: str, number: int, *, stopped: bool) -> Evidence:
        supervisor = self.supervisor
        sent_ns = supervisor.signal(number)
        deadline = time.monotonic() + STATE_DEADLINE_S
        letter = process_state(supervisor.pid)
        while (letter == "T") != stopped and time.monotonic() < deadline and supervisor.alive:
            time.sleep(0.001)
            letter = process_state(supervisor.pid)
        bit = sent_ns > 0 and letter != "" and (letter == "T") == stopped
        seen_ns = time.monotonic_ns()
        answers = ports.answers(LOOPBACK, self._client_port())
        return Evidence(operation, bit, supervisor.pid, sent_ns, seen_ns, supervisor.exit_status, answers, letter)


def local_port(name: str, url: str | None) -> int | None:
    """The port in ``host:port`` of this machine; None when there is no url. Raises UsageError."""
    if url is None:
        return None
    host, _, port = url.rpartition(":")
    if host not in ("", "127.0.0.1", "localhost") or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(
            f"a local {name} listens on 127.0.0.1:PORT, not {url!r}",
            next_command=f"harness broker up {name} --backend external --url {url}",
        )
    return int(port)


def process_state(pid: int) -> str:
    """The state letter of proc(5); empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def uptime_s(pid: int) -> float:
    """Seconds since the process started, from clocks that agree with each other (psutil's start time is off by up to a second)."""
    identity = ProcessIdentity.of(pid)
    if identity is None:
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - identity.started_ticks / os.sysconf("SC_CLK_TCK"))


def folder_bytes(folder: Path) -> int:
    """What a folder occupies on disk (blocks, not sizes: journals are sparse); files that vanish meanwhile count nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
    return total


def tail(path: Path, lines: int, *, since: int = 0) -> list[str]:
    """The last lines of a text file, reading at most 64 KiB of it and nothing before the byte ``since``."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []


def telling(lines: Sequence[str]) -> list[str]:
    """The lines around the first complaint, and the last ones: brokers tell the cause first and then unwind at length."""
    first = next((number for number, line in enumerate(lines) if COMPLAINT.search(line)), len(lines))
    head = list(lines[first : first + LOG_LINES])
    rest = list(lines[first + LOG_LINES :]) if head else list(lines)
    if len(rest) <= LOG_LINES:
        return head + rest
    return [*head, "[...]", *rest[-LOG_LINES:]] if head else rest[-LOG_LINES:]
