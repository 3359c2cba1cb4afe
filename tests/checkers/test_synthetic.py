"""The large history that judging is measured with: clean, told the same way twice, and judged the same way twice."""

import pytest

from harness.bench.judge import bench_judge
from harness.bench.synthetic import synthetic_workload, write_synthetic
from harness.checkers.judge import judge
from harness.model.verdict import Validity


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    deliveries = write_synthetic(folder, messages=30_000, seed=3)
    return folder, deliveries


def test_every_checker_finds_it_clean(history):
    folder, deliveries = history
    judgement = judge(folder, synthetic_workload().workload)
    assert deliveries > 180_000
    assert {v.checker: v.summary for v in judgement.verdicts if v.validity is not Validity.VALID} == {}
    counts = {v.checker: v.counts for v in judgement.verdicts}
    assert counts["durability"]["acknowledged"] > 29_900
    assert counts["duplicates"]["duplicated"] > 0, "the kill makes some come again"
    assert counts["retry"]["checked"] > 500
    assert counts["dead_letter"]["doomed"] > 30


def test_judging_is_a_function_of_the_history(history):
    folder, _ = history
    workload = synthetic_workload().workload
    assert judge(folder, workload) == judge(folder, workload)


def test_a_seed_tells_the_same_history(history, tmp_path):
    folder, deliveries = history
    assert write_synthetic(tmp_path, messages=30_000, seed=3) == deliveries
    assert (tmp_path / "deliver.parquet").read_bytes() == (folder / "deliver.parquet").read_bytes()


def test_the_bench_reports_time_and_memory_of_judging_alone():
    said = []
    found = bench_judge(events=2_000, seed=1, progress=said.append)
    assert {"events", "seconds", "peak_rss_bytes"} <= set(found)
    assert 0 < found["peak_rss_bytes"] < 1 << 30
    assert len(said) == 2
