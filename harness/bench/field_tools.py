"""The field's own tools, run as their documentation says, and what they print read as figures.

Rates are taken from the lines they print every second; those of the warm-up are left out (the Java virtual machine needs it), as they are
on the harness's side.
"""

from __future__ import annotations

import contextlib
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psutil

from harness.brokers.tools import JavaTool
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

RUN_DEADLINE_S = 180.0
LOOK_S = 0.1
TAIL_S = 2.0  # of a run whose length is not known beforehand
_PERF_TEST = re.compile(r"time ([\d.]+) s, sent: [\d.]+ msg/s.*?confirmed: ([\d.]+) msg/s.*?received: ([\d.]+) msg/s")
_PRODUCED = re.compile(r"^(\d+) records sent, ([\d.]+) records/sec \(.*max latency\.$", re.MULTILINE)
_FINAL = re.compile(r"^(\d+) records sent, ([\d.]+) records/sec .*99\.9th", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second: confirmed to the publisher, received by the consumer; 0 for a side that the tool does not have."""

    confirmed: float = 0.0
    received: float = 0.0
    cpu_us: float = 0.0  # processor time of the tool a message (both sides', where it is both)


def perf_test(
    tool: JavaTool, broker: BrokerInfo, *, size_bytes: int, window: int, prefetch: int, warm_up_s: int, seconds: int
) -> Rates:
    """One producer and one consumer at once, persistent messages, confirms, a multiple acknowledgement a hundred messages."""
    user, password = broker.access.username or "guest", broker.access.password or "guest"
    arguments = [
        "--uri",
        f"amqp://{user}:{password}@{broker.address}",
        "--queue",
        "perf-test",
        "--auto-delete",
        "false",
    ]
    arguments += ["--producers", "1", "--consumers", "1", "--flag", "persistent", "--size", str(size_bytes)]
    arguments += ["--confirm", str(window), "--qos", str(prefetch), "--multi-ack-every", "100"]
    arguments += ["--interval", "1", "--time", str(warm_up_s + seconds)]
    ran = _run(tool.command("com.rabbitmq.perf.PerfTest", arguments))
    rates = parse_perf_test(ran.text, warm_up_s)
    return replace(rates, cpu_us=ran.per_message((rates.confirmed + rates.received) / 2, seconds))


def parse_perf_test(text: str, warm_up_s: float) -> Rates:
    """Raises BrokerUnavailable when there is no line after the warm-up."""
    lines = [tuple(map(float, found.groups())) for found in _PERF_TEST.finditer(text)]
    steady = [(confirmed, received) for at, confirmed, received in lines if at > warm_up_s + 0.5]
    if not steady:
        raise BrokerUnavailable(f"PerfTest printed no rates: {text[-300:]}")
    return Rates(
        statistics.fmean(confirmed for confirmed, _ in steady), statistics.fmean(received for _, received in steady)
    )


def kafka_producer(
    tool: JavaTool,
    broker: BrokerInfo,
    topic: str,
    *,
    size_bytes: int,
    settings: Sequence[str],
    records: int,
    warm_up_s: int,
) -> Rates:
    arguments = ["--bootstrap-server", broker.address, "--topic", topic, "--num-records", str(records)]
    arguments += ["--record-size", str(size_bytes), "--throughput", "-1", "--reporting-interval", "1000"]
    arguments += ["--command-property", *settings]
    ran = _run(tool.command("org.apache.kafka.tools.ProducerPerformance", arguments))
    rates = parse_kafka_producer(ran.text, warm_up_s)
    return replace(rates, cpu_us=ran.per_message(rates.confirmed, TAIL_S))


def parse_kafka_producer(text: str, warm_up_s: int) -> Rates:
    """Raises BrokerUnavailable when it printed no final line. With too few windows the tool's own average counts."""
    final = _FINAL.search(text)
    if final is None:
        raise BrokerUnavailable(f"the Kafka producer tool printed no result: {text[-300:]}")
    windows = [float(rate) for _, rate in _PRODUCED.findall(text)]
    steady = windows[warm_up_s:]
    return Rates(confirmed=statistics.fmean(steady) if steady else float(final.group(2)))


def kafka_consumer(
    tool: JavaTool, broker: BrokerInfo, topic: str, *, group: str, records: int, warm_up_s: float
) -> Rates:
    arguments = ["--bootstrap-server", broker.address, "--topic", topic, "--num-records", str(records)]
    arguments += ["--group", group, "--hide-header", "--show-detailed-stats", "--reporting-interval", "500"]
    ran = _run(tool.command("org.apache.kafka.tools.ConsumerPerformance", arguments))
    rates = parse_kafka_consumer(ran.text, warm_up_s)
    return replace(rates, cpu_us=ran.per_message(rates.received, TAIL_S))


def parse_kafka_consumer(text: str, warm_up_s: float) -> Rates:
    """From the lines it prints every half second: time, id, MB, MB/s, messages so far, messages/s, and four more.

    The first with messages starts the clock, as on the harness's side. A run that was over within the warm-up counts whole, which
    is not in the tool's favour: read more. Raises BrokerUnavailable.
    """
    marks: list[tuple[float, int]] = []
    for line in text.splitlines():
        columns = [column.strip() for column in line.split(",")]
        if len(columns) != 10 or not columns[4].isdigit():
            continue
        at_s = datetime.strptime(columns[0], "%Y-%m-%d %H:%M:%S:%f").replace(tzinfo=UTC).timestamp()
        if int(columns[4]):
            marks.append((at_s, int(columns[4])))
    if len(marks) < 2:
        raise BrokerUnavailable(f"the Kafka consumer tool printed no rates: {text[-300:]}")
    steady = [mark for mark in marks if mark[0] >= marks[0][0] + warm_up_s]
    first, last = (steady[0], steady[-1]) if len(steady) > 1 else (marks[0], marks[-1])
    return Rates(received=(last[1] - first[1]) / (last[0] - first[0]))


def _run(command: Sequence[str]) -> _Ran:
    """What it printed, and the processor time it used from second to second. Raises BrokerUnavailable."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
        watched = psutil.Process(process.pid)
        started = time.monotonic()
        cpu: list[tuple[float, float]] = []
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                times = watched.cpu_times()
                cpu.append((time.time(), times.user + times.system))
            if time.monotonic() - started > RUN_DEADLINE_S:
                process.kill()
                process.wait()
                raise BrokerUnavailable(f"{command[-1]}: no end within {RUN_DEADLINE_S:g} s")
            time.sleep(LOOK_S)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise BrokerUnavailable(f"it ended with {process.returncode}: {text[-400:]}")
    return _Ran(text, cpu)


@dataclass(frozen=True, slots=True)
class _Ran:
    text: str
    cpu: list[tuple[float, float]]  # wall clock, processor seconds so far

    def per_message(self, rate_per_s: float, last_s: float) -> float:
        """Microseconds of processor time a message, over the last ``last_s`` seconds of its life, when it has long been warm."""
        window = [mark for mark in self.cpu if mark[0] >= self.cpu[-1][0] - last_s - 0.5][:-1] if self.cpu else []
        if len(window) < 2 or not rate_per_s:
            return 0.0
        used, took = window[-1][1] - window[0][1], window[-1][0] - window[0][0]
        return used / took / rate_per_s * 1e6
