"""What was answered survives, and two processes at once keep everything."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.errors import StateError
from harness.rehearse.schedule import Grade, in_words, review
from harness.rehearse.state import SCHEMA_VERSION, Prediction, RehearsalState, Review, default_file
from tests.rehearse.factory import NOW


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "rehearsal.sqlite"


def answered(**changes) -> Review:
    made = Review("C33", "hash", "drill", NOW, 12.5, "replay\nof course", 0.75, 0, (2,), Grade.GOOD)
    return replace(made, **changes)


def predicted(**changes) -> Prediction:
    made = Prediction("C33", "hash", "number", "log.share", "%", NOW, first_look=True, low=20.0, high=60.0)
    return replace(made, **changes)


def test_grades_move_a_card_on():
    """FSRS with its default weights and without its random spread: these days are the library's, the order is what matters."""
    first = {grade: review("", grade, NOW).due - NOW for grade in Grade}
    assert first[Grade.AGAIN] < first[Grade.HARD] < first[Grade.GOOD] < timedelta(days=1) < first[Grade.EASY]
    once = review("", Grade.EASY, NOW)
    assert once == review("", Grade.EASY, NOW)
    twice = review(once.memory, Grade.GOOD, once.due)
    assert twice.due - once.due > once.due - NOW
    forgot = review(twice.memory, Grade.AGAIN, twice.due)
    assert forgot.due - twice.due < timedelta(hours=1)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(minutes=-5), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(hours=3), "in 3 hours"),
        (timedelta(days=8), "in 8 days"),
        (timedelta(days=91), "in 3 months"),
    ],
)
def test_waits_in_words(wait, words):
    assert in_words(wait) == words


def test_it_survives(path):
    with RehearsalState(path) as state:
        state.record(answered())
        locked = state.lock(predicted())
        second = state.lock(predicted())  # a change of mind is no second chance
        state.show("C34", NOW)
        assert not state.lock(predicted(claim="C34")).first_look
        state.settle(
            replace(locked, settled_at=NOW, how="live", outcome="50 %", truth=50.0, was_right=True, score=40.0)
        )
        due = state.due("C33")
    with RehearsalState(path) as state:
        assert state.reviews() == [answered()]
        assert state.schedules()["C33"].due == due == review("", Grade.GOOD, NOW).due
        assert state.seen() == {"C34"}
        first, again, _ = state.predictions()
        assert (first.first_look, first.was_right, first.score, first.settled_at) == (True, True, 40.0, NOW)
        assert (again.first_look, again.settled_at, again.id) == (False, None, second.id)


def test_a_prediction_is_settled_once(path):
    with RehearsalState(path) as state:
        locked = state.lock(predicted())
        for score in (1.0, 2.0):
            state.settle(replace(locked, settled_at=NOW, score=score))
        assert state.predictions()[0].score == 1.0


def test_what_is_graded_later_counts_from_when_it_was_answered(path):
    with RehearsalState(path) as state:
        number = state.record(answered(grade=None, overrides=()))
        assert state.schedules() == {}
        state.grade(number, Grade.GOOD, 1.0, 0, (2,))
        assert state.reviews() == [answered(coverage=1.0)]
        assert state.due("C33") == review("", Grade.GOOD, NOW).due
        state.grade(number, Grade.AGAIN, 0.0, 1, ())  # a second thought changes the record, not the schedule twice
        assert state.due("C33") == review("", Grade.GOOD, NOW).due


def test_a_transaction_that_fails_leaves_nothing(path):
    with RehearsalState(path) as state:
        with pytest.raises(sqlite3.IntegrityError):
            state.record(answered(mode=None))
        state.record(answered())
        assert len(state.reviews()) == 1


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from harness.rehearse.schedule import Grade
from harness.rehearse.state import RehearsalState, Review
with RehearsalState(Path(sys.argv[1])) as state:
    for _ in range(20):
        state.record(Review(sys.argv[2], "hash", "drill", datetime.now(UTC), 1.0, "replay", 1.0, 0, (), Grade.GOOD))
"""


def test_two_processes_at_once(path):
    """Both create the file, both write: every answer of both is there, and the file is whole."""
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda claim: subprocess.run(
                    [sys.executable, "-c", WRITER, str(path), claim],
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                ),
                ("C01", "C02"),
            )
        )
    assert [one.stderr for one in done] == ["", ""]
    with RehearsalState(path) as state:
        assert sorted(one.claim for one in state.reviews()) == ["C01"] * 20 + ["C02"] * 20
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_someone_else_holds_or_that_cannot_be_written(path, monkeypatch):
    monkeypatch.setattr("harness.rehearse.state.WAIT_S", 0.05)
    with RehearsalState(path) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="locked"):
            state.record(answered())
        other.execute("ROLLBACK")
        state.record(answered())
        assert len(state.reviews()) == 1
    with pytest.raises(StateError, match="cannot use"):
        RehearsalState(path.parent)


def test_a_newer_file_is_refused(path):
    with RehearsalState(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StateError, match=f"version is {SCHEMA_VERSION + 1}") as raised:
        RehearsalState(path)
    assert raised.value.next_command


def test_other_files_are_refused_and_left_alone(tmp_path):
    theirs = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(theirs)) as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    before = theirs.read_bytes()
    with pytest.raises(StateError, match="another program"):
        RehearsalState(theirs)
    assert theirs.read_bytes() == before
    text = tmp_path / "notes.txt"
    text.write_text("my notes " * 100)
    with pytest.raises(StateError, match="cannot use"):
        RehearsalState(text)


def test_where_it_lies():
    assert str(default_file({"XDG_STATE_HOME": "/s"})) == "/s/messaging-harness/rehearsal.sqlite"
    assert (
        str(default_file({"HOME": "/h", "XDG_STATE_HOME": "not/absolute"}))
        == "/h/.local/state/messaging-harness/rehearsal.sqlite"
    )
