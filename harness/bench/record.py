"""What recording a history costs the client, for each client library: the same load with and without, in turn.

Publishing floods through the real adapter; consuming reads a prepared backlog. The figure that counts is the client's own processor time
a message (wall-clock rates of a shared machine swing more than the cost in question); the wall-clock ratio stands beside it. The
null adapter's row is the worst case: no client library at all.
"""

from __future__ import annotations

import argparse
import json
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
    return {"document": "bench record", "version": 1, "pairs": pairs, "rows": rows}


def _rows(
    library: str, adapter: Adapter, broker: BrokerInfo, loaded: Workload, pairs: int, seconds: float
) -> list[dict[str, object]]:
    workload = flooding(loaded, seconds=seconds, in_flight=1000)
    published: list[tuple[Pace, Pace]] = []
    consumed: list[tuple[Pace, Pace]] = []
    for pair in range(pairs):
        order = (False, True) if pair % 2 == 0 else (True, False)
        publishing: dict[bool, Pace] = {}
        consuming: dict[bool, Pace] = {}
        for record in order:
            plan = adapter.plan(broker, workload.needs, Tier.D1, f"bench{pair}{int(record)}")
            adapter.provision(broker, plan)
            publishing[record] = publish_pace(adapter, broker, plan, workload, record=record)
            backlog = 300_000 if adapter.name == "null" else publishing[record].messages
            consuming[record] = consume_pace(adapter, broker, plan, workload, messages=backlog, record=record)
            adapter.teardown(broker, plan)
        published.append((publishing[False], publishing[True]))
        consumed.append((consuming[False], consuming[True]))
    return [_row(library, "publish", published), _row(library, "consume", consumed)]


def _row(library: str, direction: str, pairs: list[tuple[Pace, Pace]]) -> dict[str, object]:
    cpu = [without.cpu_us_per_message / with_.cpu_us_per_message for without, with_ in pairs]
    rate = [with_.per_s / without.per_s for without, with_ in pairs]
    return {
        "library": library,
        "direction": direction,
        "without_per_s": round(statistics.median(without.per_s for without, _ in pairs)),
        "with_per_s": round(statistics.median(with_.per_s for _, with_ in pairs)),
        "without_cpu_us": round(statistics.median(without.cpu_us_per_message for without, _ in pairs), 3),
        "with_cpu_us": round(statistics.median(with_.cpu_us_per_message for _, with_ in pairs), 3),
        "cpu_ratio": round(statistics.median(cpu), 3),
        "rate_ratio": round(statistics.median(rate), 3),
        "rate_ratio_range": [round(min(rate), 3), round(max(rate), 3)],
        "pairs": len(pairs),
    }


def table(document: dict[str, object]) -> str:
    """The rows as text."""
    lines = [
        f"{'library':16} {'direction':9} {'without':>10} {'with':>10} {'rate ratio':>11} {'CPU us/msg':>16} {'CPU ratio':>10}"
    ]
    for row in document["rows"]:  # type: ignore[attr-defined]
        if "reason" in row:
            lines.append(f"{row['library']:16} not run: {row['reason']}")
            continue
        lines.append(
            f"{row['library']:16} {row['direction']:9} {row['without_per_s']:>8}/s {row['with_per_s']:>8}/s {row['rate_ratio']:>11.2f}"
            f" {row['without_cpu_us']:>6.2f} -> {row['with_cpu_us']:<6.2f} {row['cpu_ratio']:>10.2f}"
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
