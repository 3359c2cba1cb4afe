"""How rate and latency grow with partitions, connections and message size; for a chart, nothing is required."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import Connection, WireError, produce_request, record_batch

PARTITIONS = (1, 10, 100, 1000)
CONNECTIONS = (1, 10, 100, 500)
SIZES_BYTES = (10, 100, 1 << 10, 10 << 10, 100 << 10, 1_000_000)
RATE, P50, P99 = "rate", "p50", "p99"
SWARM_S = 3.0
SIZE_BUDGET_BYTES = 200_000_000
SIZE_REQUESTS_MAX = 20_000


def row(axis: str, value: int, figure: str) -> str:
    """The name of a figure; the chart takes it apart again."""
    return f"{axis}={value} {figure}"


def _questions(axis: str, values: tuple[int, ...], rate_unit: str) -> tuple[Question, ...]:
    return tuple(
        question
        for value in values
        for question in (
            Question(row(axis, value, RATE), rate_unit, True, None),
            Question(row(axis, value, P50), "us", False, None),
            Question(row(axis, value, P99), "us", False, None),
        )
    )


QUESTIONS = (
    *_questions("partitions", PARTITIONS, "req/s"),
    *_questions("connections", CONNECTIONS, "req/s"),
    *_questions("bytes", SIZES_BYTES, "MB/s"),
)


def measure(session: Session) -> Mapping[str, float]:
    """Swarms of one-record requests over partitions and connections, and one connection with records of growing size."""
    figures: dict[str, float] = {}
    for partitions in PARTITIONS:
        _note(figures, "partitions", partitions, _swarm(session, partitions=partitions, connections=32))
    for connections in CONNECTIONS:
        _note(figures, "connections", connections, _swarm(session, partitions=1, connections=connections))
    for size in SIZES_BYTES:
        rate, p50_us, p99_us = _sizes(session, size)
        figures[row("bytes", size, RATE)] = rate
        figures[row("bytes", size, P50)], figures[row("bytes", size, P99)] = p50_us, p99_us
    return figures


def warm_up(session: Session) -> None:
    """A swarm and a few large records."""
    _swarm(session, partitions=10, connections=32)
    _sizes(session, 100 << 10)


def _note(figures: dict[str, float], axis: str, value: int, result: Mapping[str, float]) -> None:
    figures[row(axis, value, RATE)] = result["requests_per_s"]
    figures[row(axis, value, P50)] = result["latency_us_p50"]
    figures[row(axis, value, P99)] = result["latency_us_p99"]


def _swarm(session: Session, *, partitions: int, connections: int) -> dict[str, float]:
    """One record a request, one request in flight on each connection."""
    topic = f"swarm-{time.monotonic_ns()}"
    with Connection(session.host, session.port) as connection:
        connection.create_topic(topic, partitions)
        for partition in range(partitions):
            connection.first_acknowledged(topic, produce_request(topic, partition, record_batch(b"x")))
    seconds = SWARM_S if session.sizes.repeats > 1 else 1.0
    command = [sys.executable, "-m", "harness.bench.swarm", "--host", session.host, "--port", str(session.port)]
    command += ["--topic", topic, "--partitions", str(partitions), "--connections", str(connections)]
    command += ["--seconds", str(seconds), "--warmup-s", str(seconds / 3)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise WireError(f"the swarm failed: {done.stderr.strip()[-400:]}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _sizes(session: Session, size: int) -> tuple[float, float, float]:
    """MB/s, p50 and p99 in us of one record a request, one request in flight on one connection."""
    topic = loads.new_topic(session.host, session.port, "sized")
    request = produce_request(topic, 0, record_batch(b"x" * size))
    budget = SIZE_BUDGET_BYTES if session.sizes.repeats > 1 else SIZE_BUDGET_BYTES // 10
    count = max(50, min(SIZE_REQUESTS_MAX, budget // size))
    clock = time.perf_counter_ns
    latencies_us = []
    with Connection(session.host, session.port) as connection:
        connection.first_acknowledged(topic, request)
        begin = clock()
        for _ in range(count):
            sent = clock()
            connection.call(request)
            latencies_us.append((clock() - sent) / 1000)
        elapsed_s = (clock() - begin) / 1e9
    quantiles = statistics.quantiles(latencies_us, n=100)
    return count * size / 1e6 / elapsed_s, quantiles[49], quantiles[98]


SUITE = Suite("scaling", "growth with partitions, connections and size", QUESTIONS, measure, warm_up)
