"""The vectorised checkers against the slow and obvious ones, over random histories."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.checkers.duplicates import Duplicates
from harness.checkers.durability import Durability
from harness.checkers.ordering import Ordering
from tests.checkers import reference
from tests.histories.builder import Story, at_ns

NEEDS = {"groups": {"a": 2, "b": 2}, "order": "per_key", "retry": {"max": 3, "backoff": ["1ms"]}}


@st.composite
def histories(draw):
    """Up to 16 messages of two producers and three keys; every one delivered 0 to 3 times to each group, in any order."""
    publishes, deliveries, settles = [], [], []
    for producer in (0, 1):
        seen: dict[int, int] = {}
        for sequence in range(draw(st.integers(0, 8))):
            key = draw(st.integers(0, 2))
            attempts = draw(st.lists(st.integers(0, 2), min_size=1, max_size=2))
            for attempt, outcome in enumerate(attempts):
                publishes.append({"producer": producer, "sequence": sequence, "key": key, "key_sequence": seen.get(key, 0),
                                  "attempt": attempt, "outcome": outcome})  # fmt: skip
            seen[key] = seen.get(key, 0) + 1
            for group in ("a", "b"):
                for _ in range(draw(st.integers(0, 3))):
                    at_us = 100_000 + 500 * draw(st.integers(0, 8))  # many just a millisecond apart
                    deliveries.append({"group": group, "producer": producer, "sequence": sequence, "at_us": at_us,
                                       "member": draw(st.integers(0, 1)), "incarnation": draw(st.integers(0, 1))})  # fmt: skip
                    if draw(st.booleans()):
                        settles.append({"group": group, "producer": producer, "sequence": sequence,
                                        "disposition": draw(st.integers(0, 3)), "outcome": draw(st.integers(0, 2))})  # fmt: skip
    return publishes, deliveries, settles


def told(folder, history):
    publishes, deliveries, settles = history
    story = Story(Path(folder), needs=NEEDS)
    for row in publishes:
        story.publish(row["sequence"], at=1, **{name: row[name] for name in row if name != "sequence"})
    stamps = set()
    for row in deliveries:
        received = at_ns(row["at_us"] / 1000)
        while received in stamps:  # the order of equal stamps is nobody's promise
            received += 1
        stamps.add(received)
        more = {name: row[name] for name in ("producer", "member", "incarnation")}
        story.deliver(row["group"], row["sequence"], at=0, received_ns=received, **more)
    for row in settles:
        more = {name: row[name] for name in ("producer", "disposition", "outcome")}
        story.settle(row["group"], row["sequence"], at=200, **more)
    return story


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_fast_and_slow_agree(history):
    with tempfile.TemporaryDirectory() as folder:
        story = told(folder, history)
        verdicts = {
            verdict.checker: verdict.counts for verdict in story.judge([Durability, Duplicates, Ordering]).verdicts
        }
        publish, deliver, settle = (story.rows[table] for table in ("publish", "deliver", "settle"))
        missing = reference.lost(publish, deliver, groups=2)
        assert verdicts["durability"]["lost"] == len({name[1:] for name in missing})
        if missing:
            assert verdicts["durability"]["lost_a"] == sum(group == 0 for group, *_ in missing)
        counts = reference.duplicated(publish, deliver, settle)
        assert {name: verdicts["duplicates"][name] for name in counts} == counts
        attempts = {}
        for row in publish:
            attempts[row["producer"], row["sequence"]] = attempts.get((row["producer"], row["sequence"]), 0) + 1
        late = [name for group in (0, 1) for name in reference.late_within_key(publish, deliver, group)]
        assert verdicts["ordering"]["reordered_within_key"] == sum(attempts[name] == 1 for name in late)
        assert verdicts["ordering"]["sent_again"] == sum(attempts[name] > 1 for name in late)
