"""One worker in this process, without a conductor: for the client's own ceiling and for the cost of recording."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import Adapter
from harness.model.provisioning import Provisioning
from harness.model.workload import Phase, Workload
from harness.runner.consuming import ConsumingWorker
from harness.runner.control import COUNTERS, Counter, RunPhase, WorkerSpec
from harness.runner.publishing import PublishingWorker

NOWHERE = BrokerInfo("null", "null", "0", "127.0.0.1", 0, "in_process")
CONSUME_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages, and what they took of the wall clock and of this process's processor time."""

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_us_per_message(self) -> float:
        return self.cpu_seconds / self.messages * 1e6


def flooding(workload: Workload, *, seconds: float, in_flight: int) -> Workload:
    """The workload with a single flood phase, one group, no work and no failures: what the client alone can do."""
    flood = {"in_flight": in_flight}
    phase = Phase.model_validate(
        {"name": "flood", "flood": flood, "for": seconds, "work": "0s", "failures": {}, "ttl": "none"}
    )
    needs = workload.needs.model_copy(update={"groups": {"one": 1}, "replay": None})
    return workload.model_copy(update={"phases": (phase,), "needs": needs, "publishers": 1})


def publish_pace(adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, *, record: bool) -> Pace:
    """Run the flood of ``workload`` once in this process."""
    with tempfile.TemporaryDirectory(prefix="harness-solo-") as scratch:
        counters = np.zeros(COUNTERS, dtype=np.int64)
        worker = PublishingWorker(
            _spec("publisher", adapter, broker, plan, workload, Path(scratch), record), adapter, counters, _idle
        )
        flood = workload.phases[0].flood
        assert flood is not None
        worker.connect(flood.in_flight, time.monotonic_ns() + 30 * 10**9)
        started, cpu = time.monotonic_ns(), time.process_time()
        done = worker.run(RunPhase(0, started, started + int(((workload.phases[0].for_ or 0) + 30) * 1e9)))
        worker.close(5.0)
        return Pace(max(1, done.offered), (time.monotonic_ns() - started) / 1e9, time.process_time() - cpu)


def consume_pace(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, *, messages: int, record: bool
) -> Pace:
    """Receive and accept ``messages`` messages that are there already."""
    with tempfile.TemporaryDirectory(prefix="harness-solo-") as scratch:
        counters = np.zeros(COUNTERS, dtype=np.int64)
        worker = ConsumingWorker(
            _spec("subscriber", adapter, broker, plan, workload, Path(scratch), record), adapter, counters, _idle
        )
        deadline = time.monotonic() + CONSUME_DEADLINE_S
        while not counters[Counter.DELIVERED]:
            worker.turn()
            if time.monotonic() > deadline:
                raise UsageError("nothing was delivered within a minute")
        before = int(counters[Counter.DELIVERED])
        started, cpu = time.monotonic(), time.process_time()
        while counters[Counter.DELIVERED] < messages and time.monotonic() < deadline:
            worker.turn()
        received = max(1, int(counters[Counter.DELIVERED]) - before)  # a short backlog may come in one piece
        pace = Pace(received, time.monotonic() - started, time.process_time() - cpu)
        worker.close()
        return pace


def null_ceilings_per_s(workload: Workload, *, seconds: float = 0.25) -> dict[str, float]:
    """Messages a second that one publisher and one consumer of this workload do, recording, if client library and broker cost nothing."""
    from harness.adapters.registry import create_adapter

    flood = flooding(workload, seconds=seconds, in_flight=1000)
    warm_up = flooding(workload, seconds=0.05, in_flight=1000)  # the first batch imports what the writer needs
    size = round(workload.messages.size.mean)
    adapter = create_adapter("null", {"deliver": "1000000000", "size": str(size)})
    plan = adapter.plan(NOWHERE, flood.needs, Tier.D1, "ceiling")
    publish_pace(adapter, NOWHERE, plan, warm_up, record=True)
    publishing = publish_pace(adapter, NOWHERE, plan, flood, record=True)
    probe = consume_pace(adapter, NOWHERE, plan, flood, messages=20_000, record=True)
    enough = max(20_000, round(probe.per_s * seconds))
    consuming = consume_pace(adapter, NOWHERE, plan, flood, messages=enough, record=True)
    return {"publisher": publishing.per_s, "consumer": consuming.per_s}


def _spec(
    role: str, adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, folder: Path, record: bool
) -> WorkerSpec:
    settings: Mapping[str, str] = {}
    return WorkerSpec(
        role=role, worker=role, workload=workload, adapter=adapter.name, adapter_settings=settings, broker=broker, plan=plan,
        folder=folder, gateway=folder / "gateway.sqlite", seed=1, repeat=0, run_number=1, group="one", record=record,
    )  # fmt: skip


def _idle() -> None:
    pass
