from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pylog_broker.handlers.local_broker import LocalBroker


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(tmp_path / "data")
    yield broker
    broker.close()
