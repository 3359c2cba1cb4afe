"""Sentences: what decides, with numbers; what is missing, by name."""

from __future__ import annotations

import pytest

from harness.model.result import Result, State
from harness.model.verdict import Validity
from harness.reporting.answers import answer, answer_of
from tests.reporting.factory import RAN, make_result


@pytest.fixture
def result() -> Result:
    return make_result(hostile=False)


def test_an_impossible_need_decides(result: Result) -> None:
    found = answer(result, "clickstream_fanout")
    assert found.headline.startswith("Replay decides: kafka and pylog can, rabbitmq cannot (a queue forgets")


def test_a_broken_promise_decides_before_anything_else(result: Result) -> None:
    result.verdicts = [
        v.model_copy(update={"validity": Validity.INVALID, "counts": {"lost": 4}})
        if (v.checker, v.broker, v.workload, v.repeat) == ("durability", "kafka", "clickstream_fanout", 0)
        else v
        for v in result.verdicts
    ]
    found = answer(result, "clickstream_fanout")
    assert found.headline.startswith(
        "A broken promise decides: kafka had 4 messages acknowledged and lost (1 of 3 runs); "
    )
    assert "pylog and rabbitmq had none" in found.headline
    assert any(text.startswith("Replay decides") for text in found.sentences)
    assert not any("kafka, pylog and rabbitmq lost nothing" in text for text in found.sentences)


def test_the_largest_difference_comes_first_with_its_interval(result: Result) -> None:
    found = answer(result, "priority_tasks")
    assert found.headline.startswith("Urgent wait p95 against kafka's 402")
    assert "rabbitmq is better with 21.0\u00a0ms (0.0522×, 0.0475–0.0585)" in found.headline
    assert "pylog is within noise" in found.headline


def test_all_within_noise_is_an_answer(result: Result) -> None:
    result.capabilities = []
    for cell in result.cells:
        if cell.state in (State.BETTER, State.WORSE):
            cell.state = State.WITHIN_NOISE
    text = answer(result, "priority_tasks").headline
    assert "within noise" in text
    assert "better" not in text


def test_durability_names_tier_and_extent(result: Result) -> None:
    text = answer_of(result, "priority_tasks")
    assert (
        "Killed with −9 under load at tier D1, kafka, pylog and rabbitmq lost nothing acknowledged (3 runs each, at least 32,874"
        in text
    )


def test_a_kill_that_did_not_bite_is_not_called_a_kill(result: Result) -> None:
    for run in result.runs:
        run.faults = []
    assert "At tier D1, without a kill that bit, " in answer_of(result, "priority_tasks")


def test_other_faults_are_named_and_counted(result: Result) -> None:
    for run in result.runs:
        for fault in run.faults:
            fault.kind = "cut"
    assert "Through 3 cuts of the link at tier D1, kafka, pylog and rabbitmq lost" in answer_of(
        result, "priority_tasks"
    )


def test_what_was_not_run_is_named_with_its_reason(result: Result) -> None:
    for name in ("clickstream_fanout", "priority_tasks", "password_reset"):
        assert "activemq was not run: ActiveMQ is not on this machine." in answer_of(result, name)


def test_invalid_and_bounded_figures_are_named(result: Result) -> None:
    assert "is invalid: generator lag p99 was 4.2 ms" in answer_of(result, "password_reset")
    assert "is a lower bound: the client used 97 % of a core" in answer_of(result, "clickstream_fanout")


def test_unknown_verdicts_are_told(result: Result) -> None:
    assert "Unknown for pylog: “dead letters” (not drained within 30 s)." in answer_of(result, "priority_tasks")


def test_nothing_measured(result: Result) -> None:
    result.cells, result.verdicts, result.runs = [], [], []
    found = answer(result, "priority_tasks")
    assert found.headline == "Nothing was measured, so there is no answer."
    assert len(found.sentences) == len(RAN) + 1


def test_a_single_broker_is_compared_with_nothing(result: Result) -> None:
    result.brokers = result.brokers[:1]
    result.capabilities = []
    result.cells = [cell for cell in result.cells if cell.broker == "kafka"]
    assert answer(result, "priority_tasks").headline.startswith("Only kafka ran: it broke no promise")


def test_what_was_never_promised_is_no_broken_promise(result: Result) -> None:
    result.verdicts = [
        v.model_copy(update={"promised": False}) if v.checker == "effectively_once" else v for v in result.verdicts
    ]
    assert "broken promise" not in answer_of(result, "password_reset")


def test_unknown_losses_stand_beside_the_headline(result: Result) -> None:
    result.verdicts = [
        v.model_copy(update={"validity": Validity.UNKNOWN}) if (v.checker, v.broker) == ("durability", "pylog") else v
        for v in result.verdicts
    ]
    found = answer(result, "clickstream_fanout")
    assert found.headline.endswith("; whether pylog lost anything could not be told.")
    assert any("kafka and rabbitmq lost nothing acknowledged" in text for text in found.sentences)


def test_several_offenders_and_emulations_share_a_sentence(result: Result) -> None:
    result.verdicts = [
        v.model_copy(update={"validity": Validity.INVALID, "counts": {"effects_not_once": 3}})
        if (v.checker, v.broker) == ("effectively_once", "kafka")
        else v
        for v in result.verdicts
    ]
    text = answer(result, "password_reset").headline
    assert "kafka (9, in 3 of 3 runs) and rabbitmq (6, in 3 of 3 runs) had messages without effect, or with two" in text
    assert "Emulated for kafka and pylog: priority, expiry and dead-lettering." in answer_of(result, "priority_tasks")
