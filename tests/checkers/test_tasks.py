"""Priority, expiry, dead letters, retries and effects: planted bugs and what is allowed."""

import pytest

from harness.checkers.dead_letter import DeadLetter
from harness.checkers.effectively_once import EffectivelyOnce
from harness.checkers.expiry import Expiry
from harness.checkers.priority import Priority
from harness.checkers.retry import Retry
from harness.model.envelope import POISON
from harness.model.messages import DispositionKind, Outcome, Reason
from harness.model.verdict import Validity
from tests.histories.builder import Story, at_ns

RETRY, DEAD = int(DispositionKind.RETRY), int(DispositionKind.DEAD)
RANKED = {
    "messages": {"classes": {"low": "50%", "high": "50%"}},
    "needs": {"groups": {"all": 2}, "priority_levels": 2, "prefetch": 1},
}
EXPIRING = {
    "messages": {"ttl": {"after": "100ms", "share": "50%"}},
    "needs": {"groups": {"all": 1}, "expiry": True, "dead_letter": True},
}
FAILING = {
    "messages": {"failures": {"transient": "10%", "attempts": 1, "poison": "5%"}},
    "needs": {"groups": {"all": 1}, "retry": {"max": 2, "backoff": ["50ms", "100ms"]}, "dead_letter": True},
}


# -- priority -------------------------------------------------------------------------------------------------------


def backlog(folder, *, urgent_at=100.0, taken_at=115.0, **more):
    """Twenty low messages taken every 10 ms from 0 on; one urgent one, acknowledged at ``urgent_at``, taken at ``taken_at``."""
    story = Story(folder, **{**RANKED, **more})
    for sequence in range(20):
        story.publish(sequence, at=0, ack=1, **{"class": 0}).deliver("all", sequence, at=10 * sequence + 2)
    story.publish(20, at=urgent_at - 1, ack=urgent_at, **{"class": 1}).deliver("all", 20, at=taken_at)
    return story


def test_an_urgent_message_that_overtakes_is_valid(tmp_path):
    verdict = backlog(tmp_path).verdict(Priority)
    assert verdict.validity is Validity.VALID
    assert (verdict.counts["checked"], verdict.counts["allowance"]) == (1, 2)


def test_first_in_first_out_is_an_inversion(tmp_path):
    # acknowledged at 100, five ms of grace: low ones come at 112, 122, ... 192; nine are delivered first, two may be
    verdict = backlog(tmp_path, taken_at=205).verdict(Priority)
    assert verdict.validity is Validity.INVALID
    assert {name: verdict.counts[name] for name in ("inverted", "inversions", "overtaken_max")} == {
        "inverted": 1, "inversions": 7, "overtaken_max": 9,
    }  # fmt: skip
    assert verdict.evidence[0]["waited_ms"] == pytest.approx(105.0)


@pytest.mark.parametrize(("taken_at", "validity"), [(123, Validity.VALID), (133, Validity.INVALID)])
def test_what_the_members_may_hold_is_allowed(tmp_path, taken_at, validity):
    assert backlog(tmp_path, taken_at=taken_at).verdict(Priority).validity is validity


@pytest.mark.parametrize(
    ("free_at", "validity"),
    [
        (
            108,
            Validity.VALID,
        ),  # with nothing to do from then on: it was on its way, however long the process did not run
        (135, Validity.INVALID),  # three were delivered while it was busy
        (None, Validity.INVALID),
    ],
)
def test_what_is_on_its_way_to_an_idle_member_is_not_overtaken(tmp_path, free_at, validity):
    story = backlog(tmp_path, taken_at=205).change("deliver", {"sequence": 20}, member=1)
    if free_at is not None:
        story.settle("all", 0, at=free_at, member=1)
    verdict = story.verdict(Priority)
    assert verdict.validity is validity
    assert verdict.counts["inverted_elsewhere"] == verdict.counts["inverted"]


def test_on_its_way_is_bounded(tmp_path):
    story = backlog(tmp_path, taken_at=290).change("deliver", {"sequence": 20}, member=1).settle("all", 0, 50, member=1)
    assert story.verdict(Priority).counts["overtaken_max"] == 8  # 112 to 182; from 190 on it may have been on its way


def test_whose_member_served_lower_ones_meanwhile(tmp_path):
    story = backlog(tmp_path, taken_at=205)
    assert story.verdict(Priority).counts["inverted_elsewhere"] == 0
    for sequence in range(12, 20):  # but for one, which it may have held already
        story.change("deliver", {"sequence": sequence}, member=1)
    assert story.verdict(Priority).counts["inverted_elsewhere"] == 1


def test_others_of_its_own_class_overtake_nobody(tmp_path):
    story = backlog(tmp_path, taken_at=119)
    for place in range(8):
        story.publish(21 + place, at=99, ack=100, **{"class": 1}).deliver("all", 21 + place, at=106 + place)
    assert story.verdict(Priority).counts["overtaken_max"] == 1


def test_in_a_flood_an_inversion_is_a_finding(tmp_path):
    phases = [
        {"name": "flood", "flood": {"in_flight": 10}, "for": "1s"},
        {"name": "paced", "paced": "10/s", "for": "1s"},
    ]
    story = backlog(tmp_path, taken_at=205, phases=phases)
    for sequence in range(21):
        story.change("publish", {"sequence": sequence}, phase=0)
    story.publish(21, at=1200, phase=1, **{"class": 1}).deliver("all", 21, at=1202)
    verdict = story.verdict(Priority)
    assert (verdict.validity, verdict.counts["inverted_in_flood"]) == (Validity.VALID, 1)


def test_waits_are_measured_by_class(tmp_path):
    story = backlog(tmp_path, urgent_at=100, taken_at=103)
    judgement = story.judge([Priority])
    assert {m.metric: m.value for m in judgement.measures} == {"wait_low_p50": pytest.approx(92.0)}
    curves = {curve.label: curve for curve in judgement.curves}
    assert set(curves) == {"low", "high"}
    assert (curves["high"].x, curves["high"].y) == ([pytest.approx(4.0)], [1.0])
    assert curves["low"].y == sorted(curves["low"].y)


def test_a_wait_counts_from_the_intended_time_however_late_the_acknowledgement(tmp_path):
    story = Story(tmp_path, **RANKED)
    for sequence in range(20):
        at = 10 * sequence
        story.publish(sequence, at=at, ack=at + 9, **{"class": 0}).deliver("all", sequence, at=at + 2)
    judgement = story.judge([Priority])
    assert {m.metric: (m.value, m.state) for m in judgement.measures} == {"wait_low_p50": (pytest.approx(2.0), "ok")}
    story = Story(tmp_path / "late", **RANKED)
    for sequence in range(20):
        at = 10 * sequence
        story.publish(sequence, at=at, ack=at + 9, submitted_ns=at_ns(at + 5), **{"class": 0})
        story.deliver("all", sequence, at=at + 7)
    measure = story.judge([Priority]).measures[0]
    assert (measure.state, measure.value) == ("invalid", pytest.approx(7.0))
    assert "generator-bound" in measure.reason


def test_a_wait_leaves_out_what_an_outage_did(tmp_path):
    phases = [
        {"name": "steady", "paced": "10/s", "for": "1s"},
        {"name": "crash", "paced": "10/s", "for": "1s", "fault": {"kill": "broker", "at": "1ms"}},
    ]
    story = Story(tmp_path, **RANKED, phases=phases)
    for sequence in range(40):
        at = 10 * sequence
        waited = 2 if sequence < 20 else 700
        story.publish(sequence, at=at, phase=sequence // 20).deliver("all", sequence, at=at + waited)
    assert [m.value for m in story.judge([Priority]).measures] == [pytest.approx(2.0)]


def test_priority_that_cannot_be_is_a_finding_and_nothing_urgent_is_unknown(tmp_path):
    verdict = backlog(tmp_path / "a", taken_at=205, supports={"priority": "impossible"}).verdict(Priority)
    assert (verdict.validity, verdict.promised) == (Validity.INVALID, False)
    assert Story(tmp_path / "b", **RANKED).verdict(Priority).validity is Validity.UNKNOWN


# -- expiry ---------------------------------------------------------------------------------------------------------


def expiring(folder, **more):
    """One that comes in time, one that expires, one without a time to live."""
    story = Story(folder, **{**EXPIRING, **more})
    story.publish(0, at=0, ttl_ms=100).deliver("all", 0, at=50)
    story.publish(1, at=0, ttl_ms=100).deliver("@dead", 1, at=120, reason=int(Reason.EXPIRED))
    return story.publish(2, at=0).deliver("all", 2, at=500)


def test_expiry_clean(tmp_path):
    verdict = expiring(tmp_path).verdict(Expiry)
    assert (verdict.validity, verdict.counts["expired"], verdict.counts["checked"]) == (Validity.VALID, 1, 2)


def test_a_message_past_its_time_is_found(tmp_path):
    # the acknowledgement at 1 ms may have started the clock, and 50 ms are allowed on the way: 151 is the last moment
    for at, count in ((150.9, 0), (151.1, 1)):
        story = expiring(tmp_path / str(at)).change("deliver", {"sequence": 0}, received_ns=at_ns(at))
        assert story.verdict(Expiry).counts["expired_delivered"] == count


def test_a_message_given_up_early_is_found(tmp_path):
    for at, count in ((95.1, 0), (94.9, 1)):
        story = expiring(tmp_path / str(at)).change("deliver", {"sequence": 1}, received_ns=at_ns(at))
        verdict = story.verdict(Expiry)
        assert verdict.counts["expired_early"] == count
        assert verdict.validity is (Validity.INVALID if count else Validity.VALID)


def test_what_has_no_time_to_live_never_expires(tmp_path):
    story = expiring(tmp_path).deliver("@dead", 2, at=900, reason=int(Reason.EXPIRED))
    assert story.verdict(Expiry).counts["expired_early"] == 1


def test_a_redelivery_past_the_time_is_a_finding(tmp_path):
    verdict = expiring(tmp_path).deliver("all", 0, at=900).verdict(Expiry)
    assert (verdict.validity, verdict.counts["redelivered_late"]) == (Validity.VALID, 1)


def test_expiry_without_drain_or_without_a_time_to_live_is_unknown(tmp_path):
    story = expiring(tmp_path / "a")
    story.meta.phases[-1].drained = False
    assert story.verdict(Expiry).validity is Validity.UNKNOWN
    assert Story(tmp_path / "b", **EXPIRING).verdict(Expiry).validity is Validity.UNKNOWN


# -- failing messages ----------------------------------------------------------------------------------------------


def failing(folder, **more):
    """0 succeeds, 1 fails once, 2 is poison: three attempts and then the dead letters."""
    story = Story(folder, **{**FAILING, **more}).through(0, at=0)
    story.publish(1, at=10, failures=1)
    attempts(story, 1, [12, 70])
    story.publish(2, at=20, failures=POISON)
    attempts(story, 2, [22, 80, 190])
    return story.deliver("@dead", 2, at=195, reason=int(Reason.REJECTED))


def attempts(story, sequence, times):
    failures = story._published[0, sequence]["failures"]
    for attempt, at in enumerate(times):
        fails = attempt < failures
        how = 0 if not fails else RETRY if attempt < 2 else DEAD
        story.deliver("all", sequence, at=at, attempt=attempt)
        story.settle("all", sequence, at=at + 1, disposition=how, failed=int(fails), effect=int(not fails))


def test_failing_clean(tmp_path):
    verdict = failing(tmp_path / "a").verdict(Retry)
    assert verdict.validity is Validity.VALID, verdict.summary
    assert (verdict.counts["checked"], verdict.counts["retries"]) == (2, 3)
    verdict = failing(tmp_path / "b").verdict(DeadLetter)
    assert verdict.validity is Validity.VALID, verdict.summary
    assert verdict.counts["doomed"] == 1


def test_a_retry_before_its_delay_is_found(tmp_path):
    # received at 12, so settling began at 12 at the earliest; the backoff is 50 ms and 2 ms are allowed
    for at, count in ((60.1, 0), (59.9, 1)):
        story = failing(tmp_path / str(at)).change("deliver", {"sequence": 1, "attempt": 1}, received_ns=at_ns(at))
        assert story.verdict(Retry).counts["too_early"] == count


def test_the_delay_counts_from_the_end_of_the_members_work(tmp_path):
    story = failing(tmp_path)
    for row in story.rows["publish"]:
        row["work_us"] = 9_000 if row["sequence"] == 1 else 0
    story.change("deliver", {"sequence": 1, "attempt": 1}, received_ns=at_ns(68.9))
    assert story.verdict(Retry).counts["too_early"] == 1


def test_a_retry_may_be_done_before_the_call_that_copied_it_returns(tmp_path):
    """The copy is there for the other member as soon as the broker has it; the first hears of it later."""
    story = Story(tmp_path, **FAILING).through(0, at=0).publish(1, at=10, failures=1).publish(3, at=38)
    story.deliver("all", 1, at=12).deliver("all", 3, at=39, member=1).settle("all", 3, at=40, member=1)
    story.deliver("all", 1, at=65, attempt=1, member=1).settle("all", 1, at=66, member=1)
    story.settle("all", 1, at=70, disposition=RETRY, failed=1, effect=0)
    verdict = story.verdict(Retry)
    assert (verdict.validity, verdict.counts["checked"]) == (Validity.VALID, 1), verdict.summary


def test_a_forgotten_attempt_is_found(tmp_path):
    verdict = failing(tmp_path).change("deliver", {"sequence": 2, "attempt": 2}, attempt=1).verdict(Retry)
    assert (verdict.validity, verdict.counts["attempt_wrong"]) == (Validity.INVALID, 1)


def test_giving_up_too_soon_or_too_late_is_found(tmp_path):
    story = failing(tmp_path / "a").change("settle", {"sequence": 1, "disposition": RETRY}, disposition=DEAD)
    assert story.verdict(Retry).counts["retries_wrong"] == 1
    story = failing(tmp_path / "b").change("settle", {"sequence": 2, "disposition": DEAD}, disposition=RETRY)
    assert story.verdict(Retry).counts["retries_wrong"] == 1


def test_attempts_that_never_count_up_are_found_though_the_end_is_missing(tmp_path):
    story = Story(tmp_path, **FAILING).kill(at=30).publish(0, at=10, failures=POISON)
    for step in range(12):
        story.deliver("all", 0, at=20 + 60 * step).settle(
            "all", 0, at=21 + 60 * step, disposition=RETRY, failed=1, effect=0
        )
    story.deliver("all", 0, at=900)
    story.meta.phases[-1].drained = False
    verdict = story.verdict(Retry)
    assert (verdict.validity, verdict.counts["disturbed"], verdict.counts["retries_wrong"]) == (Validity.INVALID, 1, 1)


def test_a_disturbed_retry_is_not_judged(tmp_path):
    story = failing(tmp_path).change("settle", {"sequence": 1, "disposition": RETRY}, outcome=int(Outcome.INFO))
    story.change("deliver", {"sequence": 1, "attempt": 1}, received_ns=at_ns(20))
    verdict = story.verdict(Retry)
    assert (verdict.validity, verdict.counts["disturbed"], verdict.counts["checked"]) == (Validity.VALID, 1, 1)


@pytest.mark.parametrize(
    ("plant", "count"),
    [
        (lambda story: story.drop("deliver", group=1), "dead_letter_missing"),
        (lambda story: story.deliver("@dead", 2, at=300, reason=1), "dead_letter_twice"),
        (lambda story: story.deliver("@dead", 0, at=300, reason=1), "dead_letter_wrong"),
        (lambda story: story.change("deliver", {"group": 1}, reason=int(Reason.OTHER)), "reason_wrong"),
        (lambda story: story.change("deliver", {"group": 1}, reason=int(Reason.EXPIRED)), "reason_wrong"),
    ],
)
def test_wrong_dead_letters_are_found(tmp_path, plant, count):
    verdict = plant(failing(tmp_path)).verdict(DeadLetter)
    assert (verdict.validity, verdict.counts[count]) == (Validity.INVALID, 1)
    assert verdict.evidence[0]["why"] == count


def test_what_may_expire_may_not_be_rejected_for_nothing(tmp_path):
    verdict = expiring(tmp_path).deliver("@dead", 0, at=90, reason=int(Reason.REJECTED)).verdict(DeadLetter)
    assert (verdict.validity, verdict.counts["dead_letter_wrong"]) == (Validity.INVALID, 1)


def test_the_delivery_limit_is_a_reason_too(tmp_path):
    story = failing(tmp_path).change("deliver", {"group": 1}, reason=int(Reason.DELIVERY_LIMIT))
    assert story.verdict(DeadLetter).validity is Validity.VALID


def test_a_second_dead_letter_after_a_kill_is_allowed(tmp_path):
    verdict = failing(tmp_path).kill(at=200).deliver("@dead", 2, at=300, reason=1).verdict(DeadLetter)
    assert (verdict.validity, verdict.counts["twice_after_unrest"]) == (Validity.VALID, 1)


def test_with_nothing_to_give_up_on_the_queue_must_be_empty(tmp_path):
    story = Story(tmp_path / "a", **FAILING).through(0, at=1)
    verdict = story.verdict(DeadLetter)
    assert (verdict.validity, verdict.summary) == (Validity.VALID, "no message was to be given up on, and none was")
    story = Story(tmp_path / "b", **FAILING).through(0, at=1).deliver("@dead", 0, at=9, reason=1)
    assert story.verdict(DeadLetter).validity is Validity.INVALID
    assert Story(tmp_path / "c", **FAILING).verdict(DeadLetter).validity is Validity.UNKNOWN


def test_dead_letters_without_drain_are_unknown(tmp_path):
    story = failing(tmp_path).drop("deliver", group=1)
    story.meta.phases[-1].drained = False
    verdict = story.verdict(DeadLetter)
    assert (verdict.validity, verdict.counts["dead_letter_missing"]) == (Validity.UNKNOWN, 0)


def test_an_expired_message_is_a_dead_letter_too(tmp_path):
    assert expiring(tmp_path / "a").verdict(DeadLetter).validity is Validity.VALID
    story = expiring(tmp_path / "b").drop("deliver", sequence=1)
    assert story.verdict(DeadLetter).counts["dead_letter_missing"] == 1


# -- effects ---------------------------------------------------------------------------------------------------------


def mails(folder, **more):
    story = Story(folder, **{"processing": {"once": True}, **more})
    for sequence in range(5):
        story.through(sequence, at=10 * sequence)
    return story


def test_effects_clean_and_with_a_prevented_second_one(tmp_path):
    story = mails(tmp_path).deliver("all", 3, at=200).settle("all", 3, at=201, effect=2)
    verdict = story.verdict(EffectivelyOnce)
    assert (verdict.validity, verdict.counts["prevented"], verdict.counts["checked"]) == (Validity.VALID, 1, 5)


@pytest.mark.parametrize(
    ("plant", "count"),
    [
        (lambda story: story.deliver("all", 3, at=200).settle("all", 3, at=201), "effect_twice"),
        (lambda story: story.change("settle", {"sequence": 3}, effect=0), "no_effect"),
        (lambda story: story.drop("settle", sequence=3), "no_effect"),
    ],
)
def test_effects_not_once_are_found(tmp_path, plant, count):
    verdict = plant(mails(tmp_path)).verdict(EffectivelyOnce)
    assert (verdict.validity, verdict.counts[count], verdict.counts["effects_not_once"]) == (Validity.INVALID, 1, 1)
    assert verdict.evidence[0]["sequence"] == 3


def test_poison_must_have_no_effect(tmp_path):
    needs = {**FAILING, "processing": {"once": True}}
    assert failing(tmp_path / "a", **needs).verdict(EffectivelyOnce).validity is Validity.VALID
    story = failing(tmp_path / "b", **needs).change("settle", {"sequence": 2, "disposition": DEAD}, effect=1)
    assert story.verdict(EffectivelyOnce).counts["effect_twice"] == 1


def test_effects_are_unknown_without_drain_and_not_asked_without_once(tmp_path):
    story = mails(tmp_path / "a").drop("settle", sequence=3)
    story.meta.phases[-1].drained = False
    verdict = story.verdict(EffectivelyOnce)
    assert (verdict.validity, verdict.counts["effects_not_once"]) == (Validity.UNKNOWN, 0)
    assert Story(tmp_path / "b").judge([EffectivelyOnce]).verdicts == []
