"""Loss: planted, excused, and in doubt."""

import pytest

from harness.checkers.durability import Durability
from harness.checkers.effectively_once import EffectivelyOnce
from harness.checkers.fan_out import FanOut
from harness.checkers.redelivery import Redelivery
from harness.model.messages import Outcome
from harness.model.verdict import Validity
from tests.histories.builder import Story

FAULT = [{"name": "crash", "paced": "100/s", "for": "1s", "fault": {"kill": "broker", "at": "500ms"}}]


def clean(tmp_path, **parts):
    story = Story(tmp_path, **{"needs": {"groups": {"a": 1, "b": 2}}, **parts})
    for sequence in range(10):
        story.through(sequence, at=10 * sequence)
    return story


def test_a_clean_history_is_valid(tmp_path):
    verdict = clean(tmp_path).verdict(Durability)
    assert verdict.validity is Validity.VALID
    assert verdict.promised
    assert (verdict.counts["lost"], verdict.counts["acknowledged"], verdict.counts["delivered"]) == (0, 10, 10)
    assert verdict.rule
    assert not verdict.evidence


def test_a_lost_message_is_found_and_named(tmp_path):
    story = clean(tmp_path).drop("deliver", group=1, sequence=4).drop("deliver", group=1, sequence=7)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.INVALID
    assert {name: verdict.counts[name] for name in ("lost", "lost_a", "lost_b", "delivered")} == {
        "lost": 2, "lost_a": 0, "lost_b": 2, "delivered": 8,
    }  # fmt: skip
    assert [(row["group"], row["producer"], row["sequence"]) for row in verdict.evidence] == [("b", 0, 4), ("b", 0, 7)]
    assert verdict.evidence[0]["acknowledged_s"] == pytest.approx(0.041)


def test_what_was_never_acknowledged_cannot_be_lost(tmp_path):
    story = clean(tmp_path)
    story.publish(10, at=200, outcome=int(Outcome.INFO)).publish(11, at=200, outcome=int(Outcome.FAIL))
    story.publish(12, at=200, outcome=int(Outcome.INFO)).deliver("a", 12, at=220).deliver("b", 12, at=220)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["unacknowledged"] == 3
    assert verdict.counts["unknown"] == 2
    assert verdict.counts["unacknowledged_delivered"] == 1


def test_the_copies_of_an_emulation_are_not_messages(tmp_path):
    verdict = clean(tmp_path).publish(30, at=200, channel=1).verdict(Durability)
    assert verdict.validity is Validity.VALID
    assert (verdict.counts["published"], verdict.counts["unrecorded"]) == (10, 0)


def test_an_acknowledged_resend_counts_as_acknowledged(tmp_path):
    story = clean(tmp_path).publish(10, at=200, outcome=int(Outcome.INFO)).publish(10, at=300, attempt=1)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.INVALID
    assert verdict.counts["lost"] == 1


def test_without_drain_a_missing_message_is_unknown_not_lost(tmp_path):
    story = clean(tmp_path).drop("deliver", group=0, sequence=3)
    story.meta.phases[-1].drained = False
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.UNKNOWN
    assert (verdict.counts["lost"], verdict.counts["undelivered"]) == (0, 1)
    assert "caught up" in verdict.summary


def test_a_run_that_was_cut_off_is_unknown(tmp_path):
    story = clean(tmp_path)
    story.meta.complete = False
    assert story.verdict(Durability).validity is Validity.UNKNOWN


def test_an_empty_history_is_unknown(tmp_path):
    assert Story(tmp_path).verdict(Durability).validity is Validity.UNKNOWN


def test_the_dead_letter_queue_is_no_loss(tmp_path):
    story = clean(tmp_path, needs={"groups": {"a": 1}, "dead_letter": True})
    story.drop("deliver", group=0, sequence=3).deliver("@dead", 3, at=500, reason=1)
    assert story.verdict(Durability).validity is Validity.VALID


def test_what_may_expire_is_counted_apart(tmp_path):
    expiring = {"needs": {"groups": {"a": 1}, "expiry": True}, "messages": {"ttl": {"after": "10ms", "share": "10%"}}}
    story = Story(tmp_path, **expiring).through(0, at=1).publish(1, at=2, ttl_ms=10)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["expired_unseen"] == 1


def test_a_time_to_live_excuses_nothing_where_expiry_is_impossible(tmp_path):
    expiring = {"needs": {"groups": {"a": 1}, "expiry": True}, "messages": {"ttl": {"after": "10ms", "share": "10%"}}}
    story = Story(tmp_path, supports={"expiry": "impossible"}, **expiring).through(0, at=1).publish(1, at=2, ttl_ms=10)
    assert story.verdict(Durability).counts["lost"] == 1


def test_loss_after_a_kill_is_a_finding_at_tier_d0_and_a_failure_at_d1(tmp_path):
    for tier, promised in (("D0", False), ("D1", True)):
        folder = tmp_path / tier
        folder.mkdir()
        story = clean(folder, phases=FAULT).drop("deliver", group=0, sequence=3).kill(at=35)
        story.meta.tier = tier
        verdict = story.verdict(Durability)
        assert (verdict.validity, verdict.promised) == (Validity.INVALID, promised)


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("tier", ["D0", "D1"])
def test_what_a_loss_entails_is_as_little_promised_as_the_message(tmp_path, tier, killed):
    """A message in memory whose broker is killed may miss a group, a second delivery and its effect."""
    story = clean(tmp_path, phases=FAULT, processing={"once": True})
    story.drop("deliver", group=0, sequence=3).drop("settle", sequence=3).drop("settle", group=1, sequence=5)
    story.meta.tier = tier
    if killed:
        story.kill(at=35)
    for checker in (FanOut, Redelivery, EffectivelyOnce):
        verdict = story.verdict(checker)
        assert (verdict.validity, verdict.promised) == (Validity.INVALID, tier == "D1" or not killed), verdict.checker


def test_a_second_effect_is_a_failure_at_any_tier(tmp_path):
    story = clean(tmp_path, phases=FAULT, processing={"once": True}).kill(at=35).settle("a", 2, at=60)
    story.meta.tier = "D0"
    verdict = story.verdict(EffectivelyOnce)
    assert (verdict.validity, verdict.promised) == (Validity.INVALID, True)


def test_a_broker_of_others_is_never_killed_and_that_is_said(tmp_path):
    refusal = "rabbitmq at mq:5672 is an external broker: it is never killed"
    story = clean(tmp_path, phases=FAULT).event("fault_refused", 35, fault="kill", phase="crash", reason=refusal)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.summary == "not run: an external broker is never killed, so survival was not tested"


@pytest.mark.parametrize("kill", [None, False])
def test_a_kill_that_did_not_bite_proves_nothing(tmp_path, kill):
    story = clean(tmp_path, phases=FAULT)
    if kill is not None:
        story.kill(at=35, bit=kill)
    verdict = story.verdict(Durability)
    assert verdict.validity is Validity.UNKNOWN
    assert "bitten" in verdict.summary
    story = clean(tmp_path / "again", phases=FAULT) if (tmp_path / "again").mkdir() is None else story
    assert story.kill(at=35).verdict(Durability).validity is Validity.VALID
