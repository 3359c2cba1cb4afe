"""The command line: `pylog serve`, also reached as `python -m harness.pylog_broker`.

Exit codes: 0 after a clean shutdown, 2 for a mistake in the command line or a setting, 3 when the machine refuses (busy
port, data folder locked, unwritable or damaged).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import logging
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from harness.pylog_broker.broker import Broker, Endpoint
from harness.pylog_broker.config import BrokerConfig, ConfigError, build_config, parse_assignments
from harness.pylog_broker.dispatch import Dispatcher
from harness.pylog_broker.doors import Door, bind
from harness.pylog_broker.handlers import Handlers
from harness.pylog_broker.properties import PropertiesError, parse_properties
from harness.pylog_broker.security.listeners import Listener, Protocol, parse_listeners, show_addresses
from harness.pylog_broker.security.service import Security
from harness.pylog_broker.security.settings import SecurityFileError
from harness.pylog_broker.server import LISTEN_BACKLOG, Server
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.tools import ToolFailed

EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
DEFAULT_PORT = 9092
GC_THRESHOLDS = (50_000, 20, 100)
"""The hot path makes no cycles; the collector runs rarely, and never over what was there at start (gc.freeze)."""

TOOLS = ("topic", "group", "log", "explain")
"""Modules of `tools`, each a command."""

HELP = functools.partial(argparse.HelpFormatter, width=100)
"""Without a width, argparse loads `shutil`, and that every compression library, to ask the terminal: at each start."""

SERVE_DESCRIPTION = "Runs a broker. Prints 'listening on HOST:PORT' on stdout when it is ready; logs go to stderr."

logger = logging.getLogger("pylog")


class _Fail(Exception):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def default_data_dir() -> str:
    """`$XDG_DATA_HOME/pylog`, by default `~/.local/share/pylog`."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "pylog")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="pylog", description="A log broker that speaks the Kafka protocol.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    help_text = "run a broker until SIGTERM or Ctrl-C (the default command)"
    add_serve_arguments(commands.add_parser("serve", help=help_text, description=SERVE_DESCRIPTION))
    for name in TOOLS:
        _tool(name).add_parser(commands)
    commands.add_parser("apis", help="print the table of APIs that the broker answers, as Markdown")
    commands.add_parser("settings", help="print the table of settings that --set takes, as Markdown")
    return parser


def add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    """What `pylog serve` takes."""
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    serve.add_argument("--data-dir", default=None, help=f"folder of the logs (default: {default_data_dir()})")
    serve.add_argument("--num-partitions", type=int, metavar="N", help="short for --set num.partitions=N")
    serve.add_argument(
        "--advertised", metavar="HOST:PORT", help="where clients reach this broker, if not at --host and --port"
    )
    serve.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="assignments",
        help="a broker setting under Apache Kafka's own name, such as log.retention.hours=24; may be repeated",
    )
    serve.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="default: %(default)s"
    )
    serve.add_argument(
        "--config", metavar="FILE", help="settings in the format of server.properties; --set goes over it"
    )
    serve.add_argument("--log-format", default="text", choices=("text", "json"), help="default: %(default)s")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["serve", *arguments]
    if arguments[0] != "serve":  # a broker starts without what the other commands are made of
        return _run_other(build_parser().parse_args(arguments))
    parser = argparse.ArgumentParser(prog="pylog serve", description=SERVE_DESCRIPTION, formatter_class=HELP)
    add_serve_arguments(parser)
    options = parser.parse_args(arguments[1:])
    _log_to_stderr(options.log_level, options.log_format)
    try:
        return serve(options)
    except _Fail as failure:
        sys.stderr.write(f"pylog: {failure}\n")
        return failure.code


def _tool(name: str) -> ModuleType:
    return import_module(f"harness.pylog_broker.tools.{name}")


def _run_other(options: argparse.Namespace) -> int:
    if options.command not in TOOLS:
        from harness.pylog_broker import reference

        sys.stdout.write(reference.api_table() if options.command == "apis" else reference.settings_table())
        return 0
    try:
        code: int = _tool(options.command).run(options)
        return code
    except ToolFailed as failure:
        sys.stderr.write(f"pylog: {failure}\n")
        return failure.code
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _log_to_stderr(level: str, format_name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if format_name == "json":
        from harness.pylog_broker.observe.json_log import JsonFormatter

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def serve(options: argparse.Namespace) -> int:
    """Run a broker until it is told to stop."""
    config = _config(options)
    data_dir = options.data_dir or config.log_dirs or default_data_dir()
    security = _security(config)
    with contextlib.ExitStack() as opened:
        doors = [_door(listener, config, opened) for listener in _listeners(options, config)]
        config = _settled(config, doors)
        catalog = _open_catalog(data_dir, config)
        broker = Broker(config, catalog, doors[0].endpoint, Handlers(), security=security)
        try:
            server = Server(broker, Dispatcher(broker), doors)
            server.stop_on_signals()
            _open_window(config, broker, server, opened)
            _allow_many_files()
            broker.start()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            for door in doors:
                door.socket.listen(LISTEN_BACKLOG)
                shown = "" if door.listener.protocol == Protocol.PLAINTEXT else f" ({door.listener.protocol})"
                sys.stdout.write(f"listening on {door.listener.host}:{door.socket.getsockname()[1]}{shown}\n")
            sys.stdout.flush()
            server.run()
        finally:
            broker.close()
    logger.info("stopped")
    return 0


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: segments and connections each take one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _config(options: argparse.Namespace) -> BrokerConfig:
    try:
        given = _properties(options.config) if options.config is not None else {}
        given.update(parse_assignments(options.assignments))
        if options.num_partitions is not None:
            given["num.partitions"] = str(options.num_partitions)
        return build_config(given)
    except ConfigError as error:
        raise _Fail(str(error), EXIT_USAGE) from None


def _properties(path: str) -> dict[str, str]:
    """The settings of a file; a mistake names its line."""
    try:
        with open(path, encoding="utf-8") as file:
            properties = parse_properties(file.read())
    except (OSError, UnicodeDecodeError, PropertiesError) as error:
        raise _Fail(f"--config {path}: {error}", EXIT_USAGE) from None
    given = {}
    for row in properties:
        try:
            given.update(parse_assignments([f"{row.name}={row.value}"]))
        except ConfigError as error:
            raise _Fail(f"{path}:{row.line}: {error}", EXIT_USAGE) from None
    return given


def _open_window(config: BrokerConfig, broker: Broker, server: Server, opened: contextlib.ExitStack) -> None:
    """Metrics and the explaining page, where `http.listener` asks for them."""
    if not config.http_listener:
        return
    from harness.pylog_broker.observe.http import Window
    from harness.pylog_broker.observe.snapshot import Snapshot, take

    started_s = broker.now_s()

    def ask(answer: Callable[[Snapshot], None]) -> None:
        server.post(lambda: answer(take(broker, server, started_s)))

    host, _, port = config.http_listener.rpartition(":")
    try:
        window = Window(host.strip("[]"), int(port), ask)
    except OSError as error:
        raise _Fail(f"http.listener={config.http_listener}: {error.strerror or error}", EXIT_ENVIRONMENT) from None
    opened.callback(window.close)
    window.open()
    sys.stdout.write(f"explaining on http://{host}:{window.port}/\n")


def _security(config: BrokerConfig) -> Security:
    try:
        return Security(config.security)
    except SecurityFileError as error:
        raise _Fail(str(error), EXIT_USAGE) from None


def _listeners(options: argparse.Namespace, config: BrokerConfig) -> Sequence[Listener]:
    """What the settings name, else one plain listener at --host and --port."""
    settings = config.security
    if not settings.listeners:
        advertised = _advertised(options.advertised)
        return [Listener("PLAINTEXT", Protocol.PLAINTEXT, options.host, options.port, advertised)]
    if options.advertised is not None:
        raise _Fail("--advertised goes with --host and --port; with listeners, set advertised.listeners", EXIT_USAGE)
    return parse_listeners(settings.listeners, settings.advertised_listeners, settings.protocol_map)


def _door(listener: Listener, config: BrokerConfig, opened: contextlib.ExitStack) -> Door:
    """Bind, and read the certificate where there is one."""
    encrypt = None
    if listener.protocol.tls:
        from harness.pylog_broker.security import tls  # OpenSSL takes a while to load

        try:
            context = tls.build_context(config.security)
        except tls.TlsFailed as error:
            raise _Fail(str(error), EXIT_USAGE) from None
        encrypt = functools.partial(tls.TlsSocket, context=context)
    bound = opened.enter_context(_bind(listener.host, listener.port))
    port: int = bound.getsockname()[1]
    endpoint = Endpoint(*listener.advertised) if listener.advertised else Endpoint(_reachable(listener.host), port)
    return Door(bound, listener, endpoint, encrypt)


def _settled(config: BrokerConfig, doors: Sequence[Door]) -> BrokerConfig:
    """The config with the addresses that are in force, so that DescribeConfigs shows them whichever flags they came from."""
    listeners = [door.listener._replace(port=door.socket.getsockname()[1]) for door in doors]
    given = {
        "listeners": show_addresses((item.name, item.host, item.port) for item in listeners),
        "advertised.listeners": show_addresses((door.listener.name, *door.endpoint) for door in doors),
    }
    security = config.security._replace(
        listeners=given["listeners"], advertised_listeners=given["advertised.listeners"]
    )
    return config._replace(security=security, given={**config.given, **given})


def _advertised(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise _Fail(f"--advertised takes HOST:PORT, such as broker.example:9092, not '{text}'", EXIT_USAGE)
    return host.strip("[]"), int(port)


def _reachable(host: str) -> str:
    """What to tell clients when the broker listens on every address."""
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host  # noqa: S104  compared, not bound


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port < 1 << 16:
        raise _Fail(f"--port must be in 0 .. 65535, not {port}", EXIT_USAGE)
    try:
        return bind(host, port)
    except OSError as error:
        raise _Fail(
            f"cannot listen on {host}:{port}: {error.strerror}; see what is there with `ss -ltnp 'sport = :{port}'`, "
            f"or take a free port with `pylog serve --port 0`",
            EXIT_ENVIRONMENT,
        ) from None


def _open_catalog(data_dir: str, config: BrokerConfig) -> Catalog:
    try:
        os.makedirs(data_dir, exist_ok=True)
        return Catalog.open(
            data_dir, defaults=config.topic, clock=lambda: int(time.time() * 1000), node_id=config.node_id
        )
    except StorageError as error:
        _refuse_folder(data_dir, str(error))
    except OSError as error:
        _refuse_folder(data_dir, error.strerror or str(error))


def _refuse_folder(data_dir: str, reason: str) -> NoReturn:
    raise _Fail(
        f"cannot use the data folder {data_dir}: {reason}; choose another with `pylog serve --data-dir DIR`",
        EXIT_ENVIRONMENT,
    ) from None


if __name__ == "__main__":
    sys.exit(main())
