from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.clients.prepare import CLIENTS
from tests.integration.pylog_clients.script import ScriptRun
from tests.integration.pylog_core.broker_process import BrokerProcess

SETTINGS = (
    "group.initial.rebalance.delay.ms=0",
    "group.consumer.min.heartbeat.interval.ms=200",
    "group.consumer.heartbeat.interval.ms=300",
    "group.share.min.heartbeat.interval.ms=200",
    "group.share.heartbeat.interval.ms=300",
    "log.retention.ms=-1",
)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One broker for the clients of all languages, at the same time; each has topics and groups of its own."""
    with BrokerProcess(tmp_path_factory.mktemp("pylog") / "data", *SETTINGS) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="session")
def runs(broker: BrokerProcess) -> Iterator[dict[str, ScriptRun]]:
    """The script of every client that is there, all begun together; a test waits for the step that it is about."""
    started = {
        name: ScriptRun(client, broker.address, with_transactions=has_transactions())
        for name, client in CLIENTS.items()
        if client.missing_reason() is None
    }
    yield started
    for run in started.values():
        run.end()


def has_transactions() -> bool:
    modules = import_module("harness.pylog_broker.handlers").MODULES
    return "end_txn" in modules


def need(reason: str | None, name: str) -> None:
    """Skip by name what this machine lacks; fail instead where nothing may be missing."""
    if reason is None:
        return
    if os.environ.get("HARNESS_REQUIRE_BROKERS") == "1":
        pytest.fail(f"HARNESS_REQUIRE_BROKERS=1, but {name}: {reason}", pytrace=False)
    pytest.skip(f"needs {name}: {reason}")


def need_client(name: str) -> None:
    need(CLIENTS[name].missing_reason(), name)


def need_program(name: str, command: str) -> None:
    need(None if shutil.which(name) else f"`{command}` gets it", name)
