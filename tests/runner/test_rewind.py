"""A member told to rewind whose connection breaks in the middle: made anew, and rewound from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.adapters.registry import create_adapter
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo, Tier
from harness.plan.bundled import workload_files
from harness.plan.loader import load_workload
from harness.runner import consuming
from harness.runner.consuming import ConsumingWorker
from harness.runner.control import Counter, WorkerSpec


class Script:
    """An adapter and its subscriber: each rewind but the last loses the connection."""

    def __init__(self, losses: int) -> None:
        self.losses = losses
        self.opened = self.rewound = 0

    def subscriber(self, *_: Any) -> Script:
        self.opened += 1
        return self

    def rewind(self) -> None:
        self.rewound += 1
        if self.rewound <= self.losses:
            raise BrokerUnavailable("the connection is gone")

    def close(self) -> None:
        pass


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[Script], ConsumingWorker]]:
    workload = load_workload(workload_files()["clickstream_fanout"]).workload
    broker = BrokerInfo("pylog", "pylog", "1", "127.0.0.1", 9, "process")
    plan = create_adapter("kafka", {}).plan(broker, workload.needs, Tier.D1, "h")
    spec = WorkerSpec("subscriber", "w", workload, "kafka", {}, broker, plan, tmp_path, tmp_path / "g", 1, 0, 7)
    counters = np.zeros(len(Counter), dtype=np.int64)
    made: list[ConsumingWorker] = []

    def make(script: Script) -> ConsumingWorker:
        mine = replace(spec, group="fraud")
        made.append(ConsumingWorker(mine, script, counters, lambda: None))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_lost_connection_is_made_anew_and_rewound(worker: Callable[[Script], ConsumingWorker]) -> None:
    script = Script(losses=2)
    worker(script).rewind()
    assert (script.opened, script.rewound) == (3, 3)


def test_a_rewind_that_never_succeeds_ends(
    worker: Callable[[Script], ConsumingWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "REWIND_DEADLINE_S", 0.0)
    with pytest.raises(BrokerUnavailable):
        worker(Script(losses=9)).rewind()
