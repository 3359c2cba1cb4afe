"""Latency of produce at half of Kafka's knee, acks=1 and acks=all, alone and beside a consumer that replays 2 GB.

Open loop: records are sent at intended times and a latency counts from there (measurement.md, rule 1). The knee is the
highest rate of a ladder that Kafka still serves: 99 % of the offered rate, p99 below `KNEE_P99_MS`, in one of two
tries, so that one moment of other work does not decide it. It is searched in the first session of Kafka and holds for both.

A virtual machine that is still compiling takes processors from the generator, whose lateness would be read as the broker's
latency: the warm-up lasts as long as its compilers are busy, and the generator goes before others where it may.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import numpy as np
from confluent_kafka import Producer

from harness.bench import loads
from harness.bench.suites import Question, Session, Suite
from harness.bench.wire import WireError

LADDER_PER_S = (2_000, 5_000, 10_000, 20_000, 30_000, 45_000, 60_000)
KNEE_P99_MS = 50.0
KNEE_S, MEASURE_S = 2.0, 6.0
KNEE_TRIES = 2
GENERATOR_NICENESS = -10
GOODPUT_MIN = 0.99
REPLAY_BYTES = 2 << 30
PAYLOAD_BYTES = loads.SMALL_BYTES
SPIN_S = 0.0005
KNEE = "knee"

ROWS = tuple(
    f"acks={acks} {quantile}{beside}"
    for beside in ("", ", beside a replay")
    for acks in ("1", "all")
    for quantile in ("p50", "p99")
)
QUESTIONS = (
    *(Question(row, "us", False) for row in ROWS),
    Question("offered rate", "msg/s", True, None),
    Question("generator lag p99", "us", False, None),
)


def measure(session: Session) -> Mapping[str, float]:
    """Every row at one rate; the replay is of a topic in the page cache."""
    rate = _rate(session)
    figures: dict[str, float] = {"offered rate": rate}
    lags: list[float] = []
    for acks in ("1", "all"):
        figures[f"acks={acks} p50"], figures[f"acks={acks} p99"], lag = _offer(session, acks, rate, MEASURE_S)[:3]
        lags.append(lag)
    replayed = loads.new_topic(session.host, session.port, "replayed")
    count = REPLAY_BYTES // loads.LARGE_BYTES if session.sizes.repeats > 1 else 200_000
    stored = loads.fill(session.host, session.port, replayed, count=count, payload_bytes=loads.LARGE_BYTES)
    command = [sys.executable, "-m", "harness.bench.reader", f"{session.host}:{session.port}", replayed, str(stored)]
    reader = subprocess.Popen([*command, "--again"], stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout is not None
        if reader.stdout.readline().strip() != "ready":
            raise WireError("the replaying consumer did not get ready")
        for acks in ("1", "all"):
            p50, p99, lag, _ = _offer(session, acks, rate, MEASURE_S)
            figures[f"acks={acks} p50, beside a replay"], figures[f"acks={acks} p99, beside a replay"] = p50, p99
            lags.append(lag)
    finally:
        reader.kill()
        reader.wait()
        if reader.stdout is not None:
            reader.stdout.close()
    figures["generator lag p99"] = max(lags)
    return figures


def warm_up(session: Session) -> None:
    """As fast as possible, then a few seconds in the way it is measured."""
    topic = loads.new_topic(session.host, session.port, "warm")
    for _ in range(session.sizes.repeats):
        loads.produce(
            session.host, session.port, topic, count=session.sizes.messages_small, payload_bytes=PAYLOAD_BYTES
        )
    for acks in ("1", "all"):
        _offer(session, acks, LADDER_PER_S[1], KNEE_S)


def _rate(session: Session) -> float:
    """Half of the knee, from whichever session searched it first."""
    if KNEE not in session.remembered:
        knee = float(LADDER_PER_S[0])
        for rate in LADDER_PER_S:
            if not any(_serves(session, rate) for _ in range(KNEE_TRIES)):
                break
            knee = float(rate)
        session.remembered[KNEE] = knee
        session.say(f"  knee of {session.name}: {knee:,.0f} msg/s")
    return session.remembered[KNEE] / 2


def _serves(session: Session, rate: float) -> bool:
    _, p99, _, goodput = _offer(session, "all", rate, KNEE_S)
    return goodput >= GOODPUT_MIN and p99 <= KNEE_P99_MS * 1000


@contextlib.contextmanager
def _ahead_of_others() -> Iterator[None]:
    """This thread, and those that it starts meanwhile, get a processor before others do; left as it is where that is not allowed."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, GENERATOR_NICENESS)
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


def _offer(session: Session, acks: str, rate_per_s: float, seconds: float) -> tuple[float, float, float, float]:
    with _ahead_of_others():
        return _open_loop(session, acks, rate_per_s, seconds)


def _open_loop(session: Session, acks: str, rate_per_s: float, seconds: float) -> tuple[float, float, float, float]:
    """p50 and p99 in us from the intended time, generator lag p99 in us, and the share of the offered rate that was served."""
    topic = loads.new_topic(session.host, session.port, "latency")
    producer = Producer({"bootstrap.servers": f"{session.host}:{session.port}", "acks": acks, "linger.ms": 0})
    producer.list_topics(topic, timeout=loads.STALL_S)
    count = int(rate_per_s * seconds)
    settled = np.zeros(count, np.int64)
    sent = np.zeros(count, np.int64)
    payload, clock = b"x" * PAYLOAD_BYTES, time.monotonic_ns

    def note(index: int) -> object:
        def delivered(error: object, _: object) -> None:
            settled[index] = -1 if error is not None else clock()

        return delivered

    start = clock() + 10_000_000
    intended = start + (np.arange(count) * (1e9 / rate_per_s)).astype(np.int64)
    for index, due in enumerate(intended.tolist()):
        while (ahead := due - clock()) > 0:
            producer.poll(0 if ahead < SPIN_S * 1e9 else ahead / 2e9)
        sent[index] = clock()
        producer.produce(topic, payload, partition=0, on_delivery=note(index))  # type: ignore[arg-type]
        producer.poll(0)
    finished = clock()
    if producer.flush(loads.STALL_S) or (settled <= 0).any():
        raise WireError("messages of the latency test were not acknowledged")
    measured = slice(count // 10, None)  # the first tenth is the start-up of the connection
    latencies_us = (settled - intended)[measured] / 1000
    lag_us = float(np.quantile((sent - intended)[measured], 0.99) / 1000)
    p50, p99 = (float(np.quantile(latencies_us, q)) for q in (0.5, 0.99))
    goodput = min(1.0, seconds * 1e9 / max(1, max(finished, int(settled.max())) - start))
    return p50, p99, lag_us, goodput


SUITE = Suite(
    "latency", "produce latency at half of Kafka's knee, alone and beside a replay", QUESTIONS, measure, warm_up
)
