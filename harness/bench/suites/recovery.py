"""Recovery: kill -9 under load with 10 GB of log, until the first message is acknowledged again."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import Connection, produce_request, record_batch

LOG_BYTES = 10 << 30
QUICK_LOG_BYTES = 256 << 20
BATCH_BYTES = 1 << 20
PARTITIONS = 12

QUESTIONS = (
    Question("recovery after kill -9", "ms", False),
    Question("log", "GB", True, None),
)


def measure(session: Session) -> Mapping[str, float]:
    """Fill twelve partitions, kill in the middle of the last one, start again on the same folder."""
    total = LOG_BYTES if session.sizes.repeats > 1 else QUICK_LOG_BYTES
    topic = f"large-{time.monotonic_ns()}"
    batch = record_batch(b"x" * (BATCH_BYTES - 4096))
    with Connection(session.host, session.port) as connection:
        connection.create_topic(topic, PARTITIONS)
        for number in range(total // BATCH_BYTES):
            connection.first_acknowledged(topic, produce_request(topic, number % PARTITIONS, batch))
    session.broker.kill()
    begin = time.perf_counter()
    info = session.broker.restart()
    with Connection(info.host, info.port) as connection:
        connection.first_acknowledged(topic, produce_request(topic, 0, record_batch(b"x")), deadline_s=120)
    return {"recovery after kill -9": (time.perf_counter() - begin) * 1000, "log": total / 1e9}


def warm_up(session: Session) -> None:
    """A few messages: the figure is of a start, not of a warm broker."""
    loads.fill(
        session.host, session.port, loads.new_topic(session.host, session.port, "warm"), count=1000, payload_bytes=1024
    )


SUITE = Suite("recovery", "start after kill -9 with 10 GB of log", QUESTIONS, measure, warm_up)
