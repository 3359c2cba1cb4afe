"""What ``harness broker up|ls|down|logs`` do, as functions that return data.

A broker that ``up`` leaves running is *detached*: its keeper was told to let go of the harness, and a record in the
state folder says who it is. Everything else in this project takes its brokers along when it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.brokers.identity import ProcessIdentity
from harness.brokers.places import state_folder
from harness.brokers.process import ProcessBroker, tail
from harness.brokers.registry import create, product
from harness.errors import BrokerUnavailable, UsageError
from harness.model.broker import BrokerInfo, Tier

if TYPE_CHECKING:
    from harness.brokers.docker import DockerBroker

RECORD = "detached.json"
DOWN_DEADLINE_S = 40.0  # longer than any broker's grace period and the keeper's own cleaning
KILL_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Detached:
    """One detached broker. ``instance`` is its name on the command line, by default the broker's."""

    instance: str
    info: BrokerInfo
    tier: str
    keeper: ProcessIdentity | None  # None for a container
    main: ProcessIdentity | None
    folder: Path
    since: float  # wall clock, seconds
    container: str = ""

    @property
    def alive(self) -> bool:
        if self.container:
            from harness.brokers import contained

            return contained.running(self.container)
        return self.main is not None and self.main.alive()

    @property
    def stop_command(self) -> str:
        return f"harness broker down {self.instance}"

    @property
    def log(self) -> Path:
        return self.folder / "broker.log"

    def as_document(self) -> dict[str, object]:
        """For ``--json`` and for the record itself."""
        return {
            "instance": self.instance,
            "address": self.info.address,
            "alive": self.alive,
            "tier": self.tier,
            "since": self.since,
            "folder": str(self.folder),
            "info": {
                **{name: value for name, value in asdict(self.info).items() if name != "access"},
                "settings": dict(self.info.settings),
                "management": dict(self.info.management),
            },
            "keeper": asdict(self.keeper) if self.keeper else None,
            "main": asdict(self.main) if self.main else None,
            "container": self.container,
        }


def up(
    name: str,
    *,
    tier: str = "D1",
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
    instance: str | None = None,
    backend: str = "process",
    say: Callable[[str], None] = lambda _: None,
) -> Detached:
    """Start a broker that stays, and return when it is ready. Its data from last time, if any, is used again.

    ``backend`` is ``process`` or ``docker``; ``say`` hears how a pull of an image gets on.

    Raises UsageError when it runs already, and what ``Broker.start`` raises. Interrupted, it leaves nothing behind.
    """
    instance = _checked(instance or name)
    _check_tier(tier)
    with _locked(instance) as folder:
        known = _read(folder)
        if known is not None and known.alive:
            raise UsageError(
                f"{instance} runs already, at {known.info.address}; a second one needs a name of its own",
                next_command=f"harness broker up {name} --name {name}-2",
            )
        broker = _detachable(name, folder, port, backend, say)
        try:
            info = broker.start(tier=tier, settings=settings or {})
            keeper, main, container = _identities(broker, instance)
            detached = Detached(instance, info, tier, keeper, main, folder, time.time(), container)
            _write(detached)
            broker.detach()
        except BaseException:
            broker.stop()
            with contextlib.suppress(FileNotFoundError):
                (folder / RECORD).unlink()
            raise
        return detached


def _detachable(
    name: str, folder: Path, port: int | None, backend: str, say: Callable[[str], None]
) -> ProcessBroker | DockerBroker:
    if backend == "docker":
        from harness.brokers.docker import DockerBroker

        return DockerBroker(product(name), folder, port=port, detached=str(state_folder()), say=say)
    broker = create(name, root=folder, backend=backend, url=None if port is None else f"127.0.0.1:{port}")
    if not isinstance(broker, ProcessBroker):
        raise UsageError(f"a broker that is {backend} is not ours to start", next_command="harness broker up --help")
    return broker


def _identities(
    broker: ProcessBroker | DockerBroker, instance: str
) -> tuple[ProcessIdentity | None, ProcessIdentity | None, str]:
    """Keeper and main process of a local one, or the name of the container."""
    if not isinstance(broker, ProcessBroker):
        return None, None, broker.container.name
    supervisor = broker.supervisor
    keeper, main = ProcessIdentity.of(supervisor.keeper_pid), ProcessIdentity.of(supervisor.pid)
    if keeper is None or main is None:
        raise BrokerUnavailable(
            f"{instance} ended right after its start", next_command=f"harness broker logs {instance}"
        )
    return keeper, main, ""


def hold(
    name: str,
    *,
    root: Path,
    tier: str = "D1",
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
    backend: str = "process",
    on_ready: Callable[[BrokerInfo], None],
) -> None:
    """Start a broker, say that it is ready, and keep it until Ctrl-C or until it ends by itself (BrokerUnavailable)."""
    _check_tier(tier)
    broker = create(name, root=root, backend=backend, url=None if port is None else f"127.0.0.1:{port}")
    try:
        on_ready(broker.start(tier=tier, settings=settings or {}))
        while not (trouble := broker.trouble()):
            time.sleep(0.2)
        words = "\n".join(f"    {line}" for line in broker.log_tail(15))
        raise BrokerUnavailable(
            f"{name} ended by itself: {trouble}; its last words:\n{words}", next_command=f"harness doctor {name}"
        )
    except KeyboardInterrupt:
        return
    finally:
        broker.stop()
        if backend == "docker":
            broker.wipe()


def ls() -> list[Detached]:
    """All detached brokers on record, those that are gone too (``alive`` says which)."""
    home = _home()
    folders = sorted(entry for entry in home.iterdir() if entry.is_dir()) if home.is_dir() else []
    return [found for folder in folders if (found := _read(folder)) is not None]


def down(instance: str, *, wipe: bool = False) -> Detached:
    """Stop a detached broker and forget it; its data stays unless ``wipe``. Raises UsageError when there is none."""
    with _locked(_checked(instance)) as folder:
        known = _read(folder)
        if known is None:
            running = ", ".join(found.instance for found in ls()) or "none"
            raise UsageError(f"no broker {instance!r} is up (up are: {running})", next_command="harness broker ls")
        _end(known)
        (folder / RECORD).unlink()
        if wipe:
            shutil.rmtree(folder / "data", ignore_errors=True)
            if known.container:
                from harness.brokers import contained

                contained.wipe(known.container)
        return known


def down_all(*, wipe: bool = False) -> list[Detached]:
    """Stop every detached broker."""
    return [down(found.instance, wipe=wipe) for found in ls()]


def remove_orphans() -> list[str]:
    """Remove the containers of runs that crashed, and those left running from this state folder without a record.

    Returns their names; none where there is no engine.
    """
    from harness.brokers import engine, orphans

    if engine.reason_missing():
        return []
    with engine.talking():
        return orphans.sweep(engine.connect(), state_folder=str(state_folder()))


def logs(instance: str, lines: int = 100) -> list[str]:
    """The end of its log; also of one that is down. Raises UsageError when there never was one."""
    known = _read(_home() / _checked(instance))
    if known is not None and known.container and known.alive:
        from harness.brokers import contained

        return contained.logs(known.container, lines)
    path = _home() / _checked(instance) / "broker.log"
    if not path.exists():
        raise UsageError(f"there is no log of a broker {instance!r}", next_command="harness broker ls")
    return tail(path, lines)


def _end(known: Detached) -> None:
    """The keeper stops it in order. Without a keeper (somebody killed it) the kernel has killed the broker; make sure."""
    if known.container:
        from harness.brokers import contained

        contained.end(known.container, known.log)
        return
    if known.keeper is None or known.main is None:
        return
    known.keeper.send(signal.SIGTERM)
    if not known.keeper.wait_gone(DOWN_DEADLINE_S):
        known.keeper.send(signal.SIGKILL)
    known.main.send(signal.SIGKILL)
    if not known.main.wait_gone(KILL_DEADLINE_S):
        raise BrokerUnavailable(
            f"{known.instance} (pid {known.main.pid}) does not end, not even by signal 9",
            next_command=f"cat /proc/{known.main.pid}/status",
        )


def _home() -> Path:
    return state_folder() / "brokers"


def _checked(instance: str) -> str:
    if not instance or instance.startswith(".") or not all(char.isalnum() or char in "-_." for char in instance):
        raise UsageError(
            f"{instance!r} cannot name a broker: use letters, digits, dash, dot and underscore",
            next_command="harness broker ls",
        )
    return instance


def _check_tier(tier: str) -> None:
    one_node = (Tier.D0, Tier.D1, Tier.D2)
    if tier not in one_node:
        raise UsageError(
            f"one node can do {', '.join(one_node)}, not {tier}", next_command="harness broker up --tier D1"
        )


@contextlib.contextmanager
def _locked(instance: str) -> Iterator[Path]:
    """Its folder, with nobody else starting or stopping it."""
    folder = _home() / instance
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "command.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError(
            f"another command is starting or stopping {instance} right now", next_command="harness broker ls"
        ) from None
    try:
        yield folder
    finally:
        os.close(descriptor)


def _write(detached: Detached) -> None:
    fresh = detached.folder / f"{RECORD}.new"
    fresh.write_text(json.dumps(detached.as_document(), indent=1), encoding="utf-8")
    fresh.rename(detached.folder / RECORD)


def _read(folder: Path) -> Detached | None:
    """None when there is no record, or one that cannot be read (then nothing in it can be trusted with a signal)."""
    try:
        document = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Detached(
            instance=folder.name,
            info=BrokerInfo(**document["info"]),
            tier=str(document["tier"]),
            keeper=ProcessIdentity(**document["keeper"]) if document["keeper"] else None,
            main=ProcessIdentity(**document["main"]) if document["main"] else None,
            folder=folder,
            since=float(document["since"]),
            container=str(document.get("container", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
