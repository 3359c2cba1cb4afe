"""Damaged payloads, phantoms, fan-out and replay."""

import pytest

from harness.checkers.corruption import Corruption
from harness.checkers.fan_out import FanOut
from harness.checkers.phantom import Phantom
from harness.checkers.replay import Replay
from harness.model.messages import Outcome
from harness.model.verdict import Validity
from tests.histories.builder import Story, at_ns

GROUPS = {"groups": {"a": 1, "b": 1, "c": 1}}
REPLAYED = {
    "needs": {"groups": {"a": 1, "b": 1}, "order": "per_key", "replay": {"group": "b"}},
    "phases": [{"name": "paced", "paced": "100/s", "for": "1s"}, {"name": "again", "replay": True}],
}


def clean(tmp_path, **parts):
    story = Story(tmp_path, **{"needs": GROUPS, **parts})
    for sequence in range(8):
        story.through(sequence, at=10 * sequence, key=sequence % 2, key_sequence=sequence // 2)
    return story


@pytest.mark.parametrize("kind", [Corruption, Phantom, FanOut])
def test_clean_is_valid_and_empty_is_unknown(tmp_path, kind):
    assert clean(tmp_path / "clean").verdict(kind).validity is Validity.VALID
    assert Story(tmp_path / "empty", needs=GROUPS).verdict(kind).validity is Validity.UNKNOWN


def test_a_damaged_payload_is_found(tmp_path):
    verdict = clean(tmp_path).change("deliver", {"sequence": 3, "group": 1}, checksum_ok=0).verdict(Corruption)
    assert verdict.validity is Validity.INVALID
    assert (verdict.counts["corrupted"], verdict.counts["checked"]) == (1, 24)
    assert (verdict.evidence[0]["group"], verdict.evidence[0]["sequence"]) == ("b", 3)


def test_damage_in_the_name_is_corruption_and_no_phantom(tmp_path):
    story = clean(tmp_path).deliver("a", 900_000, at=500, checksum_ok=0)
    assert story.verdict(Corruption).counts["corrupted"] == 1
    assert (
        clean(tmp_path / "b").deliver("a", 900_000, at=500, checksum_ok=0).verdict(Phantom).validity is Validity.VALID
    )


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("unpublished", {"sequence": 99}),
        ("unpublished", {"sequence": 3, "producer": 5}),
        ("foreign", {"sequence": -1, "producer": -1, "checksum_ok": 0}),
    ],
)
def test_what_nobody_sent_is_a_phantom(tmp_path, name, more):
    sequence = more.pop("sequence")
    verdict = clean(tmp_path).deliver("b", sequence, at=500, **more).verdict(Phantom)
    assert verdict.validity is Validity.INVALID
    assert (verdict.counts[name], verdict.counts["phantoms"]) == (1, 1)
    assert verdict.evidence[0]["why"] == name


def test_a_gap_in_our_own_records_is_unknown_and_not_the_brokers_fault(tmp_path):
    verdict = clean(tmp_path).drop("publish", sequence=4).verdict(Phantom)
    assert (verdict.validity, verdict.counts["unrecorded"], verdict.counts["phantoms"]) == (Validity.UNKNOWN, 3, 0)
    assert verdict.evidence[0]["why"] == "unrecorded"
    assert "our side" in verdict.summary


def test_fail_means_that_it_did_not_happen(tmp_path):
    story = clean(tmp_path).publish(8, at=90, outcome=int(Outcome.FAIL)).deliver("a", 8, at=95)
    verdict = story.verdict(Phantom)
    assert (verdict.validity, verdict.counts["failed_but_delivered"]) == (Validity.INVALID, 1)
    unknown = clean(tmp_path / "b").publish(8, at=90, outcome=int(Outcome.INFO)).deliver("a", 8, at=95)
    assert unknown.verdict(Phantom).validity is Validity.VALID


def test_nothing_comes_before_it_was_sent(tmp_path):
    verdict = clean(tmp_path).change("deliver", {"sequence": 5, "group": 0}, received_ns=at_ns(49)).verdict(Phantom)
    assert (verdict.validity, verdict.counts["before_sent"]) == (Validity.INVALID, 1)


def test_in_a_cut_history_a_publish_may_be_missing(tmp_path):
    story = clean(tmp_path).deliver("b", 99, at=500)
    story.meta.complete = False
    assert story.verdict(Phantom).validity is Validity.UNKNOWN


def test_a_group_that_misses_what_others_got_is_found(tmp_path):
    verdict = clean(tmp_path).drop("deliver", sequence=3, group=2).drop("deliver", sequence=4, group=0).verdict(FanOut)
    assert verdict.validity is Validity.INVALID
    assert {name: verdict.counts[name] for name in ("group_incomplete", "missing_a", "missing_b", "missing_c", "complete")} == {
        "group_incomplete": 2, "missing_a": 1, "missing_b": 0, "missing_c": 1, "complete": 6,
    }  # fmt: skip
    assert {(row["group"], row["sequence"], row["groups_reached"]) for row in verdict.evidence} == {
        ("a", 4, 2),
        ("c", 3, 2),
    }


def test_what_came_to_nobody_is_loss_and_not_fan_out(tmp_path):
    assert clean(tmp_path).drop("deliver", sequence=3).verdict(FanOut).validity is Validity.VALID


def test_a_partial_delivery_of_an_unknown_message_is_a_finding(tmp_path):
    story = clean(tmp_path).publish(8, at=90, outcome=int(Outcome.INFO)).deliver("a", 8, at=95)
    verdict = story.verdict(FanOut)
    assert (verdict.validity, verdict.counts["unacknowledged_partial"]) == (Validity.VALID, 1)


def test_fan_out_without_drain_is_unknown_and_one_group_is_not_asked(tmp_path):
    story = clean(tmp_path / "a").drop("deliver", sequence=3, group=2)
    story.meta.phases[-1].drained = False
    assert story.verdict(FanOut).validity is Validity.UNKNOWN
    assert Story(tmp_path / "b").judge([FanOut]).verdicts == []


def replayed(folder, *, order=range(8), **more):
    story = clean(folder, **{**REPLAYED, **more})
    for place, sequence in enumerate(order):
        story.deliver("b", sequence, at=1100 + place, reading=1)
    return story


def test_an_equal_replay_is_valid(tmp_path):
    verdict = replayed(tmp_path).verdict(Replay)
    assert verdict.validity is Validity.VALID
    assert (verdict.counts["first_reading"], verdict.counts["second_reading"]) == (8, 8)


@pytest.mark.parametrize(
    ("order", "counts"),
    [
        ([0, 1, 2, 3, 4, 5, 6], {"missing": 1}),
        ([0, 1, 4, 3, 2, 5, 6, 7], {"reordered": 1}),
        ([1, 0, 3, 2, 5, 4, 7, 6], {}),  # other keys may change places
        ([0, 1, 2, 3, 4, 5, 6, 7, 7], {"twice": 1}),
    ],
)
def test_a_replay_that_differs_is_found(tmp_path, order, counts):
    verdict = replayed(tmp_path, order=order).verdict(Replay)
    differs = sum(count for name, count in counts.items() if name != "twice")
    assert verdict.validity is (Validity.INVALID if differs else Validity.VALID)
    assert verdict.counts["replay_differs"] == differs
    for name, count in counts.items():
        assert verdict.counts[name] == count


def test_the_first_reading_is_the_measure_even_where_it_was_out_of_order(tmp_path):
    story = replayed(tmp_path / "same", order=[0, 1, 4, 3, 2, 5, 6, 7])
    story.change("deliver", {"sequence": 2, "group": 1, "reading": 0}, received_ns=at_ns(45))
    assert story.verdict(Replay).validity is Validity.VALID
    story = replayed(tmp_path / "mended")
    story.change("deliver", {"sequence": 2, "group": 1, "reading": 0}, received_ns=at_ns(45))
    assert story.verdict(Replay).counts["reordered"] == 1


def test_a_damaged_replay_differs_and_one_more_is_a_finding(tmp_path):
    story = replayed(tmp_path / "a").change("deliver", {"sequence": 2, "reading": 1}, checksum_ok=0)
    assert story.verdict(Replay).counts["damaged"] == 1
    story = replayed(tmp_path / "b").drop("deliver", sequence=2, group=1, reading=0)
    verdict = story.verdict(Replay)
    assert (verdict.validity, verdict.counts["extra"]) == (Validity.VALID, 1)


def test_a_replay_past_its_deadline_is_unknown_and_an_impossible_one_not_judged(tmp_path):
    story = replayed(tmp_path / "a", order=range(5))
    story.meta.phases[-1].drained = False
    verdict = story.verdict(Replay)
    assert (verdict.validity, verdict.counts["replay_differs"], verdict.counts["missing"]) == (Validity.UNKNOWN, 0, 3)
    story = clean(tmp_path / "b", supports={"replay": "impossible"}, **REPLAYED)
    assert story.judge([Replay]).verdicts == []
    assert clean(tmp_path / "c", **REPLAYED).verdict(Replay).validity is Validity.INVALID, "nothing came a second time"
