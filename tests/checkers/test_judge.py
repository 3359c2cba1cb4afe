"""The judge as a whole: a clean run, a failing checker, a run that was cut off, expectations."""

import pytest

from harness.checkers.case import Checker
from harness.checkers.durability import Durability
from harness.checkers.expect import ANSWERED_BY, broken_expectations
from harness.checkers.judge import judge
from harness.checkers.registry import ALL, CORRECTNESS
from harness.errors import HistoryError
from harness.history.recover import recover
from harness.model.verdict import Validity
from harness.model.workload import Expect
from tests.histories.builder import Story

EVERYTHING = {
    "messages": {
        "key": "uniform(10)", "classes": {"low": "50%", "high": "50%"}, "ttl": {"after": "1s", "share": "1%"},
        "failures": {"transient": "1%", "poison": "1%"},
    },
    "needs": {
        "groups": {"a": 1, "b": 1}, "order": "per_key", "replay": {"group": "b"}, "priority_levels": 2, "expiry": True,
        "retry": {"max": 1, "backoff": ["10ms"]}, "dead_letter": True,
    },
    "processing": {"once": True},
    "phases": [
        {"name": "paced", "paced": "100/s", "for": "1s"}, {"name": "flood", "flood": {"in_flight": 5}, "for": "1s"},
        {"name": "again", "replay": True},
    ],
}  # fmt: skip


def everything(folder):
    """Nothing goes wrong, and every checker has something to look at."""
    story = Story(folder, **EVERYTHING)
    for sequence in range(40):
        story.through(sequence, at=10 * sequence, **{"class": sequence % 2}, ttl_ms=1000 if sequence == 7 else 0)
        story.deliver("b", sequence, at=2100 + sequence, reading=1)
    story.publish(40, at=900, failures=1)
    for group in ("a", "b"):
        story.deliver(group, 40, at=910).settle(group, 40, at=911, disposition=1, failed=1, effect=0)
        story.deliver(group, 40, at=940, attempt=1).settle(group, 40, at=941)
    story.publish(41, at=950, failures=255)
    for group in ("a", "b"):
        story.deliver(group, 41, at=960).settle(group, 41, at=961, disposition=1, failed=1, effect=0)
        story.deliver(group, 41, at=980, attempt=1).settle(group, 41, at=981, disposition=2, failed=1, effect=0)
    story.deliver("@dead", 41, at=990, reason=1)
    return story.deliver("b", 40, at=2300, reading=1).deliver("b", 41, at=2301, reading=1)


def test_every_checker_passes_a_clean_run(tmp_path):
    judgement = everything(tmp_path).judge()
    assert {verdict.checker for verdict in judgement.verdicts} == {kind.name for kind in CORRECTNESS}
    assert {v.checker: v.summary for v in judgement.verdicts if v.validity is not Validity.VALID} == {}
    for verdict in judgement.verdicts:
        assert verdict.rule
        assert verdict.source
        assert (verdict.workload, verdict.broker, verdict.repeat) == ("story", "memory", 0)


def test_names_are_unique_and_every_checker_says_what_it_does():
    assert len({kind.name for kind in ALL}) == len(ALL)
    for kind in ALL:
        assert kind.rule
        assert kind.source
        assert kind.__doc__


def test_an_empty_history_is_never_valid(tmp_path):
    judgement = Story(tmp_path, **EVERYTHING).judge()
    assert {verdict.checker for verdict in judgement.verdicts} == {kind.name for kind in CORRECTNESS}
    assert {verdict.validity for verdict in judgement.verdicts} == {Validity.UNKNOWN}


@pytest.mark.parametrize("place", ["__init__", "group", "finish"])
def test_a_checker_that_fails_is_unknown_and_costs_the_others_nothing(tmp_path, place):
    class Broken(Checker):
        """Raises."""

        name, rule, source = "broken", "r", "s"

    def fail(*_):
        raise ZeroDivisionError("planted")

    setattr(Broken, place, fail)
    judgement = everything(tmp_path).judge([Broken, Durability])
    assert sorted(verdict.checker for verdict in judgement.verdicts) == ["broken", "durability"]
    verdicts = {verdict.checker: verdict for verdict in judgement.verdicts}
    assert verdicts["broken"].validity is Validity.UNKNOWN
    assert "ZeroDivisionError: planted" in verdicts["broken"].summary
    assert verdicts["durability"].validity is Validity.VALID


def test_a_run_that_was_cut_off_is_judged_from_its_streams(tmp_path):
    story = everything(tmp_path)
    story.meta.complete = False
    folder = story.write()
    before = judge(folder, story.workload)
    assert Validity.INVALID not in {verdict.validity for verdict in before.verdicts}
    assert next(v for v in before.verdicts if v.checker == "durability").validity is Validity.UNKNOWN
    recover(folder)
    assert not (folder / "streams").exists()
    after = judge(folder, story.workload)
    assert [(v.checker, v.validity, v.counts) for v in after.verdicts] == [
        (v.checker, v.validity, v.counts) for v in before.verdicts
    ]


def test_a_torn_stream_is_judged_as_far_as_it_goes(tmp_path):
    story = everything(tmp_path)
    story.meta.complete = False
    folder = story.write()
    for path in (folder / "streams").glob("deliver-*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    verdicts = judge(folder, story.workload).verdicts
    assert Validity.INVALID not in {verdict.validity for verdict in verdicts}


def test_a_truncated_file_is_an_error_and_no_verdict(tmp_path):
    story = everything(tmp_path)
    story.judge()
    path = tmp_path / "deliver.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HistoryError, match=r"deliver\.parquet is truncated"):
        judge(tmp_path, story.workload)


# -- expectations ----------------------------------------------------------------------------------------------------


def test_every_expectation_has_a_checker_that_counts_it(tmp_path):
    assert set(ANSWERED_BY) == set(Expect.model_fields)
    counted = {verdict.checker: verdict.counts for verdict in everything(tmp_path).judge().verdicts}
    for name, (checker, count) in ANSWERED_BY.items():
        assert count in counted[checker], name


def expecting(folder, **bounds):
    return Story(folder, expect=bounds).through(0, at=1).through(1, at=10)


def test_expectations_that_hold_say_nothing(tmp_path):
    story = expecting(tmp_path, lost=0, duplicated=0, corrupted=0, effects_not_once=0)
    assert broken_expectations(story.workload, story.judge().verdicts) == []


def test_a_broken_bound_is_said_with_its_figure(tmp_path):
    story = expecting(tmp_path, lost=0).drop("deliver", sequence=1)
    (sentence,) = broken_expectations(story.workload, story.judge().verdicts)
    assert sentence.startswith("lost is 1, expected at most 0: 1 of 2 acknowledged messages")
    story = expecting(tmp_path / "b", lost=1).drop("deliver", sequence=1)
    assert broken_expectations(story.workload, story.judge().verdicts) == []


def test_what_cannot_be_confirmed_is_broken_too(tmp_path):
    story = expecting(tmp_path, lost=0)
    story.meta.phases[-1].drained = False
    (sentence,) = broken_expectations(story.workload, story.judge().verdicts)
    assert "cannot be confirmed" in sentence


def test_what_was_never_promised_breaks_no_expectation(tmp_path):
    story = expecting(tmp_path, lost=0).drop("deliver", sequence=1).kill(at=5)
    story.meta.tier = "D0"
    assert broken_expectations(story.workload, story.judge().verdicts) == []
