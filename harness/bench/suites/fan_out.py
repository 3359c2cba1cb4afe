"""Five groups read the same full topic from the page cache at once, each from a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import WireError

GROUPS = 5
DEADLINE_S = 180

QUESTIONS = (
    Question("five groups at once 100 B", "msg/s", True),
    Question("five groups at once 1 KiB", "msg/s", True),
)


def measure(session: Session) -> Mapping[str, float]:
    """Messages per second over all groups, from the moment all are ready to the last one's end."""
    return {
        "five groups at once 100 B": _read(session, loads.SMALL_BYTES, session.sizes.messages_small),
        "five groups at once 1 KiB": _read(session, loads.LARGE_BYTES, session.sizes.messages_large),
    }


def warm_up(session: Session) -> None:
    """One reading."""
    _read(session, loads.LARGE_BYTES, session.sizes.messages_large // 2)


def _read(session: Session, payload_bytes: int, count: int) -> float:
    topic = loads.new_topic(session.host, session.port, "fan-out")
    stored = loads.fill(session.host, session.port, topic, count=count, payload_bytes=payload_bytes)
    command = [sys.executable, "-m", "harness.bench.reader", f"{session.host}:{session.port}", topic, str(stored)]
    readers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(GROUPS)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            if reader.stdout.readline().strip() != "ready":
                raise WireError("a reader did not get ready")
        begin = time.perf_counter()
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.close()
        for reader in readers:
            assert reader.stdout is not None
            if json.loads(reader.stdout.readline())["received"] < stored:
                raise WireError("a reader did not get everything")
        elapsed_s = time.perf_counter() - begin
    finally:
        for reader in readers:
            _end(reader)
    return GROUPS * stored / elapsed_s


def _end(reader: subprocess.Popen[str]) -> None:
    if reader.poll() is None:
        try:
            reader.wait(5)
        except subprocess.TimeoutExpired:
            reader.kill()
            reader.wait()
    for pipe in (reader.stdin, reader.stdout):
        if pipe is not None:
            pipe.close()


SUITE = Suite("fan-out", "five groups read at once from the page cache", QUESTIONS, measure, warm_up)
