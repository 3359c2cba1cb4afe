"""One worker in this process, without a conductor: for the client's own ceiling and for the cost of recording."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from harness.runner.slices import Slice, Slicer

NOWHERE = BrokerInfo("null", "null", "0", "127.0.0.1", 0, "in_process")
CONSUME_DEADLINE_S = 60.0
CLOSE_S = 5.0

Counters = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages, and what they took of the wall clock."""

    messages: int
    seconds: float

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds


def flooding(workload: Workload, *, seconds: float, in_flight: int) -> Workload:
    """The workload with a single flood phase, one group, no work and no failures: what the client alone can do."""
    flood = {"in_flight": in_flight}
    phase = Phase.model_validate(
        {"name": "flood", "flood": flood, "for": seconds, "work": "0s", "failures": {}, "ttl": "none"}
    )
    needs = workload.needs.model_copy(update={"groups": {"one": 1}, "replay": None})
    return workload.model_copy(update={"phases": (phase,), "needs": needs, "publishers": 1})


def publish_pace(adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload) -> Pace:
    """Run the flood of ``workload`` once in this process, recording."""
    with _publisher(adapter, broker, plan, workload) as (worker, _):
        started = time.monotonic()
        offered = _flood(worker, workload)
        worker.close(CLOSE_S)
        return Pace(max(1, offered), time.monotonic() - started)


def publish_slices(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, slice_s: float
) -> tuple[int, list[Slice]]:
    """The same flood, recording in every other slice: how many messages were acknowledged in all, and the slices."""
    with _publisher(adapter, broker, plan, workload) as (worker, counters):
        slicer = Slicer(worker.recording, lambda: int(counters[Counter.ACKNOWLEDGED]), slice_s)
        worker.idle = slicer.tick
        _flood(worker, workload)
        return int(counters[Counter.ACKNOWLEDGED]), slicer.slices


def consume_pace(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, *, messages: int
) -> Pace:
    """Receive and accept ``messages`` messages that are there already, recording."""
    with _consumer(adapter, broker, plan, workload) as (worker, counters):
        _receive(worker, counters, 1, _idle)
        before, started = int(counters[Counter.DELIVERED]), time.monotonic()
        _receive(worker, counters, messages, _idle)
        received = max(1, int(counters[Counter.DELIVERED]) - before)  # a short backlog may come in one piece
        return Pace(received, time.monotonic() - started)


def consume_slices(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, slice_s: float, *, messages: int
) -> list[Slice]:
    """The same backlog, recording in every other slice."""
    with _consumer(adapter, broker, plan, workload) as (worker, counters):
        slicer = Slicer(worker.recording, lambda: int(counters[Counter.DELIVERED]), slice_s)
        _receive(worker, counters, messages, slicer.tick)
        return slicer.slices


@contextmanager
def _publisher(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload
) -> Iterator[tuple[PublishingWorker, Counters]]:
    """A connected worker, and what it counts."""
    with tempfile.TemporaryDirectory(prefix="harness-solo-") as scratch:
        counters = np.zeros(COUNTERS, dtype=np.int64)
        spec = _spec("publisher", adapter, broker, plan, workload, Path(scratch))
        worker = PublishingWorker(spec, adapter, counters, _idle)
        flood = workload.phases[0].flood
        assert flood is not None
        worker.connect(flood.in_flight, time.monotonic_ns() + 30 * 10**9)
        yield worker, counters
        worker.close(CLOSE_S)


def _flood(worker: PublishingWorker, workload: Workload) -> int:
    """Messages offered."""
    started = time.monotonic_ns()
    return worker.run(RunPhase(0, started, started + int(((workload.phases[0].for_ or 0) + 30) * 1e9))).offered


@contextmanager
def _consumer(
    adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload
) -> Iterator[tuple[ConsumingWorker, Counters]]:
    with tempfile.TemporaryDirectory(prefix="harness-solo-") as scratch:
        counters = np.zeros(COUNTERS, dtype=np.int64)
        spec = _spec("subscriber", adapter, broker, plan, workload, Path(scratch))
        worker = ConsumingWorker(spec, adapter, counters, _idle)
        yield worker, counters
        worker.close()


def _receive(worker: ConsumingWorker, counters: Counters, messages: int, tick: Callable[[], None]) -> None:
    """Until so many have come. Raises UsageError when they do not."""
    deadline = time.monotonic() + CONSUME_DEADLINE_S
    while counters[Counter.DELIVERED] < messages:
        worker.turn()
        tick()
        if time.monotonic() > deadline:
            raise UsageError(f"{counters[Counter.DELIVERED]} of {messages} messages were delivered within a minute")


def null_ceilings_per_s(workload: Workload, *, seconds: float = 0.25) -> dict[str, float]:
    """Messages a second that one publisher and one consumer of this workload do, recording, if client library and broker cost nothing."""
    from harness.adapters.registry import create_adapter

    flood = flooding(workload, seconds=seconds, in_flight=1000)
    warm_up = flooding(workload, seconds=0.05, in_flight=1000)  # the first batch imports what the writer needs
    size = round(workload.messages.size.mean)
    adapter = create_adapter("null", {"deliver": "1000000000", "size": str(size)})
    plan = adapter.plan(NOWHERE, flood.needs, Tier.D1, "ceiling")
    publish_pace(adapter, NOWHERE, plan, warm_up)
    publishing = publish_pace(adapter, NOWHERE, plan, flood)
    probe = consume_pace(adapter, NOWHERE, plan, flood, messages=20_000)
    enough = max(20_000, round(probe.per_s * seconds))
    consuming = consume_pace(adapter, NOWHERE, plan, flood, messages=enough)
    return {"publisher": publishing.per_s, "consumer": consuming.per_s}


def _spec(
    role: str, adapter: Adapter, broker: BrokerInfo, plan: Provisioning, workload: Workload, folder: Path
) -> WorkerSpec:
    settings: Mapping[str, str] = {}
    return WorkerSpec(
        role=role, worker=role, workload=workload, adapter=adapter.name, adapter_settings=settings, broker=broker, plan=plan,
        folder=folder, gateway=folder / "gateway.sqlite", seed=1, repeat=0, run_number=1, group="one",
    )  # fmt: skip


def _idle() -> None:
    pass
