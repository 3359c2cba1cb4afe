"""One container, as a broker needs it: make it with its settings files, start, kill, freeze, look, read its log, remove it."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
from docker.errors import APIError, NotFound
from docker.models.containers import Container as Handle
from docker.types import LogConfig, Mount

from harness.brokers import engine
from harness.brokers.api import Usage
from harness.brokers.limits import Limits
from harness.brokers.orphans import remove_container
from harness.brokers.process import folder_bytes
from harness.brokers.products.base import LOOPBACK, Contained
from harness.errors import BrokerStartFailed, BrokerUnavailable, DiskFull, PortBusy

HOSTNAME = "harness"  # RabbitMQ names its data folder after it
LOG_FILES = {"max-size": "16m", "max-file": "2"}
CGROUPS = Path("/sys/fs/cgroup")
FREEZE_ATTEMPTS = 5
FREEZE_PAUSE_S = 0.3
UNABLE_TO_FREEZE = "unable to freeze"


@dataclass(frozen=True, slots=True)
class Condition:
    """What the engine says of a container. ``pid`` is that of its first process, as the engine's machine counts."""

    status: str
    pid: int
    exit_code: int
    killed_by_memory_limit: bool
    started_at: str
    error: str

    @property
    def running(self) -> bool:
        """A frozen one runs too."""
        return self.status in ("running", "paused", "restarting")


class Container:
    """A handle; the engine owns the truth."""

    def __init__(self, handle: Handle, data: str, volume: str) -> None:
        self._handle = handle
        self._data = data
        self._volume = volume
        self._known: tuple[int, list[Path]] = (0, [])

    @classmethod
    def make(
        cls,
        name: str,
        image: str,
        contained: Contained,
        port: int,
        limits: Limits,
        labels: Mapping[str, str],
        data_folder: str = "",
    ) -> Container:
        """Create it, not started, with its settings files in it; its data lies in a volume that has the same name.

        ``data_folder``, on the engine's machine, is what the volume shows instead of a folder of the engine's own.

        Raises PortBusy when the name is taken, BrokerStartFailed, DiskFull.
        """
        client = engine.connect()
        with explained(name):
            bound = {"type": "none", "o": "bind", "device": data_folder} if data_folder else {}
            client.volumes.create(name, labels=dict(labels), driver_opts=bound)
            handle = client.containers.create(
                image,
                list(contained.command) or None,
                name=name,
                hostname=HOSTNAME,
                environment=dict(contained.env),
                labels=dict(labels),
                ports={f"{port}/tcp": (LOOPBACK, port)},
                mounts=[Mount(contained.data, name, type="volume")],
                mem_limit=limits.memory_bytes or None,
                memswap_limit=limits.memory_bytes or None,
                nano_cpus=round(limits.cpus * 1e9) or None,
                log_config=LogConfig(type=LogConfig.types.JSON, config=LOG_FILES),
            )
            made = cls(handle, contained.data, name)
            if contained.files:
                handle.put_archive("/", _archive(contained.files))
        return made

    @property
    def name(self) -> str:
        return str(self._handle.name)

    @property
    def identity(self) -> str:
        return str(self._handle.id)

    def start(self) -> None:
        """Raises PortBusy, BrokerStartFailed, DiskFull."""
        with explained(self.name):
            self._handle.start()

    def stop(self, grace_s: float) -> None:
        with engine.talking(), contextlib.suppress(NotFound):
            self._handle.stop(timeout=round(grace_s))

    def kill(self) -> None:
        """Signal 9 to its first process; the kernel kills the rest of the pid namespace. Returns when it has ended."""
        with engine.talking():
            self._handle.kill("SIGKILL")
            self._handle.wait()

    def freeze(self) -> None:
        """A busy container with a CPU limit may not be frozen in the runtime's own time: asked again, a few times."""
        for attempt in range(FREEZE_ATTEMPTS):
            try:
                with engine.talking():
                    self._handle.pause()
                return
            except APIError as error:
                if attempt == FREEZE_ATTEMPTS - 1 or UNABLE_TO_FREEZE not in str(error):
                    raise
                time.sleep(FREEZE_PAUSE_S)

    def thaw(self) -> None:
        with engine.talking():
            self._handle.unpause()

    def remove(self) -> None:
        with engine.talking():
            remove_container(self._handle)

    def condition(self) -> Condition:
        """Ask the engine. A container that somebody removed has status ``gone``."""
        with engine.talking():
            try:
                self._handle.reload()
            except NotFound:
                return Condition("gone", 0, -1, False, "", "")
        state = self._handle.attrs["State"]
        return Condition(
            status=str(state["Status"]),
            pid=int(state.get("Pid") or 0),
            exit_code=int(state.get("ExitCode") or 0),
            killed_by_memory_limit=bool(state.get("OOMKilled")),
            started_at=str(state.get("StartedAt") or ""),
            error=str(state.get("Error") or ""),
        )

    def log(self, lines: int, *, since: float = 0.0) -> list[str]:
        """The last lines it wrote, on either stream; ``since`` is wall clock."""
        with engine.talking(), contextlib.suppress(NotFound):
            text = self._handle.logs(tail=lines, since=since or None)
            return text.decode("utf-8", "replace").splitlines()
        return []

    def pids(self) -> tuple[int, ...]:
        """Its processes as this machine counts them, the first one first; empty when it ended or runs on another machine."""
        pid, files = self._known
        if not files:
            try:
                pid = self.condition().pid
            except BrokerUnavailable:
                return ()
            files = _process_lists(pid, self.identity) if pid else []
            self._known = (pid, files)
        for file in files:
            with contextlib.suppress(OSError):
                found = [int(line) for line in file.read_text(encoding="ascii").split()]
                if found:
                    return tuple(sorted(found, key=lambda one: one != pid))
        self._known = (0, [])
        return ()

    def usage(self) -> Usage | None:
        """From /proc where this machine runs it and lets us look, else from the engine; None when it ended."""
        pids = self.pids()
        return (usage_of(pids) if pids else None) or self.engine_usage()

    def disk_bytes(self) -> int:
        """What the volume occupies; 0 when that cannot be seen from here."""
        client = engine.connect()
        try:
            with engine.talking():
                mountpoint = Path(str(client.volumes.get(self._volume).attrs["Mountpoint"]))
            if mountpoint.is_dir():
                return folder_bytes(mountpoint)
        except (NotFound, OSError):
            pass
        with engine.talking(), contextlib.suppress(APIError):
            code, output = self._handle.exec_run(["du", "-sk", self._data], stderr=False)
            if code == 0:
                return int(cast("bytes", output).split()[0]) << 10
        return 0

    def engine_usage(self) -> Usage | None:
        """The engine's own figures; None when it ended.

        Resident memory is anonymous memory here, and bytes written are what reached a disk: close to, not the same as,
        what /proc says of processes.
        """
        with engine.talking(), contextlib.suppress(NotFound):
            stats = cast("dict[str, Any]", self._handle.stats(stream=False, one_shot=True))
            if not stats.get("memory_stats"):
                return None
            memory = stats["memory_stats"].get("stats", {})
            blocks = stats.get("blkio_stats", {}).get("io_service_bytes_recursive") or []
            return Usage(
                cpu_seconds=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
                rss_bytes=int(memory.get("anon", memory.get("total_rss", stats["memory_stats"].get("usage", 0)))),
                write_bytes=sum(int(block["value"]) for block in blocks if str(block["op"]).lower() == "write"),
            )
        return None


def usage_of(pids: Sequence[int]) -> Usage | None:
    """Sums over processes; None when one of them may not be looked at."""
    cpu_s, rss, written = 0.0, 0, 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                cpu_s += times.user + times.system
                rss += process.memory_info().rss
                written += process.io_counters().write_bytes
        except psutil.NoSuchProcess:
            continue
        except (psutil.AccessDenied, OSError):
            return None
    return Usage(cpu_s, rss, written)


def _process_lists(pid: int, identity: str) -> list[Path]:
    """Files that list the pids of the container of process ``pid``, if that is a process of this machine at all."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return []
    files = []
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if identity in path:
            files.append(CGROUPS / controllers.removeprefix("name=") / path.lstrip("/") / "cgroup.procs")
    return [file for file in files if file.exists()][:1]


def _archive(files: Mapping[str, str]) -> bytes:
    """A tar of settings files, readable by whatever user the image runs as. It replaces files and leaves folders alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            body = text.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.mtime = len(body), 0o644, int(time.time())
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """The engine's refusals in this project's words."""
    try:
        with engine.talking():
            yield
    except APIError as error:
        text = engine.first_line(error)
        low = text.lower()
        if "port is already allocated" in low or "address already in use" in low:
            raise PortBusy(f"the engine cannot publish its port: {text}", next_command="ss -ltnp") from None
        if error.status_code == 409 and "already in use" in low:
            raise PortBusy(f"another container is called {name}", next_command=f"docker rm -f {name}") from None
        if "failed to mount local volume" in low:
            raise BrokerStartFailed(
                f"the engine does not see the folder for the data of {name}; it has to run on this machine: {text}",
                next_command="docker context ls",
            ) from None
        if "no space left" in low:
            raise DiskFull(f"the container engine has no room left: {text}", next_command="docker system df") from None
        raise BrokerStartFailed(f"the engine refused to start {name}: {text}", next_command="docker info") from None
