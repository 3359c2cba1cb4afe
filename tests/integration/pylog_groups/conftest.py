from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.pylog_core.broker_process import BrokerProcess

SETTINGS = (
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=500",
    "log.retention.ms=-1",
)


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One broker for a module, with topics and groups of each test's own; it is not killed."""
    with BrokerProcess(tmp_path_factory.mktemp("pylog") / "data", *SETTINGS) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker for one test, which may kill it."""
    with BrokerProcess(tmp_path_factory.mktemp("pylog") / "data", *SETTINGS) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()
