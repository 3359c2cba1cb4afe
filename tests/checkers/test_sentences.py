"""What verdicts say in words: no number in them that the counts beside it contradict."""

import pytest

from harness.checkers.dead_letter import DeadLetter
from harness.checkers.duplicates import Duplicates
from harness.checkers.durability import Durability
from harness.checkers.redelivery import Redelivery
from harness.checkers.retry import Retry
from harness.model.envelope import POISON
from harness.model.messages import DispositionKind, Reason
from tests.histories.builder import Story, at_ns

EXPIRING = {
    "messages": {"ttl": {"after": "100ms", "share": "50%"}, "failures": {"poison": "5%"}},
    "needs": {"groups": {"all": 1}, "expiry": True, "dead_letter": True, "retry": {"max": 1, "backoff": ["50ms"]}},
}


def expiring(folder):
    """0 is delivered; 1 expires unread; 2 is poison and expires after its first attempt."""
    story = Story(folder, **EXPIRING).through(0, at=0)
    story.publish(1, at=0, ttl_ms=100).deliver("@dead", 1, at=120, reason=int(Reason.EXPIRED))
    story.publish(2, at=0, ttl_ms=100, failures=POISON).deliver("all", 2, at=5)
    story.settle("all", 2, at=6, disposition=int(DispositionKind.RETRY), failed=1, effect=0)
    return story.deliver("@dead", 2, at=120, reason=int(Reason.EXPIRED))


def test_what_expired_unread_is_not_called_delivered(tmp_path):
    verdict = expiring(tmp_path).verdict(Durability)
    assert (verdict.counts["acknowledged"], verdict.counts["delivered"], verdict.counts["lost"]) == (3, 2, 0)
    assert verdict.summary.startswith("none of 3 acknowledged messages was lost: 2 were delivered to the group, 1 ")


def test_all_delivered_are_called_so(tmp_path):
    story = Story(tmp_path, needs={"groups": {"a": 1, "b": 1}}).through(0, at=0).through(1, at=10)
    assert story.verdict(Durability).summary == "all 2 acknowledged messages were delivered to all 2 groups (tier D1)"
    assert "all 4 deliveries of a message to one of 2 groups were finished" in story.verdict(Redelivery).summary


def test_a_doomed_message_that_expires_is_one_dead_letter(tmp_path):
    verdict = expiring(tmp_path).verdict(DeadLetter)
    assert (verdict.counts["dead_letters"], verdict.counts["doomed"], verdict.counts["expired"]) == (2, 1, 1)
    assert verdict.summary == "all 2 dead letters are there: 1 doomed message and 1 more that expired"


def test_one_is_singular(tmp_path):
    story = Story(tmp_path).through(0, at=0).kill(at=10).deliver("all", 0, at=20).settle("all", 0, at=21)
    assert story.verdict(Duplicates).summary.startswith("1 delivery beyond the first")


def test_disturbed_messages_are_said_not_to_be_judged(tmp_path):
    parts = {"needs": {"groups": {"all": 1}, "retry": {"max": 1, "backoff": ["50ms"]}}}
    story = Story(tmp_path, **parts)
    for sequence in (0, 1):
        story.publish(sequence, at=0, failures=1).deliver("all", sequence, at=2)
        story.settle("all", sequence, at=3, disposition=int(DispositionKind.RETRY), failed=1, effect=0)
        story.deliver("all", sequence, at=60, attempt=1).settle("all", sequence, at=61)
    assert story.verdict(Retry).summary.startswith("all 2 failing messages were")
    story.publish(1, at=0, attempt=1, failures=1)
    assert story.verdict(Retry).summary.startswith("all 1 failing messages (1 disturbed ones are not judged) were")


PHASES = [
    {"name": "calm", "paced": "100/s", "for": "1s"},
    {"name": "crash", "paced": "100/s", "for": "1s", "fault": {"kill": "broker", "at": "900ms"}},
]
RANKED = {
    "messages": {"classes": {"low": "50%", "high": "50%"}},
    "needs": {"groups": {"all": 2}, "priority_levels": 2, "prefetch": 1},
    "phases": PHASES,
}


def ranked(folder, *, calm_late_ms=0.0, crash_late_ms=0.0):
    """Thirty messages of the higher class in each phase; the load generator sends them so much too late."""
    story = Story(folder, **RANKED)
    for sequence in range(60):
        phase, place = divmod(sequence, 30)
        late = crash_late_ms if phase else calm_late_ms
        at = 1000 * phase + 10 * place
        more = {"class": 1, "phase": phase, "intended_ns": at_ns(at)}
        story.publish(sequence, at=at + late, **more).deliver("all", sequence, at=at + late + 2)
        story.settle("all", sequence, at=at + late + 3)
    return story


@pytest.mark.parametrize(
    ("late", "state"),
    [({"crash_late_ms": 5.0}, "ok"), ({"calm_late_ms": 5.0}, "invalid")],
    ids=["in a phase that does not count", "in one that does"],
)
def test_waits_answer_for_the_generator_in_their_own_phases(tmp_path, late, state):
    measures = ranked(tmp_path, **late).judge().measures
    waits = [measure for measure in measures if measure.metric == "wait_high_p50"]
    assert [measure.state for measure in waits] == [state]
    assert waits[0].samples == 30
