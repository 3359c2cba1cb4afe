"""What recording a history costs the client, for each client library: the same load with and without, slice by slice.

What is compared: one worker process's code in this process, the same flood (1 KiB messages, 1,000 in flight; then the backlog of that
flood, 500 a receive) through the same client library to the same broker, writing a history in every other slice of that. Not
writing one also means that no checksum is taken. Neighbouring slices are pairs. The figure is the client's throughput by its own
processor time: messages a second of this process's processor time; 0.90 means that recording costs a tenth of it. The threads of a
client library read ahead and send behind, so their time is the same for every message: the mean of the whole run. The wall-clock
ratio stands beside it. The null adapter's rows are the bare worker with no client library: the difference of its two times is
what recording costs a message when everything else is idle.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.adapters.registry import create_adapter
from harness.brokers import create, missing_reason
from harness.errors import UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import Adapter
from harness.model.workload import Workload
from harness.plan.loader import parse_workload
from harness.runner.slices import Slice, paired
from harness.runner.solo import NOWHERE, consume_slices, flooding, publish_slices
from harness.statistics.paired import bootstrap_median

LIBRARIES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "null": ("null", "", {"deliver": "1000000000"}),
    "confluent-kafka": ("kafka", "pylog", {"client": "confluent"}),
    "kafka-python": ("kafka", "pylog", {"client": "kafka-python"}),
    "pika": ("rabbitmq", "rabbitmq", {}),
    "stomp.py": ("activemq", "activemq", {}),
}
WORKLOAD = """
question: What does recording a history cost the client?
messages: {size: 1KiB, payload: click_json, key: "zipf(users=10k, s=1.1)"}
needs: {groups: {one: 1}, order: none, partitions: 1, prefetch: 500}
phases: [{name: flood, flood: {in_flight: 1000}, for: 1s}]
"""

SLICE_S: Mapping[str, float] = {
    "null": 0.05,
    "confluent-kafka": 0.05,
}  # of the others a slice needs more time to even out
SLICE_OF_OTHERS_S = 0.1
LIMIT = 0.9  # of its throughput a client must keep while it records
NULL_BACKLOG = 30_000_000  # half of the slices are through a million within a twentieth of a second
COMPARED = (__doc__ or "").split("What is compared: ")[1]

Progress = Callable[[str], None]


def bench_record(*, rounds: int, seconds: float, progress: Progress) -> dict[str, object]:
    """One row a library and direction: median over pairs of slices of the ratio without/with recording (1.0 is free, 0.9 costs a tenth)."""
    loaded = parse_workload(WORKLOAD, name="record", path="record.yaml").workload
    rows: list[dict[str, object]] = []
    for library, (adapter_name, broker_name, settings) in LIBRARIES.items():
        reason = missing_reason(broker_name) if broker_name else None
        if reason is not None:
            rows.append({"library": library, "state": "not run", "reason": reason})
            continue
        progress(f"{library}")
        adapter = create_adapter(adapter_name, settings)
        if not broker_name:
            rows.extend(_rows(library, adapter, NOWHERE, loaded, rounds, seconds))
            continue
        with tempfile.TemporaryDirectory(prefix="harness-bench-") as root:
            broker = create(broker_name, root=Path(root))
            try:
                info = broker.start(tier="D1", settings={})
                rows.extend(_rows(library, adapter, info, loaded, rounds, seconds))
            finally:
                broker.stop()
    return {
        "document": "bench record", "version": 3, "rounds": rounds, "limit": LIMIT, "compared": " ".join(COMPARED.split()),
        "interval": "95 % bootstrap of the median over pairs of slices", "rows": rows,
    }  # fmt: skip


def _rows(
    library: str, adapter: Adapter, broker: BrokerInfo, loaded: Workload, rounds: int, seconds: float
) -> list[dict[str, object]]:
    workload = flooding(loaded, seconds=seconds, in_flight=1000)
    slice_s = SLICE_S.get(library, SLICE_OF_OTHERS_S)
    published: list[tuple[Slice, Slice]] = []
    consumed: list[tuple[Slice, Slice]] = []
    for number in range(rounds):
        plan = adapter.plan(broker, workload.needs, Tier.D1, f"bench{number}")
        adapter.provision(broker, plan)
        count, slices = publish_slices(adapter, broker, plan, workload, slice_s)
        published += paired(slices)
        backlog = NULL_BACKLOG if adapter.name == "null" else count
        consumed += paired(consume_slices(adapter, broker, plan, workload, slice_s, messages=backlog))
        adapter.teardown(broker, plan)
    return [_row(library, "publish", published), _row(library, "consume", consumed)]


def _row(library: str, direction: str, pairs: list[tuple[Slice, Slice]]) -> dict[str, object]:
    """Raises UsageError for fewer than two pairs."""
    if len(pairs) < 2:
        raise UsageError(
            f"{library}: the {direction} load was over before there were two pairs of slices",
            next_command="harness bench record --seconds 2s",
        )
    without, with_ = zip(*pairs, strict=True)
    all_of_them = [*without, *with_]
    background_us = (
        sum(one.background_cpu_seconds for one in all_of_them) / sum(one.messages for one in all_of_them) * 1e6
    )
    cpu = [(_own_us(off) + background_us) / (_own_us(on) + background_us) for off, on in pairs]
    rate = [_per_s(on) / _per_s(off) for off, on in pairs]
    low, high = _interval(cpu)
    return {
        "library": library,
        "direction": direction,
        "messages": sum(one.messages for one in all_of_them),
        "background_cpu_us": round(background_us, 3),
        "without_cpu_us": round(statistics.median(map(_own_us, without)) + background_us, 3),
        "with_cpu_us": round(statistics.median(map(_own_us, with_)) + background_us, 3),
        "cpu_ratio": round(statistics.median(cpu), 3),
        "cpu_ratio_interval": [low, high],
        "without_per_s": round(statistics.median(map(_per_s, without))),
        "with_per_s": round(statistics.median(map(_per_s, with_))),
        "rate_ratio": round(statistics.median(rate), 3),
        "rate_ratio_interval": _interval(rate),
        "pairs": len(pairs),
        "verdict": "ceiling"
        if library == "null"
        else "kept"
        if low >= LIMIT
        else "missed"
        if high < LIMIT
        else "undecided",
    }


def _own_us(one: Slice) -> float:
    return one.own_cpu_seconds / one.messages * 1e6


def _per_s(one: Slice) -> float:
    return one.messages / one.seconds


def _interval(ratios: list[float]) -> list[float]:
    found = bootstrap_median([math.log(ratio) for ratio in ratios], seed=1)
    return [round(math.exp(found.low), 3), round(math.exp(found.high), 3)]


def table(document: Mapping[str, Any]) -> str:
    """The rows as text."""
    head = f"{'library':16} {'way':9} {'CPU us a message':>16} {'throughput kept':>20} {'wall clock':>20} {'pairs':>6}"
    lines = [f"{head}  at least {document['limit']:g}"]
    for row in document["rows"]:
        if "reason" in row:
            lines.append(f"{row['library']:16} not run: {row['reason']}")
            continue
        times = f"{row['without_cpu_us']:.2f} -> {row['with_cpu_us']:.2f}"
        kept, wall = (
            f"{row[name]:.2f} ({row[name + '_interval'][0]:.2f}-{row[name + '_interval'][1]:.2f})"
            for name in ("cpu_ratio", "rate_ratio")
        )
        lines.append(
            f"{row['library']:16} {row['direction']:9} {times:>16} {kept:>20} {wall:>20} {row['pairs']:>6}  {row['verdict']}"
        )
    lines.append(
        f"kept: throughput of the client while it records over that while it does not; intervals: {document['interval']}"
    )
    return "\n".join(lines)
