"""What a Kafka client library won't take is an outcome of that one message, never an end of the worker or a loss of its neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.adapters.registry import create_adapter
from harness.model.messages import Outcome, OutgoingBatch
from tests.contract.running import start
from tests.contract.subject import Subject, numbered, settle_all, take

LARGEST = 16 << 20  # the client's own message.max.bytes
HOUR_MS = 3_600_000


@pytest.mark.broker("pylog")
@pytest.mark.parametrize(("levels", "ttl_ms"), [(1, 0), (3, 0), (1, HOUR_MS)], ids=["plain", "classes", "headers"])
def test_a_message_that_is_too_large_for_the_client_fails_alone(tmp_path: Path, levels: int, ttl_ms: int) -> None:
    running = start("pylog", tmp_path)
    subject = Subject(create_adapter("kafka", {"client": "confluent"}), running, "large")
    try:
        needs = {"priority_levels": levels, "expiry": bool(ttl_ms)}
        bench = subject.bench(**{name: value for name, value in needs.items() if value})
        publisher, subscriber = bench.publisher(), bench.subscriber()
        payloads = numbered(5)
        payloads[2] = bytes(LARGEST + 1)
        classes = [row % levels for row in range(5)]
        batch = OutgoingBatch(range(5), payloads, [b"k"] * 5, classes, [ttl_ms] * 5)
        assert publisher.submit(batch) == 5
        outcomes = settle_all(publisher, [], 5)
        told = dict(
            zip(
                np.concatenate([part.indexes for part in outcomes]).tolist(),
                np.concatenate([part.outcomes for part in outcomes]).tolist(),
                strict=True,
            )
        )
        assert told == {row: int(Outcome.FAIL if row == 2 else Outcome.OK) for row in range(5)}
        assert any("large" in part.errors.get(2, "") for part in outcomes), "the library's own words"
        received = [one.payload for one in take(subscriber, 4)]
        assert sorted(received) == sorted(payloads[:2] + payloads[3:])
    finally:
        subject.close()
        running.stop()
