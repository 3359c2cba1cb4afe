"""RabbitMQ: one private node. The virtual machine is started directly, without the packaged scripts.

What makes it quick (2 s instead of 7 s): a folder of links to just the Erlang applications it needs, so that loading
a module does not search eighty folders; a ready epmd of its own, so that it does not start a whole second virtual
machine to bring one up; no plugins. That epmd listens on a private loopback port and dies with the node.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.brokers import handshake
from harness.brokers.handshake import Greet
from harness.brokers.places import cache_folder
from harness.brokers.products.base import (
    EVERYWHERE,
    LOOPBACK,
    Contained,
    Installation,
    Launch,
    quiet_environment,
)
from harness.errors import BrokerMissing, UsageError

INSTALL_COMMAND = "harness broker install rabbitmq"
PLUGINS_SETTING = "plugins"
NODE = "harness@localhost"  # the data folder is named after it; each node has an epmd to itself, so names may repeat
LIBRARIES_VARIABLE = "LD_LIBRARY_PATH"

# As the packaged start script has them; the virtual machine does not spin when idle in either.
ERLANG_FLAGS = tuple(
    "+W w +MBas ageffcbf +MHas ageffcbf +MBlmbcs 512 +MHlmbcs 512 +MMmcs 30".split()  # noqa: SIM905 - reads as typed
    + "+P 1048576 +t 5000000 +stbt db +zdbbl 128000 +sbwt none +sbwtdcpu none +sbwtdio none".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """Settings are keys of rabbitmq.conf, and ``plugins`` (names, separated by spaces)."""

    name: str = "rabbitmq"
    title: str = "RabbitMQ"
    port_count: int = 3
    default_port: int = 5672
    greet: Greet = handshake.amqp

    def locate(self) -> Installation:
        for root, where in ((cache_folder() / "rabbitmq" / "root", "local copy"), (Path("/"), "Debian package")):
            servers = sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
            if servers and (root / "usr/lib/erlang/lib").is_dir():
                version = servers[-1].name.partition("-")[2]
                release = sorted((root / "usr/lib/erlang/releases").glob("[0-9]*"))
                erlang = release[-1].name if release else "?"
                return Installation(version, root, f"{where}, Erlang {erlang}")
        raise BrokerMissing("RabbitMQ is not on this machine", next_command=INSTALL_COMMAND)

    def server_settings(self, tier: str) -> dict[str, str]:
        """No tier changes the server: durability is a property of queues and messages here (delivery mode, queue type)."""
        return {"disk_free_limit.absolute": "50MB", "loopback_users.guest": "true", "log.console.level": "info"}

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        client, distribution, epmd = ports
        root = installation.home
        server = sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))[-1]
        erlang = _erlang_view(root / "usr/lib/erlang", folder / "conf" / "erlang")
        plugins = settings.get(PLUGINS_SETTING, "").split()
        applications = _applications(server / "plugins", folder / "conf" / "plugins", ("rabbit", *plugins))
        _write_configuration(folder, client, settings, plugins)
        binaries = next(iter(sorted(erlang.glob("erts-*/bin"))))
        env = quiet_environment(folder / "conf") | {
            "ROOTDIR": str(erlang),
            "BINDIR": str(binaries),
            "EMU": "beam",
            "PROGNAME": "erl",
            "ERL_LIBS": str(applications),
            "ERL_MAX_ETS_TABLES": "50000",
            "ERL_MAX_PORTS": "65536",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP_BYTES": "0",
            "RABBITMQ_HOME": str(server),
            "RABBITMQ_PLUGINS_DIR": str(applications),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_LOG": "-color",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(client),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "conf" / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "conf" / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "conf" / "enabled_plugins"),
        }
        env |= library_environment(root)
        argv = [str(binaries / "erlexec"), "-noinput", "-s", "rabbit", "boot", "-boot", "start_sasl", *ERLANG_FLAGS]
        argv += [
            "-kernel",
            "inet_dist_use_interface",
            "{127,0,0,1}",
            "-kernel",
            "prevent_overlapping_partitions",
            "false",
        ]
        argv += ["-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"]
        companion = [str(binaries / "epmd"), "-port", str(epmd), "-address", LOOPBACK]
        management = {"node": NODE, "epmd_port": str(epmd), "cookie": str(folder / "conf" / ".erlang.cookie")}
        return Launch(argv, env, dict(settings), [companion], management)

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        """A client outside comes from another address than loopback, so ``guest`` is let in from there too."""
        inside = dict(settings) | {"loopback_users.guest": "false"}
        files = {
            "/etc/rabbitmq/conf.d/90-harness.conf": configuration(EVERYWHERE, port, inside),
            "/etc/rabbitmq/enabled_plugins": enabled_plugins(inside.get(PLUGINS_SETTING, "").split()),
        }
        return Contained("/var/lib/rabbitmq", files, inside, {"RABBITMQ_LOG": "-color"}, grace_s=15.0)


def library_environment(root: Path) -> dict[str, str]:
    """Shared libraries that were unpacked along with Erlang because the system has none; nothing for an installed package."""
    if root == Path("/"):
        return {}
    folders = [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
    return {LIBRARIES_VARIABLE: ":".join(str(folder) for folder in folders)} if folders else {}


def _write_configuration(folder: Path, port: int, settings: Mapping[str, str], plugins: Sequence[str]) -> None:
    conf = folder / "conf"
    for needed in (conf, folder / "data", folder / "logs"):
        needed.mkdir(parents=True, exist_ok=True)
    cookie = conf / ".erlang.cookie"
    if not cookie.exists():
        # Whoever knows it may run code in the node, and loopback is shared with the other users of this machine.
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(20), encoding="ascii")
        cookie.chmod(0o400)
    (conf / "rabbitmq.conf").write_text(configuration(LOOPBACK, port, settings), encoding="utf-8")
    (conf / "enabled_plugins").write_text(enabled_plugins(plugins), encoding="ascii")


def configuration(host: str, port: int, settings: Mapping[str, str]) -> str:
    """rabbitmq.conf. Pure."""
    lines = {"listeners.tcp.1": f"{host}:{port}", "log.console": "true", "log.file": "false"}
    lines |= {name: value for name, value in settings.items() if name != PLUGINS_SETTING}
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def enabled_plugins(plugins: Sequence[str]) -> str:
    """The file of that name: an Erlang list."""
    return f"[{','.join(plugins)}].\n"


def _erlang_view(real: Path, view: Path) -> Path:
    """Erlang's root folder as links, but with an ``erl`` that does nothing.

    RabbitMQ starts ``bin/erl`` once, for the side effect of an epmd coming up; ours is up already.
    """
    if view.exists():
        return view
    scratch = view.with_name(view.name + ".new")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "bin").mkdir(parents=True)
    for entry in real.iterdir():
        if entry.name != "bin":
            (scratch / entry.name).symlink_to(entry)
    for entry in (real / "bin").iterdir():
        (scratch / "bin" / entry.name).symlink_to("/bin/true" if entry.name == "erl" else entry)
    scratch.rename(view)
    return view


def _applications(every: Path, view: Path, wanted: Iterable[str]) -> Path:
    """A folder of links to the applications that ``wanted`` need, directly or not."""
    folders = {entry.name.rpartition("-")[0] or entry.name: entry for entry in every.iterdir() if entry.is_dir()}
    queue, needed = list(wanted), set[str]()
    for name in queue:
        if name not in folders:
            raise UsageError(f"RabbitMQ has no plugin {name!r} here", next_command="harness doctor rabbitmq")
    while queue:
        name = queue.pop()
        if name in needed or name not in folders:
            continue  # Erlang's own applications are elsewhere
        needed.add(name)
        queue += _dependencies(folders[name] / "ebin" / f"{name}.app")
    shutil.rmtree(view, ignore_errors=True)
    view.mkdir(parents=True)
    for name in sorted(needed):
        (view / folders[name].name).symlink_to(folders[name])
    return view


def _dependencies(resource: Path) -> list[str]:
    """Names in the ``applications`` lists of an Erlang application resource file (app(5))."""
    try:
        text = resource.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lists = re.findall(r"\{\s*(?:optional_|included_)?applications\s*,\s*\[(.*?)\]", text, re.DOTALL)
    return [name.strip("' \n\t") for found in lists for name in found.split(",") if name.strip()]
