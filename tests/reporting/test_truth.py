"""Sentences and figures of a report that the cells beside them must bear out."""

from __future__ import annotations

import pytest

from harness.model.result import UNDECIDED, Curve, Result, State
from harness.model.verdict import Validity
from harness.reporting import notation
from harness.reporting.answers import answer
from harness.reporting.faults import evidence_table
from harness.reporting.figures.base import Drawing
from harness.reporting.figures.collect import FATES, LATENCIES, RECOVERY, FigureSection, figure_sections
from harness.reporting.figures.dots import dots
from harness.reporting.figures.durability import durability
from harness.reporting.figures.latency import latency
from harness.reporting.figures.ratios import forest
from harness.reporting.figures.timeline import recovery, waits
from harness.reporting.html import render_html
from harness.reporting.page import page_of
from harness.reporting.palette import marks
from harness.reporting.scorecard import judged, rule_row
from harness.reporting.states import look
from tests.reporting.factory import NAMES, make_result

FANOUT, TASKS, MAILS = NAMES


@pytest.fixture
def result() -> Result:
    return make_result()


def drawing_of(result: Result) -> Drawing:
    return Drawing(result, marks([column.name for column in result.brokers]))


def section(result: Result, name: str) -> FigureSection:
    return next(one for one in figure_sections(drawing_of(result)) if one.id == name)


def test_figures_in_common_are_not_denied_where_one_pair_gives_no_ratio(result: Result) -> None:
    for cell in result.cells:
        cell.ratio = None
        if cell.broker != "kafka":
            cell.state, cell.reason = State.NOT_COMPARABLE, "one pair of runs"
    empty = section(result, "ratios").empty
    assert "in common" not in empty
    assert empty.endswith(": one pair of runs.")


def test_undecided_is_not_called_within_noise(result: Result) -> None:
    for cell in result.cells:
        if cell.workload == TASKS and cell.state is State.WITHIN_NOISE:
            cell.reason = f"the 3 paired ratios do not all lie outside the noise (0.90-1.11): {UNDECIDED}"
    found = answer(result, TASKS)
    assert "pylog is undecided" in found.headline
    assert "within noise" not in found.text
    assert "undecided" in look(State.WITHIN_NOISE).meaning


def test_a_lower_bound_is_not_always_the_clients_end(result: Result) -> None:
    meaning = look(State.LOWER_BOUND).meaning
    assert "the run ended before" in meaning
    assert "can do" not in meaning


def test_the_chance_that_many_trials_leave_is_never_zero() -> None:
    assert notation.percent(1 - 0.05 ** (1 / 1000)) == "0.3\u202f%"
    assert notation.percent(0.0) == "0\u202f%"
    assert notation.percent(0.95) == "95\u202f%"


@pytest.mark.parametrize(
    ("checker", "counts", "number"),
    [
        ("expiry", {"expired_delivered": 3, "expired_early": 40}, 43),
        ("dead_letter", {"dead_letter_missing": 1, "dead_letter_wrong": 2}, 3),
        ("ordering", {"reordered_within_key": 2, "reordered_within_partition": 500}, 500),
    ],
)
def test_every_way_of_breaking_a_rule_counts(result: Result, checker: str, counts: dict[str, int], number: int) -> None:
    verdict = result.verdicts[0].model_copy(
        update={"checker": checker, "counts": counts, "validity": Validity.INVALID, "workload": "w", "broker": "b"}
    )
    result.verdicts = [verdict]
    one = judged(result, "w", checker, "b")
    assert one is not None
    assert one.broken == number


def test_dead_letters_are_not_drawn_as_delivered(result: Result) -> None:
    counts = {"lost": 1, "undelivered": 1, "acknowledged": 100, "delivered": 88}
    result.verdicts = [
        v.model_copy(update={"counts": counts}) if v.checker == "durability" else v for v in result.verdicts
    ]
    figure = durability(drawing_of(result), TASKS, "D1", FATES)
    assert figure is not None
    row = dict(zip(figure.table.columns, figure.table.rows[0], strict=True))
    assert (row["delivered"], row["set aside or expired unread"], row["lost"]) == ("264", "33", "3")


def test_a_run_without_a_kill_is_not_said_to_have_one(result: Result) -> None:
    assert section(result, "durability").lead.startswith("Every run kills the broker")
    result.runs[0].faults = []
    assert section(result, "durability").lead.startswith("25 of 26 runs killed")
    for run in result.runs:
        run.faults = []
    assert "no broker was killed" in section(result, "durability").lead


def test_an_invalid_curve_is_called_so(result: Result) -> None:
    kind = LATENCIES[0]
    calm = latency(drawing_of(result), FANOUT, kind)
    assert calm is not None
    assert "(invalid)" not in calm.sentence
    for cell in result.cells:
        if cell.broker == "kafka" and cell.metric.startswith("end_to_end"):
            cell.state = State.INVALID
    figure = latency(drawing_of(result), FANOUT, kind)
    assert figure is not None
    assert figure.sentence.count("(invalid)") == 1


def test_the_slowest_to_come_back_may_not_have_come_back(result: Result) -> None:
    for cell in result.cells:
        if (cell.broker, cell.metric) == ("rabbitmq", RECOVERY[0]):
            cell.state = State.LOWER_BOUND
    figure = dots(drawing_of(result), "back", FANOUT, RECOVERY)
    assert figure is not None
    assert "highest for rabbitmq with at least 3.90" in figure.sentence


def test_evidence_that_is_empty_is_not_shown(result: Result) -> None:
    result.runs[0].faults[0].evidence["process_state"] = ""
    assert not any("process state" in row[-1] for row in evidence_table(result, {}).rows)


def test_the_words_of_one_run_are_not_given_for_all(result: Result) -> None:
    found = rule_row(result, MAILS, "effectively_once")
    assert found is not None
    cell = found.cells["rabbitmq"]
    assert cell.figure == "6"
    assert cell.told.startswith("one of 3 runs: 2 mails were sent twice")
    result.verdicts = [verdict for verdict in result.verdicts if verdict.repeat == 0]
    single = rule_row(result, MAILS, "effectively_once")
    assert single is not None
    assert single.cells["rabbitmq"].told.startswith("2 mails")


def test_a_broker_that_failed_is_not_said_to_have_been_left_out(result: Result) -> None:
    for run in result.runs:
        if (run.workload, run.broker) == (MAILS, "rabbitmq"):
            run.state, run.error = "failed", "the broker died"
    result.cells = [cell for cell in result.cells if (cell.workload, cell.broker) != (MAILS, "rabbitmq")]
    assert "rabbitmq failed and gave no figure: the broker died." in answer(result, MAILS).text


def test_who_never_came_back_is_not_left_out(result: Result) -> None:
    curve = Curve(
        workload=FANOUT, broker="kafka", repeat=0, kind="rate", x=[5.0, 6.0], y=[1.0, 0.0], x_unit="s", y_unit="msg/s"
    )
    result.curves = [curve, curve.model_copy(update={"broker": "pylog"})]
    result.runs[0].faults[0].first_acknowledged_s = None
    assert (result.runs[0].workload, result.runs[0].broker) == (FANOUT, "kafka")
    figure = recovery(drawing_of(result), FANOUT, "rate", "acknowledged")
    assert figure is not None
    assert "acknowledged again: pylog after 310" in figure.sentence
    assert figure.sentence.endswith("Not seen again: an acknowledgement by kafka.")
    result.runs[0].faults[0].bit = False
    again = recovery(drawing_of(result), FANOUT, "rate", "acknowledged")
    assert again is not None
    assert "kafka" not in again.sentence


def test_waits_that_the_generator_spoilt_are_called_invalid(result: Result) -> None:
    curve = Curve(
        workload=MAILS,
        broker="rabbitmq",
        repeat=0,
        kind="wait",
        label="vip",
        x=[1.0],
        y=[1.0],
        x_unit="ms",
        y_unit="share",
    )
    result.curves = [curve]
    (figure,) = waits(drawing_of(result), MAILS, "wait")
    assert figure.sentence.endswith("Invalid: generator lag p99 was 4.2 ms: generator-bound.")


def test_the_forest_counts_the_undecided_apart(result: Result) -> None:
    cells = [cell for cell in result.cells if cell.workload == TASKS and cell.state is State.WITHIN_NOISE]
    cells[0].reason = f"the interval reaches into the noise: {UNDECIDED}"
    figure = forest(drawing_of(result), TASKS)
    assert figure is not None
    assert "within the noise (1 of them undecided)" in figure.sentence


def test_brokers_of_which_one_is_undecided_are_told_apart(result: Result) -> None:
    result.capabilities, result.verdicts = [], []
    result.cells = [cell for cell in result.cells if cell.workload == TASKS and cell.metric == "wait_normal_p95"]
    for cell in result.cells:
        if cell.broker != "kafka":
            cell.state = State.WITHIN_NOISE
            cell.reason = UNDECIDED if cell.broker == "rabbitmq" else "all lie within"
    assert answer(result, TASKS).headline == "Normal wait p95: pylog is within noise, rabbitmq is undecided."


def test_the_rate_of_a_flood_is_that_of_the_time_it_took(result: Result) -> None:
    for run in result.runs:
        flood = next(phase for phase in run.phases if phase.kind == "flood")
        flood.end_s, flood.offered_per_s = flood.start_s + 2.0, 9120.0  # as if it had ended when planned
    rows = page_of(result).workloads[0].phases.rows
    row = next(row for row in rows if row[2] == "closed loop")
    assert (row[3], row[4], row[5]) == ("2.00\u00a0s", "4,560\u00a0msg/s", "9,120")


def test_a_broker_that_ran_before_is_not_called_fresh(result: Result) -> None:
    assert "on an empty folder, and the brokers take turns" in render_html(result)
    result.brokers[0].backend = "external"
    text = render_html(result)
    assert "on an empty folder (but for kafka, which ran before and was only connected to), and the brokers" in text


def test_a_number_that_is_exact_is_not_called_a_bound(result: Result) -> None:
    for verdict in result.verdicts:
        if verdict.checker == "durability":
            verdict.counts["acknowledged"] = 100 if verdict.broker == "kafka" else 200
    assert "lost nothing acknowledged (3 runs each, at least 300 acknowledged messages)" in answer(result, TASKS).text
    result.brokers = [column for column in result.brokers if column.name == "kafka"]
    assert "kafka lost nothing acknowledged (3 runs, 300 acknowledged messages)" in answer(result, TASKS).text
