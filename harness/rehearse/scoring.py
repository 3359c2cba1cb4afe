"""How an answer is scored. Pure, and called what it is: words that were found, a prediction's distance from what was measured.

Key-point coverage: the share of a card's weight whose patterns are found in the typed answer. The matched words are kept, because a
pattern neither understands a negation nor a synonym that nobody thought of: the person turns a mark over where it is wrong.

Predictions are scored by proper rules, under which saying what one believes is the best one can do: the Brier score of "my choice is
right" (G. W. Brier, 1950), and the interval score of a central 80 % interval (T. Gneiting, A. E. Raftery, 2007, section 6.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from harness.model.claim import Contradiction, KeyPoint

LEVEL = 0.8  # of the intervals that are asked for
WORDS_AROUND = re.compile(r"[\w'’-]*")


@dataclass(frozen=True, slots=True)
class Mark:
    """One key point or contradiction against one answer. ``words``: what matched, as typed; empty where nothing did."""

    text: str
    weight: float
    words: tuple[str, ...]
    turned: bool = False  # the person said that the patterns are wrong

    @property
    def found(self) -> bool:
        return bool(self.words) != self.turned


@dataclass(frozen=True, slots=True)
class Coverage:
    """An answer's marks. Marks are numbered from 1 as they are shown: the points first, then the contradictions."""

    points: tuple[Mark, ...]
    contradictions: tuple[Mark, ...] = ()

    @property
    def share(self) -> float:
        """0..1 of the weight; 1 for a card without key points, of which nothing can be missed."""
        whole = sum(mark.weight for mark in self.points)
        return sum(mark.weight for mark in self.points if mark.found) / whole if whole > 0 else 1.0

    @property
    def contradicted(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.contradictions if mark.found)

    @property
    def shown(self) -> tuple[Mark, ...]:
        """What can be turned over: every point, and each contradiction that matched."""
        return (*self.points, *(mark for mark in self.contradictions if mark.words))

    def turn(self, numbers: Collection[int]) -> Coverage:
        """The same answer with these marks (1-based, as in ``shown``) turned over. Raises ValueError for a number that is not there."""
        wrong = sorted(number for number in numbers if not 1 <= number <= len(self.shown))
        if wrong:
            raise ValueError(f"there is no mark {wrong[0]}; the marks are 1 to {len(self.shown)}")
        turned = {id(self.shown[number - 1]) for number in numbers}

        def flip(mark: Mark) -> Mark:
            return replace(mark, turned=not mark.turned) if id(mark) in turned else mark

        return Coverage(tuple(map(flip, self.points)), tuple(map(flip, self.contradictions)))

    @property
    def overrides(self) -> tuple[int, ...]:
        return tuple(number for number, mark in enumerate(self.shown, start=1) if mark.turned)


def cover(answer: str, key_points: Iterable[KeyPoint], contradictions: Iterable[Contradiction] = ()) -> Coverage:
    """Hold a typed answer against a card's patterns: regular expressions, in any case, across line ends."""
    flat = " ".join(answer.split())
    return Coverage(
        tuple(Mark(point.text, float(point.weight), _words(flat, point.patterns)) for point in key_points),
        tuple(Mark(one.why, 0.0, _words(flat, one.patterns)) for one in contradictions),
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _words(flat: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The first match of each pattern, widened to whole words; none twice."""
    found: dict[str, None] = {}
    for pattern in patterns:
        match = _compiled(pattern).search(flat)
        if match is None or match.start() == match.end():
            continue
        begin, end = match.span()
        while begin > 0 and WORDS_AROUND.fullmatch(flat[begin - 1]) and WORDS_AROUND.fullmatch(flat[begin]):
            begin -= 1
        after = WORDS_AROUND.match(flat, end)
        if after is not None and WORDS_AROUND.fullmatch(flat[end - 1]):
            end = after.end()
        found[flat[begin:end]] = None
    return tuple(found)


def brier(probability: float, *, right: bool) -> float:
    """(p - outcome)²: 0 is sure and right, 1 is sure and wrong, 0.25 is what 50 % always gets. Raises ValueError outside 0..1."""
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies between 0 and 1, got {probability!r}")
    return (probability - float(right)) ** 2


def inside(low: float, high: float, truth: float) -> bool:
    return low <= truth <= high


def interval_score(low: float, high: float, truth: float, level: float = LEVEL) -> float:
    """Width, plus 2/(1 - level) times how far the truth lies outside; in the metric's unit, smaller is better.

    At 80 % each unit of distance outside costs ten units of width. Raises ValueError for ``low > high`` and for a level outside 0..1.
    """
    if low > high:
        raise ValueError(f"the low end {low} is above the high end {high}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level!r}")
    outside = max(low - truth, 0.0, truth - high)
    return (high - low) + 2 / (1 - level) * outside


def relative_score(score: float, truth: float) -> float | None:
    """An interval score in truths, so that milliseconds and messages a second stand in one list; None for a truth of zero."""
    return score / abs(truth) if truth else None
