"""The harness's adapters beside the field's own load tools: ``harness bench driver``.

The same broker process, the same settings (persistence, acknowledgements, messages in flight, sizes), one after the other in alternating
pairs. A ratio of 1 means that the adapter costs a broker's user nothing against the tool that its makers measure it with. The
processor time a message stands beside it, since that moves less when other work shares the machine. The
claim of a report rests on adapters that are not slower than the floors in ``QUESTIONS``.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.adapters.registry import create_adapter
from harness.bench import field_tools, loads
from harness.bench.driving import Driven, consume, publish
from harness.bench.field_tools import Rates
from harness.brokers import create
from harness.brokers.tools import JavaTool, kafka_tools, perf_test
from harness.errors import BrokerMissing, HarnessError
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import Adapter
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs
from harness.runner.workers import worker_context

Progress = Callable[[str], None]
SIZES = (100, 1024)
GROUP = "one"
RABBITMQ_WINDOW = 1000
KAFKA_IN_FLIGHT_BYTES = 4 << 20  # Kafka's tool is bounded by bytes: four of its largest batches
KAFKA_WINDOW_MIN = 10_000
PREFETCH = 1000
FETCH_WARM_UP_S = 1.0  # of a backlog that is read within seconds
RECORDS_MIN, RECORDS_MAX = 50_000, 2_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """``floor``: the ratio that the adapter has to reach, by the project's own measure."""

    name: str
    broker: str
    floor: float


PUBLISH_AND_CONSUME = Question("rabbitmq adapter, publisher and consumer at once, against PerfTest", "rabbitmq", 0.7)
PRODUCE = Question("kafka adapter (confluent-kafka), publisher, against kafka-producer-perf-test", "kafka", 1.0)
FETCH = Question("kafka adapter (confluent-kafka), consumer, against kafka-consumer-perf-test", "kafka", 1.0)


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds of each measured run, and of its warm-up before."""

    warm_up_s: int = 2
    seconds: int = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A question at one size: ``ours[i]`` and ``theirs[i]`` are a pair, in messages a second."""

    question: str
    size_bytes: int
    floor: float
    settings: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ours_cpu_us: tuple[float, ...]
    theirs_cpu_us: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        return {
            **asdict(self),
            "pairs": len(ratios),
            "ours_median": round(statistics.median(self.ours)),
            "theirs_median": round(statistics.median(self.theirs)),
            "ratio_min": round(min(ratios), 3),
            "ratio_median": round(statistics.median(ratios), 3),
            "ratio_max": round(max(ratios), 3),
            "ours_cpu_us_median": round(statistics.median(self.ours_cpu_us), 2),
            "theirs_cpu_us_median": round(statistics.median(self.theirs_cpu_us), 2),
            "met": statistics.median(ratios) >= self.floor,
        }


def bench_driver(*, pairs: int, length: Length, brokers: tuple[str, ...], progress: Progress) -> dict[str, Any]:
    """One document. A tool or a broker that is missing is a row "not run" with the command that gets it."""
    rows: list[dict[str, Any]] = []
    versions: dict[str, str] = {}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    sides: tuple[tuple[str, Callable[..., list[Row]]], ...] = (("rabbitmq", _rabbitmq), ("kafka", _kafka))
    for name, measure in sides:
        if name not in brokers:
            continue
        try:
            tool = perf_test() if name == "rabbitmq" else kafka_tools()
            with _running(name) as info:
                versions |= {name: info.version, tool.name: tool.version}
                rows += [row.as_dict() for row in measure(info, tool, pairs, length, progress)]
        except HarnessError as error:
            state = "not run" if isinstance(error, BrokerMissing) else "failed"
            rows.append({"question": name, "state": state, "reason": error.message, "next": error.next_command or ""})
    return {
        "document": "bench driver", "version": 1, "created": created, "machine": machine,
        "pairs": pairs, "versions": versions, "rows": rows,
    }  # fmt: skip


@contextmanager
def _running(name: str) -> Iterator[BrokerInfo]:
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as root:
        broker = create(name, root=Path(root))
        try:
            yield broker.start(tier=str(Tier.D1), settings={})
        finally:
            broker.stop()


@contextmanager
def _planned(adapter: Adapter, info: BrokerInfo, prefix: str) -> Iterator[Provisioning]:
    needs = Needs.model_validate({"groups": {GROUP: 1}, "order": "none", "partitions": 1, "prefetch": PREFETCH})
    plan = adapter.plan(info, needs, Tier.D1, prefix)
    adapter.provision(info, plan)
    try:
        yield plan
    finally:
        adapter.teardown(info, plan)


# -- RabbitMQ -----------------------------------------------------------------------------------------------------------


def _rabbitmq(info: BrokerInfo, tool: JavaTool, pairs: int, length: Length, progress: Progress) -> list[Row]:
    adapter = create_adapter("rabbitmq", {})
    settings = f"classic queue, persistent, confirms, {RABBITMQ_WINDOW} in flight, prefetch {PREFETCH}"
    rows = []
    for size in SIZES:
        ours: list[tuple[Driven, Driven]] = []
        theirs: list[Rates] = []
        for pair in range(pairs):
            for turn in _turns(pair):
                progress(f"rabbitmq, {size} B, pair {pair + 1}/{pairs}: {'adapter' if turn == 'ours' else tool.name}")
                if turn == "ours":
                    with _planned(adapter, info, f"bench{size}x{pair}") as plan:
                        ours.append(_both("rabbitmq", {}, info, plan, size, RABBITMQ_WINDOW, length))
                else:
                    theirs.append(
                        field_tools.perf_test(
                            tool, info, size_bytes=size, window=RABBITMQ_WINDOW, prefetch=PREFETCH,
                            warm_up_s=length.warm_up_s, seconds=length.seconds,
                        )
                    )  # fmt: skip
        rows.append(
            Row(
                PUBLISH_AND_CONSUME.name, size, PUBLISH_AND_CONSUME.floor, settings,
                tuple(published.per_s + consumed.per_s for published, consumed in ours),
                tuple(rates.confirmed + rates.received for rates in theirs),
                tuple(published.cpu_us + consumed.cpu_us for published, consumed in ours),
                tuple(rates.cpu_us for rates in theirs),
            )
        )  # fmt: skip
    return rows


def _both(
    adapter: str,
    settings: Mapping[str, str],
    info: BrokerInfo,
    plan: Provisioning,
    size: int,
    window: int,
    length: Length,
) -> tuple[Driven, Driven]:
    """Publisher and consumer, each in a process of its own, at once."""
    with ProcessPoolExecutor(2, mp_context=worker_context()) as pool:
        consumed: Future[Driven] = pool.submit(
            consume, adapter, settings, info, plan,
            group=GROUP, warm_up_s=length.warm_up_s, seconds=length.seconds,
        )  # fmt: skip
        published: Future[Driven] = pool.submit(
            publish, adapter, settings, info, plan,
            size_bytes=size, window=window, warm_up_s=length.warm_up_s, seconds=length.seconds,
        )  # fmt: skip
        return published.result(), consumed.result()


# -- Kafka --------------------------------------------------------------------------------------------------------------


def _kafka(info: BrokerInfo, tool: JavaTool, pairs: int, length: Length, progress: Progress) -> list[Row]:
    adapter = create_adapter("kafka", {"client": "confluent"})
    rows: list[Row] = []
    for size in SIZES:
        rows.append(_kafka_produce(adapter, info, tool, size, pairs, length, progress))
        rows.append(_kafka_fetch(adapter, info, tool, size, pairs, length, progress))
    return rows


def _kafka_produce(
    adapter: Adapter, info: BrokerInfo, tool: JavaTool, size: int, pairs: int, length: Length, progress: Progress
) -> Row:
    settings = [
        "acks=all", "linger.ms=0", "batch.size=1000000", "enable.idempotence=false", "compression.type=none",
        "max.in.flight.requests.per.connection=5", f"buffer.memory={_window(size) * size}",
    ]  # fmt: skip
    ours: list[Driven] = []
    theirs: list[Rates] = []
    with _planned(
        adapter, info, f"warm{size}"
    ) as plan:  # the broker's virtual machine, and how many records fill the time
        records = _records(_publish_kafka(info, plan, size, length).per_s * (length.warm_up_s + length.seconds))
    for pair in range(pairs):
        for turn in _turns(pair):
            progress(
                f"kafka publisher, {size} B, pair {pair + 1}/{pairs}: {'adapter' if turn == 'ours' else tool.name}"
            )
            with _planned(adapter, info, f"produce{size}x{pair}{turn}") as plan:
                if turn == "ours":
                    ours.append(_publish_kafka(info, plan, size, length))
                else:
                    rates = field_tools.kafka_producer(
                        tool, info, _topic(plan),
                        size_bytes=size, settings=settings, records=records, warm_up_s=length.warm_up_s,
                    )  # fmt: skip
                    theirs.append(rates)
    shown = f"acks=all, no linger, batches up to 1 MB, up to {_window(size)} in flight, 5 requests, one partition"
    return Row(
        PRODUCE.name, size, PRODUCE.floor, shown,
        tuple(driven.per_s for driven in ours), tuple(rates.confirmed for rates in theirs),
        tuple(driven.cpu_us for driven in ours), tuple(rates.cpu_us for rates in theirs),
    )  # fmt: skip


def _kafka_fetch(
    adapter: Adapter, info: BrokerInfo, tool: JavaTool, size: int, pairs: int, length: Length, progress: Progress
) -> Row:
    ours: list[Driven] = []
    theirs: list[Rates] = []
    wanted = (4 if size <= 256 else 2) * RECORDS_MIN * (length.seconds + length.warm_up_s)
    for pair in range(pairs):
        with _planned(adapter, info, f"fetch{size}x{pair}") as plan:
            topic = _topic(plan)
            stored = loads.fill(info.host, info.port, topic, count=wanted, payload_bytes=size)
            for turn in _turns(pair):
                progress(
                    f"kafka consumer, {size} B, pair {pair + 1}/{pairs}: {'adapter' if turn == 'ours' else tool.name}"
                )
                if turn == "ours":
                    with ProcessPoolExecutor(1, mp_context=worker_context()) as pool:
                        ours.append(
                            pool.submit(
                                consume,
                                "kafka",
                                {"client": "confluent"},
                                info,
                                plan,
                                group=GROUP,
                                warm_up_s=FETCH_WARM_UP_S,
                                messages=stored,
                            ).result()
                        )
                else:
                    rates = field_tools.kafka_consumer(
                        tool, info, topic, group=f"perf-{size}-{pair}", records=stored, warm_up_s=FETCH_WARM_UP_S
                    )
                    theirs.append(rates)
    shown = f"{wanted} records read once, batches of 100 kB, fetches up to 1 MB, one partition, in a group"
    return Row(
        FETCH.name, size, FETCH.floor, shown,
        tuple(driven.per_s for driven in ours), tuple(rates.received for rates in theirs),
        tuple(driven.cpu_us for driven in ours), tuple(rates.cpu_us for rates in theirs),
    )  # fmt: skip


def _publish_kafka(info: BrokerInfo, plan: Provisioning, size: int, length: Length) -> Driven:
    with ProcessPoolExecutor(1, mp_context=worker_context()) as pool:
        return pool.submit(
            publish, "kafka", {"client": "confluent"}, info, plan,
            size_bytes=size, window=_window(size), warm_up_s=length.warm_up_s, seconds=length.seconds,
        ).result()  # fmt: skip


def _window(size: int) -> int:
    """Messages in flight: as many as Kafka's own tool may have."""
    return max(KAFKA_WINDOW_MIN, KAFKA_IN_FLIGHT_BYTES // size)


def _topic(plan: Provisioning) -> str:
    return next(thing.name for thing in plan.objects if thing.kind == "topic")


def _records(wanted: float) -> int:
    return int(min(RECORDS_MAX, max(RECORDS_MIN, wanted)))


def _turns(pair: int) -> tuple[str, str]:
    """A B, B A, A B: what drifts meets both alike."""
    return ("ours", "theirs") if pair % 2 == 0 else ("theirs", "ours")


def table(document: Mapping[str, Any]) -> str:
    """The rows as text."""
    lines = []
    for row in document["rows"]:
        if "reason" in row:
            lines.append(f"{row['question']}: {row['state']}: {row['reason']}\n  next: {row['next']}")
            continue
        verdict = "reached" if row["met"] else "NOT reached"
        lines.append(
            f"{row['question']}, {row['size_bytes']} B ({row['settings']})\n"
            f"  adapter {row['ours_median']:,}/s, tool {row['theirs_median']:,}/s: ratio {row['ratio_median']:.2f} "
            f"({row['ratio_min']:.2f} to {row['ratio_max']:.2f}, {row['pairs']} pairs), processor time a message "
            f"{row['ours_cpu_us_median']:g} and {row['theirs_cpu_us_median']:g} µs; at least {row['floor']:g} is wanted: {verdict}"
        )
    return "\n".join(lines)
