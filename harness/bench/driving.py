"""The harness's own side of ``bench driver``: one adapter's publisher or subscriber, alone in a process, as a worker process has it.

Payloads are packed before the clock starts, as the field's tools do it; everything from ``submit`` to the settled outcome, and from
``receive`` to ``settle``, is the adapter as the runner uses it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.adapters.registry import create_adapter
from harness.model import envelope
from harness.model.broker import BrokerInfo
from harness.model.messages import ACCEPT, Outcome, OutgoingBatch
from harness.model.provisioning import Provisioning
from harness.plan.stream import CHUNK

RING = 4096  # payloads that take turns
POLL_S = 0.005
RECEIVE_MAX = 500
STALL_S = 30.0


@dataclass(frozen=True, slots=True)
class Driven:
    """What one side did within its measured time."""

    messages: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / max(1, self.messages) * 1e6


def payloads(count: int, size_bytes: int) -> list[bytes]:
    """Envelopes with incompressible bodies, each of exactly ``size_bytes``."""
    rows = envelope.empty(count)
    rows["sequence"] = np.arange(count)
    rows["size"] = size_bytes
    filler = np.random.default_rng(1).bytes(size_bytes + count)
    return envelope.pack(rows, [filler[place : place + size_bytes - envelope.SIZE] for place in range(count)])


def publish(
    adapter_name: str,
    settings: Mapping[str, str],
    broker: BrokerInfo,
    plan: Provisioning,
    *,
    size_bytes: int,
    window: int,
    warm_up_s: float,
    seconds: float,
) -> Driven:
    """Acknowledged messages within ``seconds``, after ``warm_up_s`` of the same."""
    publisher = create_adapter(adapter_name, settings).publisher(broker, plan, window)
    ring = payloads(RING, size_bytes)
    keys, zeros = [None] * CHUNK, [0] * CHUNK
    _quiet()
    start = time.monotonic() + warm_up_s
    end = start + seconds
    index = good = 0
    before, cpu_before, began = 0, 0.0, 0.0
    batch = OutgoingBatch([], [], [], [], [])
    while (now := time.monotonic()) < end:
        if not began and now >= start:
            before, cpu_before, began = good, time.process_time(), now
        if not len(batch):
            place = index % RING
            batch = OutgoingBatch(range(index, index + CHUNK), ring[place : place + CHUNK], keys, zeros, zeros)
            index += CHUNK
        taken = publisher.submit(batch)
        batch = batch.after(taken) if taken < len(batch) else OutgoingBatch([], [], [], [], [])
        outcomes = publisher.poll(POLL_S if len(batch) else 0.0)
        good += int(np.count_nonzero(outcomes.outcomes == Outcome.OK))
    driven = Driven(good - before, time.monotonic() - began, time.process_time() - cpu_before)
    publisher.close(STALL_S)
    return driven


def consume(
    adapter_name: str,
    settings: Mapping[str, str],
    broker: BrokerInfo,
    plan: Provisioning,
    *,
    group: str,
    warm_up_s: float = 0.0,
    seconds: float | None = None,
    messages: int | None = None,
) -> Driven:
    """Messages received and accepted: within ``seconds`` after a warm-up that counts from the first one, or ``messages`` of a backlog."""
    subscriber = create_adapter(adapter_name, settings).subscriber(broker, plan, group, 0)
    _quiet()
    received = 0
    before, cpu_before, began = 0, 0.0, 0.0
    first = None
    deadline = time.monotonic() + STALL_S
    while time.monotonic() < deadline:
        deliveries = subscriber.receive(RECEIVE_MAX, 0.1)
        now = time.monotonic()
        if len(deliveries):
            received += len(deliveries)
            first = first or now
            deadline = now + STALL_S
            subscriber.settle(deliveries, ACCEPT)
        if not began and first is not None and now >= first + warm_up_s:
            before, cpu_before, began = received, time.process_time(), now
        if began and (
            (seconds is not None and now >= began + seconds) or (messages is not None and received >= messages)
        ):
            break
    driven = Driven(received - before, time.monotonic() - began, time.process_time() - cpu_before)
    subscriber.close()
    return driven


def _quiet() -> None:
    """As in a worker process: a pause of the collector would look like the client library's."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
