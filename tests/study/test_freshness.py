"""A Java broker that was measured young is said to be; others are not, nor is one whose age is not known."""

from __future__ import annotations

from harness.model.result import BrokerColumn, Cell, PhaseRecord, RunRecord, State
from harness.study.freshness import BEGINNING, cold_machines, stamp_cold

JAVA = {"jvm.heap": "1g"}


def _run(broker: str, age_s: float | None, *, warm_up_s: float = 1.0) -> RunRecord:
    phases = [
        PhaseRecord(index=0, name="warmup", kind="paced", warmup=True, start_s=0.5, end_s=warm_up_s),
        PhaseRecord(index=1, name="paced", kind="paced", start_s=warm_up_s, end_s=9.0),
    ]
    return RunRecord(
        workload="w",
        broker=broker,
        repeat=0,
        order=0,
        seed=1,
        state="done",
        seconds=9.0,
        broker_age_s=age_s,
        phases=phases,
    )


def _column(name: str, settings: dict[str, str]) -> BrokerColumn:
    return BrokerColumn(name=name, label=name, settings=settings)


def test_young_machines_are_named_with_their_ages() -> None:
    columns = [_column("kafka", JAVA), _column("activemq", JAVA), _column("pylog", {})]
    runs = [_run("kafka", 2.0), _run("kafka", 6.0), _run("activemq", 1.0), _run("pylog", 0.5)]
    text = cold_machines(columns, runs)
    assert text.startswith(f"{BEGINNING}activemq and kafka were 2 to 7 s old")
    assert "pylog" not in text


def _cell(broker: str, metric: str, phase: str = "") -> Cell:
    return Cell(workload="w", broker=broker, metric=metric, phase=phase, state=State.MEASURED)


def test_figures_of_speed_from_a_young_machine_are_marked() -> None:
    runs = [_run("kafka", 2.0), _run("kafka", 6.0), _run("activemq", 40.0), _run("pylog", 0.5)]
    columns = [_column("kafka", JAVA), _column("activemq", JAVA), _column("pylog", {})]
    marked = _cell("kafka", "end_to_end_latency_p99", "paced")
    spared = [
        _cell("kafka", "broker_rss_peak"),
        _cell("kafka", "recovery_first_acknowledged"),
        _cell("activemq", "end_to_end_latency_p99", "paced"),
        _cell("pylog", "end_to_end_latency_p99", "paced"),
        _cell("kafka", "end_to_end_latency_p99", "no such phase"),
    ]
    stamp_cold([marked, *spared], columns, runs)
    assert marked.caveat == "cold: 3 to 7 s after its start, a Java machine still compiles"
    assert [cell.caveat for cell in spared] == [""] * len(spared)
    stamp_cold([marked], columns, [_run("kafka", 40.0)])
    assert not marked.caveat, "it is taken back when later runs are of an old one"


def test_a_warm_up_counts_and_an_old_or_foreign_machine_is_no_news() -> None:
    assert not cold_machines([_column("kafka", JAVA)], [_run("kafka", 2.0, warm_up_s=40.0)])
    assert not cold_machines([_column("kafka", JAVA)], [_run("kafka", None)])
    assert not cold_machines([_column("pylog", {})], [_run("pylog", 1.0)])
