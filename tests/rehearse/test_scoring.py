"""Scores against values worked out by hand, and the properties that make them scores at all."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.claim import Contradiction, KeyPoint
from harness.rehearse.quantity import convert
from harness.rehearse.schedule import Grade, suggest
from harness.rehearse.scoring import brier, cover, inside, interval_score, relative_score

FEW = settings(max_examples=60, deadline=None)
POINTS = (
    KeyPoint(text="replay decides", weight=3, patterns=(r"re-?play", r"read .*again")),
    KeyPoint(text="one copy", weight=1, patterns=("one copy", "stored once")),
)
WRONG = (Contradiction(patterns=("queues? cannot fan",), why="an exchange copies"),)
finite = st.floats(-1e6, 1e6, allow_nan=False)


def test_coverage_is_the_weight_that_was_found():
    answer = cover("It is the Re-play\nthat counts", POINTS, WRONG)
    assert answer.share == 0.75  # 3 of 3 + 1
    assert [mark.words for mark in answer.points] == [("Re-play",), ()]
    assert answer.contradicted == ()


def test_a_pattern_reaches_over_line_ends_and_words_are_shown_whole():
    answer = cover("they read\nit all again, replayable for ever", POINTS)
    assert answer.points[0].words == ("replayable", "read it all again")


def test_contradictions_are_found_and_say_why():
    answer = cover("A queue cannot fan out", POINTS, WRONG)
    assert [(mark.text, mark.words) for mark in answer.contradicted] == [("an exchange copies", ("queue cannot fan",))]


def test_marks_can_be_turned_over_and_back():
    answer = cover("no replay here; queues cannot fan out", POINTS, WRONG)
    assert len(answer.shown) == 3
    turned = answer.turn([1, 2, 3])
    assert (turned.share, turned.contradicted, turned.overrides) == (0.25, (), (1, 2, 3))
    assert turned.turn([1, 2, 3]) == answer
    with pytest.raises(ValueError, match="no mark 4"):
        answer.turn([4])
    with pytest.raises(ValueError, match="no mark 0"):
        answer.turn([0])


def test_the_same_words_twice_are_two_marks():
    same = (POINTS[1], POINTS[1])
    assert cover("", same).turn([1]).share == 0.5


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ("replay from one copy", Grade.EASY),
        ("replay", Grade.GOOD),
        ("one copy", Grade.AGAIN),
        ("replay from one copy, and queues cannot fan out", Grade.GOOD),
        ("replay, and queues cannot fan out", Grade.HARD),
    ],
)
def test_a_grade_is_suggested(answer, grade):
    assert suggest(cover(answer, POINTS, WRONG)) is grade


def test_brier_by_hand():
    assert brier(0.8, right=True) == pytest.approx(0.04)
    assert brier(0.8, right=False) == pytest.approx(0.64)
    assert brier(0.5, right=True) == brier(0.5, right=False) == 0.25
    with pytest.raises(ValueError, match="between 0 and 1"):
        brier(80, right=True)


def test_interval_score_by_hand():
    assert interval_score(10, 30, 20) == 20  # inside: the width
    assert interval_score(10, 30, 33) == pytest.approx(20 + 10 * 3)  # 2 / 0.2 a unit outside
    assert interval_score(10, 30, 8) == pytest.approx(20 + 10 * 2)
    assert interval_score(10, 30, 33, level=0.5) == pytest.approx(20 + 4 * 3)
    assert relative_score(50, 25) == 2
    assert relative_score(50, -25) == 2
    assert relative_score(50, 0) is None
    with pytest.raises(ValueError, match="above"):
        interval_score(3, 2, 1)


def test_units_of_one_kind_are_converted():
    assert convert(0.25, "share", "%") == pytest.approx(25)
    assert convert(1.5, "ms", "us") == pytest.approx(1500)
    assert convert(1 << 20, "B", "MiB") == 1
    assert convert(3, "msg/s", "msg/s") == 3
    assert convert(3, "ms", "") == 3
    assert convert(3, "ms", "%") is None


@FEW
@given(
    st.lists(st.sampled_from(["replay", "one copy", "offset", "queue", "stored once"]), max_size=6),
    st.text(max_size=20),
)
def test_more_words_never_cover_less(words, more):
    before = " ".join(words)
    assert cover(f"{before} {more}", POINTS).share >= cover(before, POINTS).share


@FEW
@given(st.text(max_size=60))
def test_coverage_is_a_share_and_its_words_were_typed(answer):
    found = cover(answer, POINTS, WRONG)
    assert 0 <= found.share <= 1
    flat = " ".join(answer.split())
    assert all(word in flat for mark in found.shown for word in mark.words)


@FEW
@given(st.sets(st.integers(1, 2)), st.text("replay onc", max_size=30))
def test_turning_everything_over_turns_the_share(numbers, answer):
    found = cover(answer, POINTS)
    assert found.turn(numbers).turn(numbers) == found
    assert found.turn([1, 2]).share == pytest.approx(1 - found.share)


@FEW
@given(finite, finite, finite)
def test_an_interval_costs_its_width_and_what_lies_outside(one, other, truth):
    low, high = min(one, other), max(one, other)
    score = interval_score(low, high, truth)
    assert score >= high - low
    assert (score == high - low) == inside(low, high, truth) or math.isclose(score, high - low)
    assert interval_score(low, high, truth) == pytest.approx(interval_score(-high, -low, -truth))


@FEW
@given(st.floats(0.01, 0.99), st.floats(0.0, 1.0))
def test_saying_what_one_believes_is_best(believed, said):
    """Both rules are proper: the expected score is smallest at the honest answer."""

    def expected(probability):
        return believed * brier(probability, right=True) + (1 - believed) * brier(probability, right=False)

    assert expected(believed) <= expected(said) + 1e-12


@FEW
@given(st.integers(0, 99), st.integers(0, 99))
def test_the_honest_interval_is_best(one, other):
    """Of a figure that is anywhere in 0..99 alike, the 80 % interval runs from its 10 % to its 90 % quantile."""

    def expected(low, high):
        return sum(interval_score(low, high, truth) for truth in range(100)) / 100

    assert expected(10, 89) <= expected(min(one, other), max(one, other)) + 1e-9
