"""Order, ratios and verdict of the comparison; and the loads against a real broker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.bench import loads
from harness.bench.pylog import BenchResult, Row, main, session_order, table
from harness.bench.quantiles import quantile_us
from harness.bench.suites.core import QUESTIONS
from harness.brokers import create


def test_brokers_alternate_in_balanced_order() -> None:
    assert session_order(3) == ("kafka", "pylog", "pylog", "kafka", "kafka", "pylog")


def test_quantiles_are_exact() -> None:
    latencies = [n * 1000 for n in range(100, 0, -1)]
    assert quantile_us(latencies, 0.5) == 50
    assert quantile_us(latencies, 0.99) == 99
    assert quantile_us(latencies, 1.0) == 100
    assert quantile_us([7000], 0.01) == 7
    with pytest.raises(ValueError, match="no latencies"):
        quantile_us([], 0.5)


def test_ratios_say_how_many_times_better_pylog_is() -> None:
    rate = Row("core", "produce", "msg/s", True, 1.0, kafka=(100.0, 100.0, 100.0), pylog=(50.0, 200.0, 300.0))
    assert (rate.ratios, rate.ratio, rate.met) == ((0.5, 2.0, 3.0), 2.0, True)
    time = Row("core", "latency", "us", False, 5.0, kafka=(100.0,), pylog=(25.0,))
    assert (time.ratio, time.met) == (4.0, False)
    assert Row("core", "told", "us", False, None, kafka=(1.0,), pylog=(9.0,)).met


def test_one_missed_row_misses_the_whole_and_shows() -> None:
    good = Row("core", "good", "msg/s", True, 1.0, kafka=(1.0,), pylog=(2.0,))
    bad = Row("core", "bad", "us", False, 5.0, kafka=(4.0,), pylog=(1.0,))
    result = BenchResult((good, bad), {"kafka": "4", "pylog": "0"}, session_order(1), False)
    document = result.as_dict()
    assert document["met"] is False
    lines = table(document).splitlines()
    assert [line.split()[-3:] for line in lines[-2:]] == [[">=", "1", "yes"], [">=", "5", "NO"]]


def test_a_count_of_pairs_below_one_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--pairs", "0"])


@pytest.mark.broker("pylog")
def test_every_load_runs_and_answers_every_question(tmp_path: Path) -> None:
    broker = create("pylog", root=tmp_path / "pylog")
    info = broker.start(tier="D1", settings={})
    try:
        sizes = loads.Sizes(5000, 2000, 1, 100, 0.3, connections=4)
        figures = loads.all_loads(info.host, info.port, sizes, cpu_seconds=lambda: broker.inspect().cpu_seconds)
    finally:
        broker.stop()
        shutil.rmtree(tmp_path / "pylog")
    asked = {question.name for question in QUESTIONS}
    assert asked - set(figures) == {"cold start", "resident memory"}
    assert all(value >= 0 for value in figures.values())
    assert figures["produce 100 B"] > 0
