"""When a card comes back: FSRS, from the ``fsrs`` library, without its random spread: the same answers give the same days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from fsrs import Card, Rating, Scheduler

from harness.rehearse.scoring import Coverage

CARD_NUMBER = 1  # the library wants one; ours are known by their claim
HARD_FROM, GOOD_FROM, EASY_FROM = 0.4, 0.7, 0.95


class Grade(StrEnum):
    AGAIN = "again"
    HARD = "hard"
    GOOD = "good"
    EASY = "easy"


_ORDER = tuple(Grade)
_RATING = {Grade.AGAIN: Rating.Again, Grade.HARD: Rating.Hard, Grade.GOOD: Rating.Good, Grade.EASY: Rating.Easy}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where a card stands. ``memory`` is the library's own document, opaque to us; empty for a card that was never answered."""

    memory: str
    due: datetime


def scheduler() -> Scheduler:
    return Scheduler(enable_fuzzing=False)


def review(memory: str, grade: Grade, now: datetime) -> Schedule:
    """The card's state after an answer of this grade. ``now`` is UTC."""
    card = Card.from_json(memory) if memory else Card(card_id=CARD_NUMBER, due=now)
    after, _ = scheduler().review_card(card, _RATING[grade], now.astimezone(UTC))
    return Schedule(after.to_json(), after.due)


def suggest(coverage: Coverage) -> Grade:
    """By coverage, one grade lower for each contradiction that stands; the person has the last word."""
    share = coverage.share
    place = 3 if share >= EASY_FROM else 2 if share >= GOOD_FROM else 1 if share >= HARD_FROM else 0
    return _ORDER[max(0, place - len(coverage.contradicted))]


def in_words(wait: timedelta) -> str:
    """``timedelta(days=3, hours=2)`` -> ``in 3 days``; what is due is ``now``."""
    minutes = wait.total_seconds() / 60
    if minutes < 0.5:
        return "now"
    for limit, size, unit in ((90.0, 1.0, "minute"), (36 * 60.0, 60.0, "hour")):
        if minutes < limit:
            return _counted(round(minutes / size), unit)
    days = minutes / 1440
    return _counted(round(days), "day") if days < 60 else _counted(round(days / 30.4), "month")


def _counted(number: int, unit: str) -> str:
    return f"in {number} {unit}{'' if number == 1 else 's'}"
