"""How `topic` and `group` reach a broker: its address, and a client's properties for TLS and SASL."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.pylog_broker.properties import PropertiesError, parse_properties
from harness.pylog_broker.tools import ToolFailed

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

EXIT_USAGE, EXIT_ENVIRONMENT = 2, 3
_NAMES = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.cafile": "ssl_cafile",
    "ssl.truststore.location": "ssl_cafile",
    "ssl.certfile": "ssl_certfile",
    "ssl.keyfile": "ssl_keyfile",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every command with a broker has."""
    parser.add_argument("--broker", default="127.0.0.1:9092", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument(
        "--client-config",
        type=Path,
        metavar="FILE",
        help="properties such as security.protocol=SASL_SSL, sasl.mechanism=, sasl.username=, sasl.password=, ssl.cafile=",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def connect(options: argparse.Namespace) -> KafkaAdminClient:
    """An administrator's client. Raises ToolFailed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python reads its schemas by an old function
        from kafka.admin import KafkaAdminClient
        from kafka.errors import KafkaError

    import logging

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        return KafkaAdminClient(
            bootstrap_servers=options.broker,
            client_id="pylog",
            request_timeout_ms=10_000,
            bootstrap_timeout_ms=5_000,
            **_settings(options.client_config),
        )
    except (KafkaError, OSError, ValueError) as error:
        raise ToolFailed(
            f"no broker can be reached at {options.broker} ({type(error).__name__}: {error}); "
            "start one with `pylog serve`, or name another with --broker HOST:PORT",
            EXIT_ENVIRONMENT,
        ) from None


def _settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        properties = parse_properties(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PropertiesError) as error:
        raise ToolFailed(f"--client-config {path}: {error}", EXIT_USAGE) from None
    unknown = [row for row in properties if row.name not in _NAMES]
    if unknown:
        raise ToolFailed(
            f"--client-config {path}:{unknown[0].line}: unknown '{unknown[0].name}'; known: {', '.join(_NAMES)}",
            EXIT_USAGE,
        )
    return {_NAMES[row.name]: row.value for row in properties}
