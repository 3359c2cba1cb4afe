"""``drill``: the cards that are due, then new ones. Answer in your own words, see the reveal and what was found in them, grade yourself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from harness.rehearse.desk import AnswersEnded, Desk
from harness.rehearse.evidence import Item
from harness.rehearse.marking import HELP, mark
from harness.rehearse.predicting import Now
from harness.rehearse.schedule import Schedule, in_words
from harness.rehearse.scoring import cover
from harness.rehearse.showing import SOFT, show_head, show_marks, show_reveal
from harness.rehearse.state import RehearsalState, Review

HOW = "An empty line ends an answer. Enter alone: I don't know. 'skip' passes. Ctrl-D stops."


def due_cards(items: Sequence[Item], schedules: Mapping[str, Schedule], now: datetime) -> list[Item]:
    """What is due, longest first, then cards never answered, by number."""
    due = [item for item in items if item.claim.id in schedules and schedules[item.claim.id].due <= now]
    new = [item for item in items if item.claim.id not in schedules]
    return sorted(due, key=lambda item: schedules[item.claim.id].due) + new


def drill(
    items: Sequence[Item], desk: Desk, state: RehearsalState, now: Now, elapsed_s: Callable[[], float]
) -> list[Review]:
    """Through these cards; every answer is kept before the next question. Gives what was answered."""
    done: list[Review] = []
    desk.say(HOW, SOFT)
    for place, item in enumerate(items, start=1):
        show_head(desk, item, f"{place} of {len(items)}")
        desk.say(item.claim.card.prompt)
        started = elapsed_s()
        try:
            answer = "\n".join(line.text for line in desk.answer())
        except AnswersEnded:
            break
        if answer.strip().lower() == "skip":
            continue
        review = Review(
            claim=item.claim.id,
            text_hash=item.asked,
            mode="drill",
            answered_at=now(),
            seconds=elapsed_s() - started,
            answer=answer,
            coverage=0.0,
            contradicted=0,
        )
        done.append(_finish(review, item, desk, state, now, first=not done))
    return done


def _finish(review: Review, item: Item, desk: Desk, state: RehearsalState, now: Now, *, first: bool) -> Review:
    """Kept as soon as it is typed; graded when the person has seen the marks and the reveal."""
    coverage = cover(review.answer, item.claim.card.key_points, item.claim.card.contradictions)
    found = replace(review, coverage=coverage.share, contradicted=len(coverage.contradicted))
    number = state.record(found)
    desk.say()
    show_reveal(desk, item)
    if item.has_figures:
        state.show(item.claim.id, now())
    desk.say()
    show_marks(desk, coverage)
    if first:
        desk.say(HELP, SOFT)
    coverage, grade = mark(desk, coverage)
    state.grade(number, grade, coverage.share, len(coverage.contradicted), coverage.overrides)
    desk.say(f"{grade}: again {in_words(state.due(item.claim.id) - now())}", SOFT)
    return replace(
        found,
        coverage=coverage.share,
        contradicted=len(coverage.contradicted),
        overrides=coverage.overrides,
        grade=grade,
    )
