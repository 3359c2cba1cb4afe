"""pylog beside Apache Kafka: `harness bench pylog`, also `python -m harness.bench.pylog`.

Both brokers run as private local processes with their defaults (Kafka with a heap of 1 GB), one at a time, in the order
A B B A, each time on a fresh data folder. A session is: cold start until the first acknowledged message, a warm-up of every load (the Java
virtual machine needs it, so both get it), the loads, and the resident memory afterwards. A ratio above 1 is in favour of pylog.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import confluent_kafka
from rich import box
from rich.console import Console
from rich.table import Table

from harness.bench import loads
from harness.bench.suites import CLIENT_BOUND_SHARE, Progress, Question, Session, Suite, suites
from harness.bench.wire import Connection, produce_request, record_batch
from harness.brokers import create
from harness.errors import HarnessError

KAFKA, PYLOG = "kafka", "pylog"
COLD_START = "cold start"


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """`pairs` sessions of each broker in each suite; `quick` is a smoke test whose figures mean little."""

    pairs: int = 3
    quick: bool = False
    suites: tuple[str, ...] = ("core",)


@dataclass(frozen=True, slots=True)
class Row:
    """A question with its figures, session by session: `kafka[i]` and `pylog[i]` are a pair."""

    suite: str
    name: str
    unit: str
    higher_is_better: bool
    required_ratio: float | None
    kafka: tuple[float, ...]
    pylog: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times better pylog is, pair by pair."""
        pairs = zip(self.kafka, self.pylog, strict=True)
        return tuple(ours / theirs if self.higher_is_better else theirs / ours for theirs, ours in pairs)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        return self.required_ratio is None or self.ratio >= self.required_ratio

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "kafka_median": statistics.median(self.kafka),
            "pylog_median": statistics.median(self.pylog),
            "pairs": len(self.ratios),
            "ratio_min": min(self.ratios),
            "ratio_median": self.ratio,
            "ratio_max": max(self.ratios),
            "met": self.met,
        }


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The whole comparison."""

    rows: tuple[Row, ...]
    versions: Mapping[str, str]
    order: tuple[str, ...]
    quick: bool
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return all(row.met for row in self.rows)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "bench": "pylog",
            "met": self.met,
            "quick": self.quick,
            "order": list(self.order),
            "versions": dict(self.versions),
            "environment": dict(self.environment),
            "rows": [row.as_dict() for row in self.rows],
        }


def session_order(pairs: int) -> tuple[str, ...]:
    """A B B A A B B A ...: a drift of the machine falls on both alike."""
    order: list[str] = []
    for pair in range(pairs):
        order += [KAFKA, PYLOG] if pair % 2 == 0 else [PYLOG, KAFKA]
    return tuple(order)


def run(options: BenchOptions, progress: Progress = lambda _: None) -> BenchResult:
    """Run all sessions; raises BrokerMissing where Apache Kafka is not installed, and what a broker's start raises."""
    sizes = loads.QUICK if options.quick else loads.FULL
    versions = {
        "confluent-kafka": str(confluent_kafka.version()[0]),
        "librdkafka": str(confluent_kafka.libversion()[0]),
    }
    environment = describe_machine()
    if busy := _busy():
        progress(busy)
    order = session_order(options.pairs)
    rows: list[Row] = []
    for name in options.suites:
        suite = suites()[name]
        figures: dict[str, list[Mapping[str, float]]] = {KAFKA: [], PYLOG: []}
        remembered: dict[str, float] = {}
        for number, broker_name in enumerate(order, start=1):
            progress(f"{suite.name}: {suite.title}: session {number} of {len(order)}: {broker_name}")
            measured, versions[broker_name] = _session(suite, broker_name, sizes, remembered, progress)
            figures[broker_name].append(measured)
        rows += [_row(suite, question, figures) for question in suite.questions]
    return BenchResult(tuple(rows), versions, order, options.quick, environment)


def _row(suite: Suite, question: Question, figures: Mapping[str, list[Mapping[str, float]]]) -> Row:
    required = question.required_ratio
    if question.client_share:
        shares = [statistics.median(one[question.client_share] for one in figures[name]) for name in (KAFKA, PYLOG)]
        if max(shares) >= CLIENT_BOUND_SHARE:
            required = question.client_bound_ratio
    return Row(
        suite.name,
        question.name,
        question.unit,
        question.higher_is_better,
        required,
        tuple(session[question.name] for session in figures[KAFKA]),
        tuple(session[question.name] for session in figures[PYLOG]),
    )


def _session(
    suite: Suite, name: str, sizes: loads.Sizes, remembered: dict[str, float], progress: Progress
) -> tuple[Mapping[str, float], str]:
    """One broker from its cold start to its end; figures by row name, and its version."""
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    broker = create(name, root=folder)
    try:
        begin = time.perf_counter()
        info = broker.start(tier="D1", settings=suite.settings)
        _first_message(info.host, info.port)
        cold_start_ms = (time.perf_counter() - begin) * 1000
        progress(f"  {name} {info.version}: first message acknowledged after {cold_start_ms:.0f} ms; warming up")
        session = Session(name, broker, info.host, info.port, sizes, progress, remembered)
        suite.warm_up(session)
        measured = {**suite.measure(session), COLD_START: cold_start_ms}
        progress("  " + ", ".join(f"{row}: {_figure(value)}" for row, value in measured.items()))
        return measured, info.version
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _first_message(host: str, port: int) -> None:
    topic = "first"
    with Connection(host, port) as connection:
        connection.create_topic(topic)
        connection.first_acknowledged(topic, produce_request(topic, 0, record_batch(b"x")))


def describe_machine() -> dict[str, str]:
    """What a reader has to know to judge the figures."""
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control")
    return {
        "cpus": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "tcp_congestion_control": congestion.read_text(encoding="ascii").strip() if congestion.exists() else "",
        "setting": "loopback, client and broker on the same processors: direction only",
    }


def _busy() -> str:
    """A warning when other work shares the machine; a broker with many threads then gets more of it than one with a single one."""
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    if load <= cpus / 2:
        return ""
    return f"load average {load:.1f} on {cpus} processors: the figures will be noise until the machine rests"


def bench_pylog(
    *, pairs: int, quick: bool, progress: Progress, chosen: tuple[str, ...] = ("core",)
) -> dict[str, object]:
    """The comparison as a JSON-ready document, for the command line."""
    return run(BenchOptions(pairs=pairs, quick=quick, suites=chosen), progress).as_dict()


def table(document: Mapping[str, Any]) -> str:
    """The document of `bench_pylog` as text, 130 columns wide at most."""
    versions = document["versions"]
    pairs = len(document["order"]) // 2
    title = f"pylog {versions[PYLOG]} beside Apache Kafka {versions[KAFKA]}, median of {pairs} pairs"
    result = Table(title=title, box=box.SIMPLE)
    for heading in ("", "unit", "Kafka", "pylog", "ratio", "min .. max", "wanted"):
        result.add_column(heading, justify="left" if heading in ("", "unit") else "right", no_wrap=True)
    for row in document["rows"]:
        required = row["required_ratio"]
        result.add_row(
            row["name"],
            row["unit"],
            _figure(row["kafka_median"]),
            _figure(row["pylog_median"]),
            f"{row['ratio_median']:.2f}",
            f"{row['ratio_min']:.2f} .. {row['ratio_max']:.2f}",
            "" if required is None else f">= {required:g} {'yes' if row['met'] else 'NO'}",
        )
    out = io.StringIO()
    Console(file=out, width=130).print(result)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines() if line.strip())


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every row is met, 1 when one is not, 3 when a broker cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m harness.bench.pylog", description="pylog beside Apache Kafka.")
    parser.add_argument("--pairs", type=int, default=3, help="sessions of each broker (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="small loads: whether it works, not how fast it is")
    parser.add_argument("--suite", action="append", choices=(*suites(), "all"), help="default: core")
    parser.add_argument("--json", action="store_true", help="print the document instead of the table")
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    errors = Console(stderr=True)
    chosen = tuple(suites()) if "all" in (options.suite or ()) else tuple(options.suite or ("core",))
    try:
        document = bench_pylog(pairs=options.pairs, quick=options.quick, progress=errors.print, chosen=chosen)
    except HarnessError as error:
        errors.print(str(error))
        return 3
    if options.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        sys.stdout.write(table(document) + "\n")
    return 0 if document["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
