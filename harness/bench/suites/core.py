"""The core: produce and fetch at two sizes, one request in flight, 32 connections, cold start and memory."""

from __future__ import annotations

from collections.abc import Mapping

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite

WARM_UP_SHARE = 0.5

QUESTIONS = (
    Question("produce 100 B", "msg/s", True),
    Question("produce 1 KiB", "msg/s", True),
    Question("fetch 100 B", "msg/s", True),
    Question("fetch 1 KiB", "msg/s", True),
    Question("produce 100 B, CPU", "us/msg", False, None),
    Question("produce 1 KiB, CPU", "us/msg", False, None),
    Question("fetch 100 B, CPU", "us/msg", False, None),
    Question("fetch 1 KiB, CPU", "us/msg", False, None),
    Question("one in flight p50", "us", False),
    Question("one in flight p99", "us", False),
    Question("32 connections", "req/s", True),
    Question("32 connections p99", "us", False),
    Question("cold start", "ms", False, 10.0),
    Question("resident memory", "MB", False, 10.0),
)


def measure(session: Session) -> Mapping[str, float]:
    """Cold start is the runner's figure; memory is what is resident after the loads."""
    figures = loads.all_loads(session.host, session.port, session.sizes, cpu_seconds=session.cpu_seconds)
    figures["resident memory"] = session.broker.inspect().rss_bytes / 1e6
    return figures


def warm_up(session: Session) -> None:
    """Half of every load."""
    sizes = session.sizes.scaled(WARM_UP_SHARE)
    loads.all_loads(session.host, session.port, sizes, cpu_seconds=session.cpu_seconds)


SUITE = Suite("core", "produce, fetch, one in flight, connections, start, memory", QUESTIONS, measure, warm_up)
