"""How a person stands: calibration of predictions, and what is due. A pure fold over what the state holds.

Only first looks count for calibration: who has seen a figure remembers it. At 80 %, eight of ten intervals should hold the figure; more
means that they are too wide, fewer that they are too narrow. ``overconfidence`` is how sure, less how often right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import fmean, median

from harness.rehearse.schedule import Schedule
from harness.rehearse.scoring import LEVEL, relative_score
from harness.rehearse.state import Prediction, Review
from harness.reporting.notation import count as count_text
from harness.statistics.proportion import score_interval

FEW = 10  # below, a hit rate says next to nothing, and the words say so


@dataclass(frozen=True, slots=True)
class Intervals:
    """Numbers: hit rate with its 95 % interval, and the median interval score in figures (scale-free)."""

    settled: int
    hits: int
    hit_rate: float | None
    hit_rate_low: float | None
    hit_rate_high: float | None
    relative_score_median: float | None
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Directions:
    settled: int
    right: int
    brier_mean: float | None
    sureness_mean: float | None
    overconfidence: float | None


@dataclass(frozen=True, slots=True)
class Due:
    cards: int
    now: int
    within_a_day: int
    within_a_week: int
    new: int


@dataclass(frozen=True, slots=True)
class Stats:
    intervals: Intervals
    directions: Directions
    repeats: int  # settled predictions of a figure that was known already
    open: int  # locked, and not measured yet
    due: Due
    answers: Mapping[str, int]  # by mode
    coverage_mean: Mapping[str, float]  # by mode
    traps_seen_through: int

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def fold(
    predictions: Sequence[Prediction],
    reviews: Sequence[Review],
    schedules: Mapping[str, Schedule],
    cards: Collection[str],
    now: datetime,
) -> Stats:
    """``cards`` are the claims there are: what was answered about one that is gone counts, its due date does not."""
    settled = [one for one in predictions if one.settled_at is not None]
    first = [one for one in settled if one.first_look]
    modes = Counter[str](one.mode for one in reviews)
    return Stats(
        intervals=_intervals([one for one in first if one.kind == "number"]),
        directions=_directions([one for one in first if one.kind == "direction"]),
        repeats=len(settled) - len(first),
        open=len(predictions) - len(settled),
        due=_due(schedules, cards, now),
        answers=dict(modes),
        coverage_mean={mode: fmean(one.coverage for one in reviews if one.mode == mode) for mode in modes},
        traps_seen_through=sum(bool(one.trap_right) for one in reviews),
    )


def _intervals(numbers: Sequence[Prediction]) -> Intervals:
    hits = sum(bool(one.was_right) for one in numbers)
    scores = [
        relative_score(one.score, one.truth) for one in numbers if one.score is not None and one.truth is not None
    ]
    scaled = [score for score in scores if score is not None]
    low, high = score_interval(hits, len(numbers)) if numbers else (None, None)
    return Intervals(
        settled=len(numbers),
        hits=hits,
        hit_rate=hits / len(numbers) if numbers else None,
        hit_rate_low=low,
        hit_rate_high=high,
        relative_score_median=median(scaled) if scaled else None,
    )


def _directions(choices: Sequence[Prediction]) -> Directions:
    if not choices:
        return Directions(0, 0, None, None, None)
    right = sum(bool(one.was_right) for one in choices)
    sure = fmean(one.sureness or 0.0 for one in choices)
    return Directions(
        settled=len(choices),
        right=right,
        brier_mean=fmean(one.score or 0.0 for one in choices),
        sureness_mean=sure,
        overconfidence=sure - right / len(choices),
    )


def _due(schedules: Mapping[str, Schedule], cards: Collection[str], now: datetime) -> Due:
    dates = [schedules[claim].due for claim in cards if claim in schedules]

    def until(when: datetime) -> int:
        return sum(due <= when for due in dates)

    return Due(
        cards=len(cards),
        now=until(now),
        within_a_day=until(now + timedelta(days=1)),
        within_a_week=until(now + timedelta(days=7)),
        new=len(cards) - len(dates),
    )


def in_words(stats: Stats) -> list[str]:
    """Sentences for a terminal of any width."""
    due, numbers, choices = stats.due, stats.intervals, stats.directions
    lines = []
    lines.append(
        f"Cards: {due.cards}; due now {due.now}, within a day {due.within_a_day}, within a week {due.within_a_week}; "
        f"never answered {due.new}."
    )
    if numbers.hit_rate is None:
        lines.append("Intervals: none settled yet.")
    else:
        score = numbers.relative_score_median
        beside = "" if score is None else f" Median interval score {score:.2g} of the figure (0 best)."
        lines.append(
            f"Intervals: {numbers.hits} of {numbers.settled} held the figure, {100 * numbers.hit_rate:.0f} % "
            f"({100 * (numbers.hit_rate_low or 0):.0f}–{100 * (numbers.hit_rate_high or 0):.0f}) against the {100 * LEVEL:.0f} % "
            f"you aimed at.{_few(numbers.settled)}{beside}"
        )
    if choices.brier_mean is None:
        lines.append("Directions: none settled yet.")
    else:
        over = 100 * (choices.overconfidence or 0.0)
        lean = "as sure as right" if abs(over) < 5 else f"{abs(over):.0f} points too {'sure' if over > 0 else 'unsure'}"
        lines.append(
            f"Directions: {choices.right} of {choices.settled} right, {100 * (choices.sureness_mean or 0):.0f} % sure on average: "
            f"{lean}.{_few(choices.settled)} Brier score {choices.brier_mean:.2f} (0 best, 0.25 for always saying 50 %)."
        )
    if stats.repeats:
        lines.append(f"Not counted: {count_text(stats.repeats, 'prediction')} of a figure that you had seen.")
    if stats.open:
        lines.append(f"Locked and not measured yet: {stats.open}.")
    lines.extend(
        f"{mode.capitalize()}: {count_text(count, 'answer')}, {100 * stats.coverage_mean[mode]:.0f} % of the key points' weight on average."
        for mode, count in sorted(stats.answers.items())
    )
    if "traps" in stats.answers:
        lines.append(f"Traps seen through: {stats.traps_seen_through} of {stats.answers['traps']}.")
    return lines


def _few(settled: int) -> str:
    return " So few say little." if settled < FEW else ""
