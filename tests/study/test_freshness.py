"""A Java broker that was measured young is said to be; others are not, nor is one whose age is not known."""

from __future__ import annotations

from harness.model.result import BrokerColumn, PhaseRecord, RunRecord
from harness.study.freshness import BEGINNING, cold_machines

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


def test_a_warm_up_counts_and_an_old_or_foreign_machine_is_no_news() -> None:
    assert not cold_machines([_column("kafka", JAVA)], [_run("kafka", 2.0, warm_up_s=40.0)])
    assert not cold_machines([_column("kafka", JAVA)], [_run("kafka", None)])
    assert not cold_machines([_column("pylog", {})], [_run("pylog", 1.0)])
