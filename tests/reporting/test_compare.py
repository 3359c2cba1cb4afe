"""Comparing two results: what differs, what is refused, and what a ratio is worth."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from harness.errors import ResultError
from harness.model.result import LoadRecord, ParityRow, Result, State
from harness.reporting.compare import RatioRow, as_document, compare, render, render_markdown
from tests.reporting.factory import NAMES, make_result


@pytest.fixture
def pair() -> tuple[Result, Result]:
    return make_result(), make_result()


def row(a: Result, b: Result, metric: str, broker: str = "kafka", workload: str = NAMES[0]) -> RatioRow:
    found = compare(a, b).rows
    return next(r for r in found if (r.workload, r.broker, r.metric) == (workload, broker, metric))


def scale(result: Result, metric: str, factor: float) -> None:
    for cell in result.cells:
        if cell.metric == metric and cell.value is not None and cell.low is not None and cell.high is not None:
            cell.value, cell.low, cell.high = cell.value * factor, cell.low * factor, cell.high * factor


def test_a_result_equals_itself(pair: tuple[Result, Result]) -> None:
    comparison = compare(*pair)
    assert comparison.differences == ()
    assert comparison.left_out == ()
    usable = [r for r in comparison.rows if r.ratio is not None]
    assert usable
    assert all(r.state is State.WITHIN_NOISE and r.ratio == 1.0 for r in usable)


def test_a_change_beyond_noise_is_better_or_worse(pair: tuple[Result, Result]) -> None:
    a, b = pair
    scale(b, "publish_latency_p50", 3.0)
    scale(b, "throughput_acknowledged", 3.0)
    assert row(a, b, "publish_latency_p50").state is State.WORSE
    assert row(a, b, "throughput_acknowledged").state is State.BETTER
    found = row(a, b, "publish_latency_p50")
    assert found.ratio == pytest.approx(3.0)
    assert found.ratio_low is not None
    assert found.ratio_high is not None
    assert found.ratio_low < 3.0 < found.ratio_high


def test_a_change_that_reaches_into_the_noise_is_none(pair: tuple[Result, Result]) -> None:
    a, b = pair
    scale(b, "publish_latency_p50", 1.12)
    assert row(a, b, "publish_latency_p50").state is State.WITHIN_NOISE


def test_invalid_and_bounded_figures_have_no_ratio(pair: tuple[Result, Result]) -> None:
    a, b = pair
    found = row(a, b, "wait_vip_p95", "rabbitmq", "password_reset")
    assert (found.state, found.ratio) == (State.INVALID, None)
    assert "generator" in found.reason
    assert row(a, b, "throughput_delivered", "pylog").state is State.LOWER_BOUND


def test_units_and_zeros_forbid_a_ratio(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.cells[0].unit = "s"
    assert "units differ" in row(a, b, b.cells[0].metric).reason
    a, b = make_result(), make_result()
    b.cells[0].value = 0.0
    assert row(a, b, b.cells[0].metric).state is State.NOT_COMPARABLE


def test_another_tier_is_refused(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for record in b.workloads:
        record.tier = "D2"
    with pytest.raises(ResultError, match="durability tier D1 against D2") as caught:
        compare(a, b)
    assert caught.value.exit_code == 4


def test_another_workload_text_is_refused(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for record in b.workloads:
        record.sha256 = "cd" * 32
    with pytest.raises(ResultError, match="the workload differs"):
        compare(a, b)


def test_one_of_several_is_left_out_by_name(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.workloads[0].sha256 = "cd" * 32
    comparison = compare(a, b)
    assert len(comparison.left_out) == 1
    assert NAMES[0] in comparison.left_out[0]
    assert {r.workload for r in comparison.rows} == set(NAMES[1:])


def test_nothing_in_common_is_refused(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for record in b.workloads:
        record.name += "_other"
    with pytest.raises(ResultError, match="no workload in common"):
        compare(a, b)
    a, b = make_result(), make_result()
    b.cells = []
    with pytest.raises(ResultError, match="no broker and figure in common"):
        compare(a, b)


def test_differences_are_listed_by_kind(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.fingerprint.cores = 64
    b.fingerprint.load_before = 9.0
    b.fingerprint.clients = {"pika": "2.0.0"}
    b.brokers[0].version = "4.2.0"
    b.brokers[0].settings = {"num.partitions": "8"}
    comparison = compare(a, b)
    kinds = {d.what: d.weight for d in comparison.differences}
    assert kinds["cores"] == "environment"
    assert kinds["load_before"] == "condition"
    assert kinds["client pika"] == kinds["kafka version"] == "version"
    assert kinds["kafka setting num.partitions"] == "setting"
    assert not comparison.same_machine
    assert comparison.brokers_changed


def test_process_against_container_is_another_environment(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.brokers[0].backend = "docker"
    comparison = compare(a, b)
    assert [(d.what, d.weight) for d in comparison.differences] == [("kafka backend", "environment")]
    assert not comparison.same_machine
    assert not comparison.brokers_changed


def test_what_the_adapter_set_otherwise_is_listed_once_for_all_workloads(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for result, value in zip(pair, ("all", "1"), strict=True):
        result.parity = [
            ParityRow(workload=name, setting=setting, values={"kafka": value}, differs=False)
            for name in NAMES
            for setting in ("acks", "server: jvm.heap")
        ]
    found = compare(a, b)
    assert [(d.what, d.first, d.second, d.weight) for d in found.differences] == [("kafka acks", "all", "1", "setting")]
    out = io.StringIO()
    render(found, Console(file=out, width=160, no_color=True))
    assert "versions or settings differ" in out.getvalue()
    assert "> Versions or settings differ" in render_markdown(found)


def test_load_from_elsewhere_and_a_run_cut_short_are_listed(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.runs[0].load = LoadRecord(engine="locust 2.47.0", workers=[])
    b.state = "interrupted"
    kinds = {d.what: d.weight for d in compare(a, b).differences}
    assert kinds == {"state": "condition", "load from": "environment"}


def test_the_noise_of_another_broker_judges_nothing(pair: tuple[Result, Result]) -> None:
    a, b = pair
    scale(b, "publish_latency_p50", 3.0)
    for result in pair:
        for cell in result.cells:
            cell.low = cell.high = None
            cell.per_run = cell.per_run[:1]
    assert row(a, b, "publish_latency_p50").state is State.WORSE  # the floors are kafka's own
    found = row(a, b, "publish_latency_p50", "pylog")
    assert (found.state, found.noise_high) == (State.NOT_COMPARABLE, None)


def test_a_broker_that_varies_more_than_the_baseline_has_that_noise(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for cell in b.cells:
        if (cell.broker, cell.metric) == ("pylog", "publish_latency_p50") and cell.value is not None:
            cell.value *= 1.3
            cell.low = cell.high = None
            cell.per_run = [cell.value, cell.value * 2]
    found = row(a, b, "publish_latency_p50", "pylog")
    assert (found.noise_high, found.state) == (pytest.approx(2.0), State.WITHIN_NOISE)


def test_an_interval_that_reaches_zero_bounds_no_ratio(pair: tuple[Result, Result]) -> None:
    a, b = pair
    for cell in a.cells:
        if cell.metric == "publish_latency_p50":
            cell.low = 0.0
    found = row(a, b, "publish_latency_p50")
    assert (found.state, found.ratio) == (State.NOT_COMPARABLE, None)
    assert "reaches zero" in found.reason


def test_documents(pair: tuple[Result, Result]) -> None:
    a, b = pair
    b.fingerprint.cpu_model = "<b>other</b> [red]"
    comparison = compare(a, b)
    document = json.loads(json.dumps(as_document(comparison)))
    assert document["document"] == "comparison"
    assert document["rows"][0]["state"] == "within_noise"
    out = io.StringIO()
    render(comparison, Console(file=out, width=160, no_color=True))
    assert "different environments" in out.getvalue()
    assert "[red]" in out.getvalue()
    text = render_markdown(comparison)
    assert "\\<b\\>other" in text
    assert "| workload | broker |" in text


def test_single_runs_without_a_noise_floor_prove_nothing(pair: tuple[Result, Result]) -> None:
    a, b = pair
    scale(b, "publish_latency_p50", 3.0)
    for result in pair:
        result.noise = []
        for cell in result.cells:
            cell.low = cell.high = None
            cell.per_run = cell.per_run[:1]
    found = row(a, b, "publish_latency_p50")
    assert found.ratio == pytest.approx(3.0)
    assert found.state is State.NOT_COMPARABLE
    assert "nobody can say" in found.reason


def test_a_noise_floor_alone_can_judge_single_runs(pair: tuple[Result, Result]) -> None:
    a, b = pair
    scale(b, "publish_latency_p50", 3.0)
    for cell in b.cells:
        cell.low = cell.high = None
    assert row(a, b, "publish_latency_p50").state is State.WORSE
