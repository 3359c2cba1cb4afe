"""The scorecard: never blank, each state where it belongs."""

from __future__ import annotations

import pytest

from harness.model.result import Result, State
from harness.model.verdict import NEVER_KILLED, Validity
from harness.reporting.scorecard import ScoreRow, rows_of, scorecard
from harness.reporting.states import LOOKS
from tests.reporting.factory import BROKERS, make_result


@pytest.fixture
def result() -> Result:
    return make_result()


def row(result: Result, workload: str, key: str) -> ScoreRow:
    return next(row for row in rows_of(result, workload) if row.key == key)


def test_every_cell_of_every_row_is_filled(result: Result) -> None:
    for rows in scorecard(result).values():
        assert rows
        for one in rows:
            assert list(one.cells) == list(BROKERS)
            for cell in one.cells.values():
                assert cell.figure
                assert cell.word
                assert cell.state in State


def test_an_empty_result_still_has_a_scorecard(result: Result) -> None:
    result.cells, result.verdicts = [], []
    assert scorecard(result) == {record.name: [] for record in result.workloads}


def test_every_state_has_its_own_word_and_shape() -> None:
    assert set(LOOKS) == set(State)
    assert len({look.word for look in LOOKS.values()}) == len(State)
    assert len({look.glyph for look in LOOKS.values()}) == len(State)
    assert len({look.icon for look in LOOKS.values()}) == len(State)


@pytest.mark.parametrize(
    ("workload", "key", "broker", "state"),
    [
        ("clickstream_fanout", "end_to_end_latency_p99", "kafka", State.MEASURED),
        ("clickstream_fanout", "end_to_end_latency_p99", "pylog", State.BETTER),
        ("clickstream_fanout", "end_to_end_latency_p99", "rabbitmq", State.WITHIN_NOISE),
        ("clickstream_fanout", "throughput_delivered", "rabbitmq", State.WORSE),
        ("clickstream_fanout", "throughput_delivered", "pylog", State.LOWER_BOUND),
        ("clickstream_fanout", "replay", "rabbitmq", State.UNSUPPORTED),
        ("clickstream_fanout", "durability", "activemq", State.NOT_RUN),
        ("password_reset", "wait_vip_p95", "rabbitmq", State.INVALID),
        ("password_reset", "recovery_first_acknowledged", "rabbitmq", State.NOT_COMPARABLE),
        ("password_reset", "effectively_once", "rabbitmq", State.INVALID),
        ("priority_tasks", "dead_letter", "pylog", State.NOT_COMPARABLE),
    ],
)
def test_states(result: Result, workload: str, key: str, broker: str, state: State) -> None:
    assert row(result, workload, key).cells[broker].state is state


def test_an_invalid_figure_is_struck_and_has_its_reason(result: Result) -> None:
    cell = row(result, "password_reset", "wait_vip_p95").cells["rabbitmq"]
    assert cell.struck
    assert "generator" in cell.reason


def test_the_baseline_is_called_that(result: Result) -> None:
    assert row(result, "clickstream_fanout", "end_to_end_latency_p99").cells["kafka"].word == "baseline"


def test_a_missing_metric_says_why(result: Result) -> None:
    result.cells = [
        cell
        for cell in result.cells
        if (cell.workload, cell.broker, cell.metric) != ("password_reset", "rabbitmq", "wait_vip_p95")
    ]
    cell = row(result, "password_reset", "wait_vip_p95").cells["rabbitmq"]
    assert cell.state is State.NOT_RUN
    assert "the broker died" in cell.reason
    assert cell.next_command == "harness broker logs rabbitmq"


def test_counts_of_repeats_add_up_and_the_worst_wins(result: Result) -> None:
    found = [
        v for v in result.verdicts if (v.checker, v.broker, v.workload) == ("durability", "kafka", "password_reset")
    ]
    broken = found[1].model_copy(update={"validity": Validity.INVALID, "counts": {"lost": 5}})
    result.verdicts = [broken if verdict is found[1] else verdict for verdict in result.verdicts]
    cell = row(result, "password_reset", "durability").cells["kafka"]
    assert (cell.state, cell.figure, cell.interval) == (State.INVALID, "5", "1 of 3 runs")


def test_broken_but_never_promised_is_a_finding(result: Result) -> None:
    result.verdicts = [
        v.model_copy(update={"promised": False}) if v.checker == "effectively_once" else v for v in result.verdicts
    ]
    cell = row(result, "password_reset", "effectively_once").cells["rabbitmq"]
    assert (cell.state, cell.word) == (State.NOT_COMPARABLE, "never promised")


def test_an_unknown_workload_gets_the_general_rows(result: Result) -> None:
    for cell in result.cells:
        cell.workload = cell.workload.replace("priority_tasks", "my_own")
    result.workloads[1].name = "my_own"
    assert [one.key for one in rows_of(result, "my_own")][:2] == ["end_to_end_latency_p99", "throughput_delivered"]


def test_a_rule_that_held_counts_nothing_else(result: Result) -> None:
    counts = {"reordered_within_key": 0, "reordered_within_partition": 0, "reordered_globally": 812}
    result.verdicts = [
        v.model_copy(update={"counts": counts}) if v.checker == "ordering" else v for v in result.verdicts
    ]
    assert row(result, "clickstream_fanout", "ordering").cells["kafka"].figure == "0"
    broken = counts | {"reordered_within_partition": 7}
    result.verdicts = [
        v.model_copy(update={"counts": broken, "validity": Validity.INVALID}) if v.checker == "ordering" else v
        for v in result.verdicts
    ]
    assert row(result, "clickstream_fanout", "ordering").cells["kafka"].figure == "21"


def test_a_broker_of_others_says_that_it_was_not_killed(result: Result) -> None:
    """Neither a figure nor a verdict stands where a kill would have given one."""
    next(column for column in result.brokers if column.name == "rabbitmq").backend = "external"
    for run in result.runs:
        run.state = "done"
    result.cells = [c for c in result.cells if (c.broker, c.metric) != ("rabbitmq", "recovery_first_acknowledged")]
    result.verdicts = [
        v.model_copy(update={"validity": Validity.UNKNOWN, "summary": f"{NEVER_KILLED}, so survival was not tested"})
        if (v.broker, v.checker) == ("rabbitmq", "durability")
        else v
        for v in result.verdicts
    ]
    for key in ("recovery_first_acknowledged", "durability"):
        cell = row(result, "password_reset", key).cells["rabbitmq"]
        assert (cell.state, cell.figure) == (State.NOT_RUN, "not run")
        assert cell.reason.startswith("not run: an external broker is never killed")
