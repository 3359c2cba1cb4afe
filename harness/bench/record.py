"""What recording a history costs the client, for each client library: the same load with and without, in turn.

What is compared: one worker process's code in this process, the same flood (1 KiB messages, 1,000 in flight; then the backlog of that
flood, 500 a receive) through the same client library to the same broker, once writing a history and once writing none. Writing none
also means that no checksum is taken. The figure is the client's throughput by its own processor time: messages a second of
this process's processor time, all threads of the client library included; 0.90 means that recording costs a tenth of it. The
wall-clock ratio stands beside it and swings with whatever else the machine does. The null adapter's rows are the bare worker with no
client library: the difference of its two times is what recording costs a message, and ``by_cost`` holds each library's least time
against that cost. ``least_ratio`` is that of the least times with and without: on a machine that does other things too, those
are nearest to what the code itself takes.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.adapters.registry import create_adapter
from harness.brokers import create, missing_reason
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import Adapter
from harness.model.workload import Workload
from harness.plan.loader import parse_workload
from harness.runner.solo import NOWHERE, Pace, consume_pace, flooding, publish_pace
from harness.statistics.paired import bootstrap_median

LIBRARIES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "null": ("null", "", {"deliver": "100000000"}),
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

LIMIT = 0.9  # of its throughput a client must keep while it records
BOOTSTRAP_PAIRS_MIN = 5
COMPARED = (__doc__ or "").split("What is compared: ")[1]

Progress = Callable[[str], None]


def bench_record(*, pairs: int, seconds: float, progress: Progress) -> dict[str, object]:
    """One row a library and direction: median over ``pairs`` of the ratio without/with recording (1.0 is free, 0.9 costs a tenth)."""
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
            rows.extend(_rows(library, adapter, NOWHERE, loaded, pairs, seconds))
            continue
        with tempfile.TemporaryDirectory(prefix="harness-bench-") as root:
            broker = create(broker_name, root=Path(root))
            try:
                info = broker.start(tier="D1", settings={})
                rows.extend(_rows(library, adapter, info, loaded, pairs, seconds))
            finally:
                broker.stop()
    _by_cost(rows)
    return {
        "document": "bench record", "version": 2, "pairs": pairs, "limit": LIMIT, "compared": " ".join(COMPARED.split()),
        "interval": "95 % bootstrap of the median over pairs" if pairs >= BOOTSTRAP_PAIRS_MIN else f"range of {pairs} pairs",
        "rows": rows,
    }  # fmt: skip


def _by_cost(rows: list[dict[str, object]]) -> None:
    """Each library's own time a message against that time and what recording costs with no library.

    Of all pairs the least times: other load on the machine only ever adds to a processor time.
    """
    for direction in ("publish", "consume"):
        mine = [row for row in rows if row.get("direction") == direction]
        bare = next(row for row in mine if row["library"] == "null")
        cost = float(bare["with_cpu_us_least"]) - float(bare["without_cpu_us_least"])  # type: ignore[arg-type]
        for row in mine:
            without = float(row["without_cpu_us_least"])  # type: ignore[arg-type]
            row["least_ratio"] = round(without / float(row["with_cpu_us_least"]), 3)  # type: ignore[arg-type]
            row["recording_us"] = round(cost, 3)
            row["by_cost"] = round(without / (without + cost), 3)


def _rows(
    library: str, adapter: Adapter, broker: BrokerInfo, loaded: Workload, pairs: int, seconds: float
) -> list[dict[str, object]]:
    workload = flooding(loaded, seconds=seconds, in_flight=1000)
    published: list[tuple[Pace, Pace]] = []
    consumed: list[tuple[Pace, Pace]] = []
    for pair in range(-1, pairs):  # the first one warms up: imports, caches, a JVM's compiler
        order = (False, True) if pair % 2 == 0 else (True, False)
        publishing: dict[bool, Pace] = {}
        consuming: dict[bool, Pace] = {}
        for record in order:
            plan = adapter.plan(broker, workload.needs, Tier.D1, f"bench{pair + 1}{int(record)}")
            adapter.provision(broker, plan)
            publishing[record] = publish_pace(adapter, broker, plan, workload, record=record)
            backlog = 1_000_000 if adapter.name == "null" else publishing[record].messages
            consuming[record] = consume_pace(adapter, broker, plan, workload, messages=backlog, record=record)
            adapter.teardown(broker, plan)
        if pair < 0:
            continue
        published.append((publishing[False], publishing[True]))
        consumed.append((consuming[False], consuming[True]))
    return [_row(library, "publish", published), _row(library, "consume", consumed)]


def _row(library: str, direction: str, pairs: list[tuple[Pace, Pace]]) -> dict[str, object]:
    cpu = [without.cpu_us_per_message / with_.cpu_us_per_message for without, with_ in pairs]
    rate = [with_.per_s / without.per_s for without, with_ in pairs]
    return {
        "library": library,
        "direction": direction,
        "messages": sum(pace.messages for pair in pairs for pace in pair),
        "without_cpu_us": round(statistics.median(without.cpu_us_per_message for without, _ in pairs), 3),
        "with_cpu_us": round(statistics.median(with_.cpu_us_per_message for _, with_ in pairs), 3),
        "without_cpu_us_least": round(min(without.cpu_us_per_message for without, _ in pairs), 3),
        "with_cpu_us_least": round(min(with_.cpu_us_per_message for _, with_ in pairs), 3),
        "cpu_ratio": round(statistics.median(cpu), 3),
        "cpu_ratio_interval": _interval(cpu),
        "without_per_s": round(statistics.median(without.per_s for without, _ in pairs)),
        "with_per_s": round(statistics.median(with_.per_s for _, with_ in pairs)),
        "rate_ratio": round(statistics.median(rate), 3),
        "rate_ratio_interval": _interval(rate),
        "pairs": len(pairs),
    }


def _interval(ratios: list[float]) -> list[float]:
    if len(ratios) < BOOTSTRAP_PAIRS_MIN:
        return [round(min(ratios), 3), round(max(ratios), 3)]
    found = bootstrap_median([math.log(ratio) for ratio in ratios], seed=1)
    return [round(math.exp(found.low), 3), round(math.exp(found.high), 3)]


def table(document: dict[str, object]) -> str:
    """The rows as text."""
    lines = [
        f"{'library':16} {'way':9} {'CPU us a message':>16} {'kept, paired':>20} {'least times':>12} {'by cost':>8} {'wall clock':>20}"
    ]
    for row in document["rows"]:  # type: ignore[attr-defined]
        if "reason" in row:
            lines.append(f"{row['library']:16} not run: {row['reason']}")
            continue
        times = f"{row['without_cpu_us']:.2f} -> {row['with_cpu_us']:.2f}"
        kept, wall = (
            f"{row[name]:.2f} ({row[name + '_interval'][0]:.2f}-{row[name + '_interval'][1]:.2f})"
            for name in ("cpu_ratio", "rate_ratio")
        )
        lines.append(
            f"{row['library']:16} {row['direction']:9} {times:>16} {kept:>20} {row['least_ratio']:>12.2f} {row['by_cost']:>8.2f} {wall:>20}"
        )
    lines.append(
        f"kept: throughput of the client while it records over that while it does not; intervals: {document['interval']}"
    )
    return "\n".join(lines)


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    document = bench_record(pairs=flags.pairs, seconds=flags.seconds, progress=_tell)
    sys.stdout.write((json.dumps(document, indent=2) if flags.json else table(document)) + "\n")


if __name__ == "__main__":
    main()
