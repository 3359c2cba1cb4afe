"""Duplicates and who caused them."""

import pytest

from harness.checkers.duplicates import Duplicates
from harness.checkers.redelivery import Redelivery
from harness.model.messages import DispositionKind, Outcome
from harness.model.verdict import Validity
from tests.histories.builder import Story

ABANDON, RETRY = int(DispositionKind.ABANDON), int(DispositionKind.RETRY)
RETRYING = {"groups": {"all": 1}, "retry": {"max": 2, "backoff": ["10ms"]}}


def clean(tmp_path, **parts):
    story = Story(tmp_path, **parts)
    for sequence in range(6):
        story.through(sequence, at=10 * sequence)
    return story


def counts(verdict, *names):
    return {name: verdict.counts[name] for name in names}


def test_a_clean_history_is_valid(tmp_path):
    verdict = clean(tmp_path).verdict(Duplicates)
    assert verdict.validity is Validity.VALID
    assert counts(verdict, "duplicated", "unexplained", "deliveries") == {
        "duplicated": 0,
        "unexplained": 0,
        "deliveries": 6,
    }


def test_an_accepted_message_that_comes_again_is_a_broken_rule(tmp_path):
    story = clean(tmp_path).deliver("all", 2, at=200).settle("all", 2, at=201)
    verdict = story.verdict(Duplicates)
    assert verdict.validity is Validity.INVALID
    assert counts(verdict, "duplicated", "unexplained", "unflagged", "flagged") == {
        "duplicated": 1, "unexplained": 1, "unflagged": 1, "flagged": 0,
    }  # fmt: skip
    assert [row["sequence"] for row in verdict.evidence] == [2]


@pytest.mark.parametrize(("flag", "name"), [(0, "unflagged"), (1, "flagged"), (2, "cannot_say")])
def test_flags_are_counted_as_the_broker_gave_them(tmp_path, flag, name):
    verdict = clean(tmp_path).deliver("all", 2, at=200, redelivered=flag).settle("all", 2, at=201).verdict(Duplicates)
    assert {kind: verdict.counts[kind] for kind in ("unflagged", "flagged", "cannot_say")} == {
        "unflagged": 0, "flagged": 0, "cannot_say": 0, name: 1,
    }  # fmt: skip


def test_what_was_not_settled_may_come_again(tmp_path):
    story = (
        clean(tmp_path)
        .publish(6, at=70)
        .deliver("all", 6, at=72)
        .settle("all", 6, at=73, disposition=ABANDON, effect=0)
    )
    story.deliver("all", 6, at=90, redelivered=1).settle("all", 6, at=91)
    verdict = story.verdict(Duplicates)
    assert verdict.validity is Validity.VALID
    assert counts(verdict, "duplicated", "unsettled", "flagged") == {"duplicated": 1, "unsettled": 1, "flagged": 1}


def test_a_settlement_the_broker_did_not_take_explains_a_duplicate(tmp_path):
    story = clean(tmp_path).change("settle", {"sequence": 3}, outcome=int(Outcome.INFO))
    story.deliver("all", 3, at=200).settle("all", 3, at=201)
    assert story.verdict(Duplicates).counts["unsettled"] == 1


def test_a_resend_explains_as_many_duplicates_as_it_sent(tmp_path):
    story = clean(tmp_path).publish(2, at=100, attempt=1).change("publish", {"sequence": 2, "attempt": 0}, outcome=2)
    story.deliver("all", 2, at=102).settle("all", 2, at=103)
    verdict = story.verdict(Duplicates)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["resend"] == 1
    story = (
        clean(tmp_path / "b").publish(2, at=100, attempt=1).change("publish", {"sequence": 2, "attempt": 0}, outcome=2)
    )
    for at in (102, 112):
        story.deliver("all", 2, at=at).settle("all", 2, at=at + 1)
    assert story.verdict(Duplicates).counts["unexplained"] == 1


def test_a_first_attempt_that_failed_explains_nothing(tmp_path):
    story = clean(tmp_path).publish(2, at=100, attempt=1).change("publish", {"sequence": 2, "attempt": 0}, outcome=1)
    story.deliver("all", 2, at=102).settle("all", 2, at=103)
    assert story.verdict(Duplicates).validity is Validity.INVALID


def test_a_kill_explains_what_comes_again_after_it_and_not_before(tmp_path):
    story = clean(tmp_path).kill(at=100).deliver("all", 2, at=150, redelivered=1).settle("all", 2, at=151)
    verdict = story.verdict(Duplicates)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["unrest"] == 1
    story = clean(tmp_path / "b").kill(at=100).deliver("all", 2, at=90).settle("all", 2, at=91)
    assert story.verdict(Duplicates).validity is Validity.INVALID


def test_what_a_client_still_had_when_the_broker_was_dead_may_come_again(tmp_path):
    story = clean(tmp_path).kill(at=50).publish(6, at=40).deliver("all", 6, at=60).settle("all", 6, at=61)
    story.deliver("all", 6, at=700).settle("all", 6, at=701)
    assert story.verdict(Duplicates).counts["unrest"] == 1


def test_a_lost_connection_explains_until_it_is_there_again(tmp_path):
    for again, validity in ((90, Validity.VALID), (60, Validity.INVALID)):
        story = clean(tmp_path / str(again)).publish(6, at=70).deliver("all", 6, at=80).settle("all", 6, at=81)
        story.event("connection_lost", at=5, role="subscriber", error="reset")
        story.event("connected_again", at=10, role="subscriber", seconds=0.005)
        story.event("connection_lost", at=50, role="subscriber", error="reset")
        story.event("connected_again", at=again, role="subscriber", seconds=0.04)
        verdict = story.deliver("all", 6, at=200).settle("all", 6, at=201).verdict(Duplicates)
        assert verdict.validity is validity


def test_retries_are_no_duplicates(tmp_path):
    story = clean(tmp_path, needs=RETRYING).publish(6, at=70, failures=1)
    story.deliver("all", 6, at=72).settle("all", 6, at=73, disposition=RETRY, failed=1, effect=0)
    story.deliver("all", 6, at=90, attempt=1).settle("all", 6, at=91)
    verdict = story.verdict(Duplicates)
    assert verdict.validity is Validity.VALID
    assert counts(verdict, "duplicated", "retries", "flagged", "unflagged") == {
        "duplicated": 0, "retries": 1, "flagged": 0, "unflagged": 0,
    }  # fmt: skip


def test_an_empty_or_cut_history_is_unknown(tmp_path):
    assert Story(tmp_path).verdict(Duplicates).validity is Validity.UNKNOWN
    story = clean(tmp_path / "cut")
    story.meta.complete = False
    assert story.verdict(Duplicates).validity is Validity.UNKNOWN


def abandoned(folder):
    story = clean(folder).publish(6, at=70).deliver("all", 6, at=72)
    return story.settle("all", 6, at=73, disposition=ABANDON, effect=0, outcome=2)


def test_redelivery_clean(tmp_path):
    story = abandoned(tmp_path).deliver("all", 6, at=90, member=0, incarnation=1).settle("all", 6, at=91, incarnation=1)
    verdict = story.verdict(Redelivery)
    assert verdict.validity is Validity.VALID
    assert counts(verdict, "abandoned", "came_back", "unfinished") == {"abandoned": 1, "came_back": 1, "unfinished": 0}


def test_redelivery_that_never_comes_is_found(tmp_path):
    verdict = abandoned(tmp_path).verdict(Redelivery)
    assert verdict.validity is Validity.INVALID
    assert verdict.counts["unfinished"] == 1
    assert verdict.evidence[0]["sequence"] == 6


def test_a_delivery_without_any_settlement_is_unfinished(tmp_path):
    assert clean(tmp_path).drop("settle", sequence=4).verdict(Redelivery).counts["unfinished"] == 1


def test_redelivery_is_unknown_without_drain(tmp_path):
    story = abandoned(tmp_path)
    story.meta.phases[-1].drained = False
    verdict = story.verdict(Redelivery)
    assert verdict.validity is Validity.UNKNOWN
    assert (verdict.counts["unfinished"], verdict.counts["open"]) == (0, 1)
