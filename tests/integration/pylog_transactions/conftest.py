from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.pylog_core.broker_process import BrokerProcess


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One broker for a module; tests use topics of their own."""
    folder: Path = tmp_path_factory.mktemp("pylog")
    with BrokerProcess(
        folder / "data", "num.partitions=3", "log.retention.ms=-1", "group.initial.rebalance.delay.ms=0"
    ) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()
