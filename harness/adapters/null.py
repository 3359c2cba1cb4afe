"""Accepts everything at once and delivers nothing: what is left is the cost of the harness itself.

Settings: ``deliver`` (how many synthetic messages each member receives; 0) and ``size`` (their bytes; 1024). A rate
measured here is the ceiling that stands beside every broker's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from harness.adapters.features import of_plan
from harness.errors import Unsupported, UsageError
from harness.model import envelope
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities
from harness.model.messages import (
    NO_DELIVERIES,
    UNKNOWN,
    Deliveries,
    Disposition,
    Outcome,
    OutcomeBuffer,
    Outcomes,
    OutgoingBatch,
    Publisher,
    Settled,
    Subscriber,
)
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

NO_OUTCOMES = OutcomeBuffer().drain()
SYNTHETIC_ROWS = 1000  # drawn once and handed out again and again
_SETTINGS = ("deliver", "size")


class NullAdapter:
    name = "null"

    def __init__(self, settings: Mapping[str, str]) -> None:
        unknown = set(settings) - set(_SETTINGS)
        if unknown:
            raise UsageError(f"the null adapter has no setting {sorted(unknown)[0]!r}; it knows {', '.join(_SETTINGS)}")
        self._deliver = int(settings.get("deliver", "0"))
        self._size = max(envelope.SIZE, int(settings.get("size", "1024")))

    def capabilities(self, broker: BrokerInfo) -> Capabilities:
        del broker
        why = "nothing that is published is delivered"
        return capabilities(*[Capability(feature, Support.IMPOSSIBLE, why=why) for feature in Feature])

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        return Provisioning(
            adapter=self.name,
            prefix=prefix,
            needs=needs,
            tier=tier,
            mode="nowhere",
            objects=(),
            features=of_plan(self.capabilities(broker), needs),
            parity={"acknowledgement": "at once, by nobody", "synthetic deliveries": str(self._deliver)},
        )

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        pass

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        return NullPublisher(window)

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        return NullSubscriber(self._deliver, self._size)

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        return dict.fromkeys(plan.needs.groups, 0)

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        pass


class NullPublisher:
    """Settles what it took when it is next asked."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._open: list[int] = []

    def submit(self, batch: OutgoingBatch) -> int:
        taken = min(len(batch), self._window - len(self._open))
        self._open += batch.indexes[:taken]
        return taken

    def poll(self, timeout_s: float) -> Outcomes:
        del timeout_s
        if not self._open:
            return NO_OUTCOMES
        indexes, self._open = self._open, []
        count = len(indexes)
        return Outcomes(
            indexes=np.array(indexes, dtype=np.int64),
            outcomes=np.full(count, Outcome.OK, dtype=np.uint8),
            partitions=np.full(count, UNKNOWN, dtype=np.int32),
            positions=np.full(count, UNKNOWN, dtype=np.int64),
            settled_ns=np.full(count, time.monotonic_ns(), dtype=np.int64),
        )

    def close(self, timeout_s: float) -> Outcomes:
        return self.poll(timeout_s)


class NullSubscriber:
    """Hands out as many synthetic messages as it was told to; otherwise it only waits."""

    def __init__(self, count: int, size: int) -> None:
        self._left = count
        self._payloads: list[bytes] = []
        if count:
            rows = envelope.empty(SYNTHETIC_ROWS)
            rows["sequence"] = np.arange(SYNTHETIC_ROWS)
            rows["key"] = envelope.NO_KEY
            rows["size"] = size
            self._payloads = envelope.pack(rows, [bytes(size - envelope.SIZE)] * SYNTHETIC_ROWS)

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        count = min(limit, self._left, SYNTHETIC_ROWS)
        if not count:
            time.sleep(max(0.0, timeout_s))
            return NO_DELIVERIES
        self._left -= count
        return Deliveries(
            payloads=self._payloads[:count],
            partitions=np.full(count, UNKNOWN, dtype=np.int32),
            positions=np.full(count, UNKNOWN, dtype=np.int64),
            received_ns=np.full(count, time.monotonic_ns(), dtype=np.int64),
            redelivered=np.zeros(count, dtype=np.uint8),
            delivery_counts=np.full(count, UNKNOWN, dtype=np.int16),
            attempts=np.zeros(count, dtype=np.int16),
            reasons=np.zeros(count, dtype=np.uint8),
            handles=[None] * count,
        )

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        del deliveries, how
        return Settled(Outcome.OK)

    def rewind(self) -> None:
        raise Unsupported("the null adapter keeps nothing to read again")

    def close(self) -> None:
        pass
