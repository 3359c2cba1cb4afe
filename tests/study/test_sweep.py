"""Variants of a workload, what counts as sustained, and one sweep from the command line to its page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.result import BrokerColumn, Cell, Measure, PhaseRecord, Result, RunRecord, State
from harness.model.sweep import PARAMETERS, Sweep
from harness.model.verdict import Validity, Verdict
from harness.plan.bundled import find_workload
from harness.plan.loader import load_workload
from harness.study.options import as_run
from harness.study.sweep import sweep_of
from harness.study.variants import Variants, parse_swept, variant_name, variants
from tests.reporting.factory import make_result

REPEATS = 2
LAG, P99 = "generator_lag_p99", "end_to_end_latency_p99"


def fan_out(text: str, **flags: Any) -> Variants:
    return variants(load_workload(find_workload("clickstream_fanout")), parse_swept(text), **flags)


# -- variants -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_what_is_judged_is_what_ran(parameter: str) -> None:
    of = fan_out(f"{parameter}=3,1,2", duration_s=2.0, warm_up_s=1.0)
    assert of.swept.values == (1.0, 2.0, 3.0)
    assert len({one.sha256 for one in of.workloads}) == 3
    for one in of.workloads:
        assert as_run(one.text, one.workload.name) == one.workload
        assert all(phase.fault is None and not phase.replay for phase in one.workload.phases)


def test_only_the_phases_that_answer_are_kept() -> None:
    kept = {name: [p.name for p in fan_out(f"{name}=2").workloads[0].workload.phases] for name in PARAMETERS}
    assert kept["rate"] == ["warmup", "paced"]
    assert kept["in_flight"] == ["warmup", "flood"]
    assert kept["size"] == kept["members"] == ["warmup", "paced", "flood"]
    assert variants(load_workload(find_workload("priority_tasks")), parse_swept("rate=5")).paced == "steady"


def test_each_parameter_changes_what_it_names() -> None:
    def one(text: str) -> Any:
        return fan_out(text).workloads[0].workload

    assert {phase.paced for phase in one("rate=1.6k").phases} == {1600.0}
    assert one("size=4KiB").messages.size.mean == 4096
    assert one("in_flight=7").phases[-1].flood.in_flight == 7
    assert set(one("members=3").needs.groups.values()) == {3}
    assert (one("partitions=8").needs.partitions, one("prefetch=9").needs.prefetch) == (8, 9)
    assert one("publishers=3").publishers == 3


def test_names_are_names_of_workloads_and_differ() -> None:
    assert variant_name("clickstream_fanout", "rate", 200.0) == "clickstream_fanout__rate_200"
    assert variant_name("a" * 48, "in_flight", 100_000.0).endswith("__in_flight_100000")
    assert len(variant_name("a" * 48, "in_flight", 100_000.0)) == 48
    names = [one.workload.name for one in fan_out("rate=0.5,5,1.25,125/s").workloads]
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rat=1", "did you mean rate"),
        ("colour=1", "known: rate, size"),
        ("rate", "names no values"),
        ("rate=,", "names no values"),
        ("rate=fast", "such as 2k/s"),
        ("rate=0,1", "more than 0"),
        ("size=1KiB,1024", "more than once"),
        ("members=1.5", "whole number"),
        ("members=65", "members 65: Input should be less than or equal to 64"),
        ("prefetch=20k", "prefetch 20000"),
        ("rate=" + ",".join(str(number) for number in range(1, 14)), "12 at most"),
    ],
)
def test_what_cannot_be_swept_says_why_and_what_to_type(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        fan_out(text)
    assert caught.value.next_command


def test_a_workload_without_a_phase_that_answers_is_refused() -> None:
    mails = load_workload(find_workload("password_reset"))
    with pytest.raises(UsageError, match="in_flight needs a flood phase"):
        variants(mails, parse_swept("in_flight=10"))
    with pytest.raises(UsageError, match="leave one out"):
        fan_out("rate=1,2", rate_per_s=5.0)


# -- what was sustained ---------------------------------------------------------------------------------------------

OF = fan_out("rate=100,200,400")
FIGURES = {LAG: 0.2, "offered_in_time": 1.0, "acknowledged_in_time": 1.0, "delivered_in_time": 1.0, P99: 20.0}


def planted(value: float = 0.0, repeat: int = 1, **changes: Any) -> Result:
    """Three values that one broker sustains in every run, but for what is changed in one run of one value."""
    result = make_result(hostile=False)
    result.repeats = REPEATS
    result.brokers = [BrokerColumn(name="pylog", label="pylog")]
    result.workloads, result.runs, result.measures, result.verdicts, result.cells = result.workloads[:1], [], [], [], []
    for rate, loaded in zip(OF.swept.values, OF.workloads, strict=True):
        name = loaded.workload.name
        for number in range(REPEATS):
            mine = changes if (rate, number) == (value, repeat) else {}
            result.runs.append(_run(name, number, mine))
            result.measures += _measures(name, number, mine)
            result.verdicts.append(_verdict(name, number, mine.get("lost", 0), mine.get("doubt", False)))
        result.cells.append(
            Cell(workload=name, broker="pylog", metric=P99, phase="paced", state=State.WORSE, value=20.0, low=19.0, high=25.0,
                 interval="range of 2 runs", unit="ms", n=2, ratio=2.0)
        )  # fmt: skip
    return result


def _run(name: str, repeat: int, mine: dict[str, Any]) -> RunRecord:
    phase = PhaseRecord(index=1, name="paced", kind="paced", start_s=0, end_s=1, drained=mine.get("drained", True))
    return RunRecord(workload=name, broker="pylog", repeat=repeat, order=0, seed=1, state=mine.get("state", "done"),
                     error=mine.get("error", ""), seconds=1.0, history="x", phases=[phase])  # fmt: skip


def _measures(name: str, repeat: int, mine: dict[str, Any]) -> list[Measure]:
    return [
        Measure(workload=name, broker="pylog", repeat=repeat, metric=metric, phase="paced", value=mine.get(metric, value),
                unit="", better="lower", state="lower_bound" if mine.get("client_bound") else "ok",
                reason="client-bound: tired" if mine.get("client_bound") else "")
        for metric, value in FIGURES.items()
        if mine.get(metric, value) is not None
    ]  # fmt: skip


def _verdict(name: str, repeat: int, lost: int, doubt: bool) -> Verdict:
    validity = Validity.INVALID if lost else Validity.UNKNOWN if doubt else Validity.VALID
    return Verdict(checker="durability", workload=name, broker="pylog", repeat=repeat, validity=validity, promised=True,
                   rule="", summary="not sure" if doubt else "told", counts={"lost": lost})  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lost": 3}, "3 acknowledged messages lost"),
        ({"drained": False}, "not worked off within 30 s"),
        ({"offered_in_time": 0.5}, "only 50 % of what was offered went out in time"),
        ({"acknowledged_in_time": 0.9899}, "only 98.9 % of what was offered was acknowledged"),
        ({"delivered_in_time": 0.9}, "only 90 % of what was offered had come to every group"),
        ({P99: 101.0}, "p99 was 101 ms, above the limit of 100 ms"),
    ],
)
def test_one_bad_run_is_enough_and_the_answer_is_an_interval(changes: dict[str, Any], words: str) -> None:
    sweep = sweep_of(planted(400.0, **changes), OF, 100.0)
    (answer,) = sweep.answers
    assert (answer.kind, answer.highest, answer.first) == ("interval", 200.0, 400.0)
    assert words in answer.reason
    assert "in 1 of 2 runs" in answer.reason
    assert [point.held for point in sweep.points] == ["sustained", "sustained", "not_sustained"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({LAG: 1.5, "delivered_in_time": 0.5}, "load generator itself was 1.5 ms late"),
        ({"delivered_in_time": 0.5, "client_bound": True}, "client-bound: tired"),
        ({"doubt": True}, "whether anything was lost cannot be told"),
        ({"delivered_in_time": None}, "no figure of delivered in time"),
        ({P99: None}, "too few messages for a p99"),
        ({"state": "failed", "error": "no memory\nmore"}, "failed: no memory"),
    ],
)
def test_what_is_not_the_brokers_doing_is_neither_yes_nor_no(changes: dict[str, Any], words: str) -> None:
    (answer,) = sweep_of(planted(400.0, **changes), OF, 100.0).answers
    assert (answer.kind, answer.highest, answer.first) == ("bound", 200.0, None)
    assert words in answer.reason


def test_all_none_and_what_does_not_fit() -> None:
    (answer,) = sweep_of(planted(), OF, 100.0).answers
    assert (answer.kind, answer.highest, answer.first) == ("all", 400.0, None)
    (answer,) = sweep_of(planted(100.0, lost=1), OF).answers
    assert (answer.kind, answer.highest, answer.first) == ("none", None, 100.0)
    assert "200 msg/s, 400 msg/s was sustained all the same" in answer.remark
    (answer,) = sweep_of(planted(100.0, **{LAG: 2.0}), OF).answers
    assert (answer.kind, answer.highest) == ("all", 400.0)
    assert "of 100 msg/s nothing can be said" in answer.remark


def test_runs_that_did_not_take_place_sustain_nothing() -> None:
    result = planted()
    result.runs = [run for run in result.runs if run.repeat == 0]
    (answer,) = sweep_of(result, OF).answers
    assert (answer.kind, answer.reason) == ("unknown", "only 1 of 2 runs took place")
    result.brokers = [BrokerColumn(name="pylog", label="pylog", state="not_run", reason="not here")]
    (answer,) = sweep_of(result, OF).answers
    assert (answer.kind, answer.reason) == ("unknown", "not run: not here")


def test_a_figure_is_the_cell_without_its_comparison() -> None:
    sweep = sweep_of(planted(), OF)
    figure = sweep.points[0].figures["latency_p99"]
    assert (figure.value, figure.low, figure.high, figure.n, figure.state) == (20.0, 19.0, 25.0, 2, State.MEASURED)
    assert sweep.points[0].figures["broker_cpu"].value is None
    assert sweep.points[0].figures["broker_cpu"].reason


# -- end to end -----------------------------------------------------------------------------------------------------


def test_a_sweep_from_the_command_line_to_its_page(tmp_path: Path) -> None:
    flags = ["-b", "memory", "-n", "1", "--duration", "600ms", "--warm-up", "200ms", "-o", "out", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", "sweep", "password_reset", "-P", "rate=100,50", *flags],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["document"], document["version"]) == ("sweep", 1)
    sweep = Sweep.model_validate(document["sweep"])
    assert sweep == Sweep.model_validate_json((tmp_path / "out" / "sweep.json").read_text())
    assert sweep.values == [50.0, 100.0]
    assert [point.runs for point in sweep.points] == [1, 1]
    assert all(point.figures["latency_p50"].value for point in sweep.points)
    assert [round(point.figures["throughput_out"].value or 0) for point in sweep.points] == [50, 100]
    assert (tmp_path / "out" / "sweep.html").exists()
    assert (tmp_path / "out" / "report.html").exists()
