"""Each mode with scripted answers, from the first question to what is kept."""

from datetime import timedelta

import pytest

from harness.claims.store import Freshness
from harness.model.claim import ClaimVerdict, Figure
from harness.rehearse.desk import AnswersEnded
from harness.rehearse.drilling import drill, due_cards
from harness.rehearse.evidence import Item, reveal
from harness.rehearse.interviewing import interview, questions
from harness.rehearse.predicting import in_order, predict, settle_open, settled_since
from harness.rehearse.schedule import Grade
from harness.rehearse.state import RehearsalState
from harness.rehearse.stats import fold, in_words
from harness.rehearse.trapping import trap, traps_of
from tests.rehearse.factory import DIRECTION, NOW, Clock, Paper, claim, finding, item

FIGURE = "0.98"


@pytest.fixture
def state(tmp_path):
    with RehearsalState(tmp_path / "state.sqlite") as opened:
        yield opened


def spied(about):
    """An experiment that says when it ran."""
    ran = []

    def measure(what):
        ran.append(what.claim.id)
        return about

    return measure, ran


class TestPredict:
    def test_a_number_is_locked_before_it_is_measured(self, state):
        paper = Paper("90..99")
        measured = item()
        asked = item(verdict=None)

        def measure(what):
            assert what is asked
            assert state.predictions()[0].low == 90, "not locked before the experiment began"
            assert FIGURE not in paper.text
            return measured

        (settled,) = predict([asked], paper.desk, state, paper.clock.now, measure)
        assert (settled.was_right, settled.truth, settled.score, settled.how) == (True, 98, 9, "live")
        assert "inside" in paper.text
        assert "locked at 12:00:00 UTC" in paper.text
        assert state.predictions()[0].score == 9

    def test_a_finding_that_is_there_is_not_shown_before_the_lock(self, state):
        paper = Paper("nonsense", "60..20", "50", "20..60")
        (settled,) = predict([item()], paper.desk, state, paper.clock.now, None)
        before, _, after = paper.text.partition("locked at")
        assert "98" not in before
        assert "SUPPORTED" not in before
        assert FIGURE in after
        assert "point" in before
        assert (settled.was_right, settled.how) == (False, "offline")
        assert settled.score == pytest.approx(40 + 10 * 38)

    def test_a_direction_with_how_sure(self, state):
        high = Figure(value=1.0, low=1.0, high=1.0, unit="share", n=3)
        paper = Paper("9 50", "2", "75")
        (settled,) = predict([item(predict=DIRECTION, figure=high)], paper.desk, state, paper.clock.now, None)
        assert (settled.choice, settled.sureness, settled.was_right) == ("about half", 0.75, False)
        assert settled.score == pytest.approx(0.5625)
        assert "all of it" in paper.text

    def test_an_interval_between_the_choices_decides_nothing(self, state):
        wide = Figure(value=0.7, low=0.5, high=0.9, unit="share", n=3)
        paper = Paper("1 60")
        (kept,) = predict([item(predict=DIRECTION, figure=wide)], paper.desk, state, paper.clock.now, None)
        assert kept.settled_at is None
        assert "kept, and not scored" in paper.flat

    def test_without_evidence_it_says_so_and_settles_when_there_is_some(self, state):
        paper = Paper("90..99")
        asked = item(verdict=None)
        predict([asked], paper.desk, state, paper.clock.now, None)
        assert "not measured here" in paper.text
        early = Item(asked.claim, finding(asked.claim, created=NOW - timedelta(days=1)), Freshness.FRESH)
        assert settle_open([early], state, paper.clock.now) == [], "a finding from before the lock might have been seen"
        late = Item(asked.claim, finding(asked.claim, created=NOW + timedelta(hours=1)), Freshness.FRESH)
        (settled,) = settle_open([late], state, paper.clock.now)
        assert "locked 90 to 99 in: 98" in settled_since(settled)
        assert (settled.how, settled.was_right) == ("later", True)
        assert settle_open([late], state, paper.clock.now) == []

    def test_a_changed_question_settles_nothing(self, state):
        paper = Paper("1 60")
        predict([item(verdict=None, predict=DIRECTION)], paper.desk, state, paper.clock.now, None)
        changed = claim()
        late = Item(changed, finding(changed, created=NOW + timedelta(hours=1)), Freshness.FRESH)
        assert settle_open([late], state, paper.clock.now) == []

    def test_a_second_look_does_not_count(self, state):
        paper = Paper("90..99", "97..99")
        predict([item(), item()], paper.desk, state, paper.clock.now, None)
        assert "does not count" in paper.flat
        stats = fold(state.predictions(), [], {}, ["C33"], NOW)
        assert (stats.intervals.settled, stats.repeats) == (1, 1)

    def test_ctrl_c_while_it_is_measured_keeps_the_prediction(self, state):
        paper = Paper("90..99")

        def interrupted(_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            predict([item()], paper.desk, state, paper.clock.now, interrupted)
        assert [one.settled_at for one in state.predictions()] == [None]

    def test_a_reveal_without_figures_gives_nothing_away(self, state):
        paper = Paper("replay", "", "", "90..99")
        drill([item(verdict=None)], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        (settled,) = predict([item()], paper.desk, state, paper.clock.now, None)
        assert settled.first_look
        drilled = Paper("replay", "", "", "90..99")
        drill([item(34)], drilled.desk, state, paper.clock.now, paper.clock.elapsed_s)
        (settled,) = predict([item(34)], drilled.desk, state, paper.clock.now, None)
        assert not settled.first_look

    def test_skip_and_the_end_of_answers(self, state):
        measure, ran = spied(item())
        paper = Paper("skip")
        assert predict([item(33), item(34)], paper.desk, state, paper.clock.now, measure) == []
        assert ran == []
        assert state.predictions() == []

    def test_what_was_never_predicted_comes_first(self, state):
        paper = Paper("1..2")
        predict([item(10)], paper.desk, state, paper.clock.now, None)
        order = in_order([item(10), item(12), item(11)], state.predictions())
        assert [one.claim.id for one in order] == ["C11", "C12", "C10"]


class TestDrill:
    def test_from_answer_to_due_date(self, state):
        paper = Paper("It is the replay that", "decides.", "", "2", "")
        (review,) = drill([item()], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert "1 of 2, 75 % by weight" in paper.text
        assert "«replay»" in paper.text
        assert "2 of 2, 100 % by weight" in paper.text  # after mark 2 was turned over
        assert (review.grade, review.overrides, review.coverage) == (Grade.EASY, (2,), 1.0)
        assert state.reviews() == [review]
        assert "easy: again in" in paper.text
        assert due_cards([item()], state.schedules(), NOW) == []
        assert len(due_cards([item()], state.schedules(), NOW + timedelta(days=400))) == 1

    def test_the_reveal_is_in_order_and_after_the_answer(self, state):
        paper = Paper("replay", "", "")
        drill([item()], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        parts = [
            "> replay",
            "Shape",
            "Mechanism",
            "This machine",
            "SUPPORTED",
            "Test CPU",
            "Cost",
            "What would change my mind",
        ]
        places = [paper.text.index(part) for part in parts]
        assert places == sorted(places)

    def test_a_grade_typed_and_nonsense(self, state):
        paper = Paper("", "9", "perhaps", "ha")
        (review,) = drill([item()], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert review.grade is Grade.HARD
        assert review.coverage == 0
        assert "no mark 9" in paper.text
        assert "'perhaps'" in paper.text

    def test_skip_and_the_end_of_answers(self, state):
        paper = Paper("skip", "", "replay", "")
        done = drill([item(33), item(34), item(35)], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert [one.claim for one in done] == ["C34"]
        assert done[0].grade is Grade.GOOD  # the suggestion, where the answers ended

    def test_ctrl_c_keeps_what_was_answered(self, state):
        paper = Paper("replay", "", "", "more")
        ask, asked = paper.desk._read, []

        def read(prompt):
            asked.append(prompt)
            if len(asked) == 4:
                raise KeyboardInterrupt
            return ask(prompt)

        paper.desk._read = read
        with pytest.raises(KeyboardInterrupt):
            drill([item(33), item(34)], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert [(one.claim, one.grade) for one in state.reviews()] == [("C33", Grade.GOOD)]

    def test_an_answer_is_kept_before_it_is_graded(self, state):
        paper = Paper("replay", "")

        def interrupted(_):
            raise KeyboardInterrupt

        paper.desk.ask = interrupted
        with pytest.raises(KeyboardInterrupt):
            drill([item()], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert [(one.answer, one.grade) for one in state.reviews()] == [("replay", None)]


class TestMock:
    def test_timed_with_follow_ups_and_a_summary(self, state):
        clock = Clock(ticking=True)
        paper = Paper(
            "replay", "and", "from", "one copy", "", "the log grows", "", "retention", "", "good", clock=clock
        )
        (spoken,) = interview([item()], paper.desk, state, clock.now, limit_s=5, follow_ups=2)
        assert spoken.follow_ups == ("the log grows", "retention")
        assert "0:04 > replay" in paper.text
        assert "over 0:0" in paper.text
        assert "in time 75 %, unprompted 100 %, with follow-ups 100 %" in paper.flat
        assert "over time" in paper.text
        before_summary = paper.text.partition("looked back at")[0]
        assert "Key points" not in before_summary
        assert [(one.mode, one.grade) for one in state.reviews()] == [("mock", Grade.GOOD)]

    def test_an_interrupt_sums_up_what_was_answered(self, state):
        paper = Paper("queues cannot fan out", "", "", "")
        read, asked = paper.desk._read, []

        def interrupting(prompt):
            asked.append(prompt)
            if len(asked) == 5:
                raise KeyboardInterrupt
            return read(prompt)

        paper.desk._read = interrupting
        with pytest.raises(KeyboardInterrupt):
            interview([item(33), item(34)], paper.desk, state, paper.clock.now, limit_s=60, follow_ups=2)
        assert "Summary of 1 question" in paper.flat
        assert "contradicted: An exchange copies." in paper.flat
        assert "missed: Replay decides; One stored copy" in paper.flat
        assert [(one.claim, one.grade) for one in state.reviews()] == [("C33", Grade.AGAIN)]

    def test_the_draw(self):
        cards = [item(number) for number in range(10, 30)]
        drawn = [one.claim.id for one in questions(cards, 5, seed=4)]
        assert drawn == [one.claim.id for one in questions(cards, 5, seed=4)]
        assert len(set(drawn)) == 5
        assert len(questions(cards[:2], 5, seed=4)) == 2


class TestTraps:
    def test_only_what_the_data_broke(self):
        cards = [item(10), item(11, ClaimVerdict.PARTLY), item(12, None), item(13, ClaimVerdict.REFUTED)]
        assert [one.claim.id for one in traps_of(cards)] == ["C13", "C11"]

    def test_seen_through(self, state):
        cards = [item(13, ClaimVerdict.REFUTED), item(14, ClaimVerdict.REFUTED)]
        paper = Paper("no", "replay", "", "what", "y", "")
        done = trap(cards, paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
        assert [one.trap_right for one in done] == [True, False]
        assert "Seen through 1 of 2" in paper.text
        assert "wanted at least 0.99" in paper.flat
        assert "trap: Streams are a log as well." in paper.text
        assert state.schedules() == {}


class TestStats:
    def test_calibration_by_hand(self, state):
        answers = ["90..99", "97..99", "0..1", "97.5..98.5"]
        paper = Paper(*answers, "1 80", "1 60")
        high = Figure(value=1.0, low=1.0, high=1.0, unit="share", n=3)
        predict([item(10 + n) for n in range(4)], paper.desk, state, paper.clock.now, None)
        predict([item(20, predict=DIRECTION, figure=high)], paper.desk, state, paper.clock.now, None)
        half = Figure(value=0.5, low=0.5, high=0.5, unit="share", n=3)
        predict([item(21, predict=DIRECTION, figure=half)], paper.desk, state, paper.clock.now, None)
        found = fold(state.predictions(), [], {}, ["C10", "C11"], NOW)
        assert (found.intervals.settled, found.intervals.hits, found.intervals.hit_rate) == (4, 3, 0.75)
        assert found.intervals.hit_rate_low == pytest.approx(0.3006, abs=1e-3)  # Wilson, 3 of 4
        assert found.intervals.hit_rate_high == pytest.approx(0.9544, abs=1e-3)
        assert found.intervals.relative_score_median == pytest.approx((9 + 2) / 2 / 98)  # 1, 2, 9 and 971 of 98
        assert (found.directions.settled, found.directions.right) == (2, 1)
        assert found.directions.brier_mean == pytest.approx((0.2**2 + 0.6**2) / 2)
        assert found.directions.overconfidence == pytest.approx(0.7 - 0.5)
        assert found.due.new == 2
        text = " ".join(in_words(found))
        assert "3 of 4 held the figure, 75 %" in text
        assert "So few say little" in text
        assert "20 points too sure" in text

    def test_nothing_yet(self):
        found = fold([], [], {}, [], NOW)
        assert found.intervals.hit_rate is None
        assert "none settled yet" in " ".join(in_words(found))


@pytest.mark.parametrize("width", [24, 40])
def test_a_narrow_terminal(state, width):
    """Nothing is wider than the terminal, not even a word that is printed back."""
    answers = ("It is the replay that decides, and one copy", "", "", "no", "replay", "", "90..99")
    paper = Paper(*answers, width=width)
    drill([item()], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
    trap([item(34, ClaimVerdict.REFUTED)], paper.desk, state, paper.clock.now, paper.clock.elapsed_s)
    predict([item(35)], paper.desk, state, paper.clock.now, None)
    assert max(map(len, paper.text.splitlines())) <= width
    assert "inside" in paper.text


def test_markup_in_a_claim_is_text(state):
    about = claim(statement="[bold]A log[/bold] can, [link=x]a queue[/link] cannot.")
    paper = Paper("1..2")
    predict([Item(about, None, Freshness.NONE)], paper.desk, state, paper.clock.now, None)
    assert "[bold]A log[/bold]" in paper.text


@pytest.mark.parametrize("freshness", list(Freshness))
def test_every_state_of_the_evidence_is_said(freshness):
    about = claim()
    shown = Item(about, None if freshness is Freshness.NONE else finding(about), freshness)
    evidence = next(section for section in reveal(shown) if "machine" in section.name)
    words = {
        Freshness.FRESH: "2026-03-01 12:00 UTC on Test CPU",
        Freshness.CLAIM_CHANGED: "changed since",
        Freshness.OLDER_VERSION: "another version",
        Freshness.OTHER_HOST: "another machine",
        Freshness.OLD: "more than 30 days old",
        Freshness.NONE: "not measured here",
    }
    assert words[freshness] in " ".join(evidence.lines)
    assert ("harness claim run C33" in " ".join(evidence.lines)) == (freshness is not Freshness.FRESH)


def test_an_answer_of_no_lines_and_no_answer_are_different():
    assert Paper("").desk.answer() == ()
    with pytest.raises(AnswersEnded):
        Paper().desk.answer()
