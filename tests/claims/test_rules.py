"""Planted figures for each verdict; intervals that straddle decide nothing."""

import pytest

from harness.claims.rules import decide, find, judge, look_up, ratio, truth
from harness.claims.words import NOT_MEASURED, fill
from harness.model.claim import Bounds, ClaimVerdict, Figure, Outcome, Predict, Rule


def _rule(metric="pylog.lost", **kept):
    return Rule(when=f"{metric} is as it should be", metric=metric, **({"equals": 0} | kept))


def _verdict(rules, measured, absent=()):
    return judge([find(rule, measured, absent) for rule in rules])


NONE_LOST, SOME_LOST = Figure.exact(0), Figure.exact(3)
STRADDLES = Figure(value=1.0, low=0.8, high=1.2, n=3)


@pytest.mark.parametrize(
    ("figure", "bounds", "outcome"),
    [
        (NONE_LOST, Bounds(equals=0), Outcome.HELD),
        (SOME_LOST, Bounds(equals=0), Outcome.BROKEN),
        (STRADDLES, Bounds(at_least=1.0), Outcome.UNDECIDED),
        (STRADDLES, Bounds(at_most=1.2), Outcome.HELD),
        (STRADDLES, Bounds(at_least=1.3), Outcome.BROKEN),
        (STRADDLES, Bounds(at_least=0.9, at_most=1.1), Outcome.UNDECIDED),
        (Figure(value=5.0), Bounds(at_least=1), Outcome.UNDECIDED),  # one run has no interval
        (Figure.exact(5).model_copy(update={"usable": False}), Bounds(at_least=1), Outcome.UNDECIDED),
    ],
)
def test_one_figure_against_bounds(figure, bounds, outcome):
    assert decide(figure, bounds) is outcome


@pytest.mark.parametrize(
    ("rules", "measured", "absent", "verdict"),
    [
        ([_rule()], {"pylog.lost": NONE_LOST}, (), ClaimVerdict.SUPPORTED),
        ([_rule()], {"pylog.lost": SOME_LOST}, (), ClaimVerdict.REFUTED),
        ([_rule(), _rule("kafka.lost")], {"pylog.lost": NONE_LOST, "kafka.lost": SOME_LOST}, (), ClaimVerdict.PARTLY),
        (
            [_rule(), _rule("kafka.lost", required=False)],
            {"pylog.lost": NONE_LOST, "kafka.lost": SOME_LOST},
            (),
            ClaimVerdict.PARTLY,
        ),
        ([_rule(at_least=1.0, equals=None)], {"pylog.lost": STRADDLES}, (), ClaimVerdict.INCONCLUSIVE),
        ([_rule()], {}, (), ClaimVerdict.INCONCLUSIVE),
        (
            [_rule(), _rule("pylog.bit", equals=1, control=True)],
            {"pylog.lost": SOME_LOST, "pylog.bit": NONE_LOST},
            (),
            ClaimVerdict.INCONCLUSIVE,
        ),
        ([_rule()], {}, ("pylog",), ClaimVerdict.NOT_RUN),
        ([_rule(required=False)], {"pylog.lost": NONE_LOST}, (), ClaimVerdict.NOT_RUN),
        ([_rule(), _rule("kafka.lost", required=False)], {"pylog.lost": NONE_LOST}, ("kafka",), ClaimVerdict.SUPPORTED),
    ],
)
def test_each_verdict(rules, measured, absent, verdict):
    found, reason = _verdict(rules, measured, absent)
    assert found is verdict
    assert reason


def test_a_reason_names_the_rule_and_what_was_found():
    _, reason = _verdict([_rule()], {"pylog.lost": SOME_LOST})
    assert "pylog.lost is as it should be" in reason
    assert "3 (wanted exactly 0)" in reason


def test_an_absent_broker_is_not_one_whose_name_begins_alike():
    found = find(_rule("activemq-5.17.lost"), {"activemq-5.17.lost": NONE_LOST}, ("activemq",))
    assert found.outcome is Outcome.HELD
    assert find(_rule("arm/rabbitmq:classic.lost"), {}, ("rabbitmq",)).outcome is Outcome.NOT_RUN


def test_ratios_are_paired_by_repeat():
    slow = Figure(value=3, low=2, high=4, per_run=[2, 3, 4], n=3)
    fast = Figure(value=6, low=4, high=8, per_run=[4, 6, 8], n=3)
    assert ratio(fast, slow).low == pytest.approx(2)
    assert ratio(fast, slow).high == pytest.approx(2)


def test_unpaired_ratios_get_the_widest_interval():
    found = ratio(Figure(value=3, low=2, high=4), Figure(value=2, low=1, high=4))
    assert (found.value, found.low, found.high) == (1.5, 0.5, 4)
    assert not ratio(Figure.exact(3), Figure.exact(0)).usable
    assert look_up({"a": NONE_LOST}, "a", "b") is None


def test_what_a_prediction_is_held_against():
    choices = [{"text": "none", "equals": 0}, {"text": "some", "at_least": 1}]
    direction = Predict(kind="direction", question="How many?", metric="a", choices=choices)
    assert truth(direction, {"a": SOME_LOST}).text == "some"
    assert truth(direction, {}) is None
    assert truth(direction, {"a": STRADDLES}) is None
    assert truth(Predict(kind="number", question="How many?", metric="a"), {"a": STRADDLES}) is STRADDLES


def test_texts_have_figures_only_where_there_are_some():
    measured = {
        "a.b": Figure(value=2, low=1, high=3, unit="ms", n=3),
        "c": Figure.exact(1.2096e14, "B"),
        "d": STRADDLES,
    }
    assert fill("took {a.b}", measured) == "took 2 ms [1 ms to 3 ms]"
    assert fill("keeps {c}", measured) == "keeps 121 TB"
    assert fill("twice {d / a.b}", measured).startswith("twice 0.5")
    assert fill("took {a.b}", None) == f"took {NOT_MEASURED}"
