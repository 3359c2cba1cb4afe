"""``mock``: an interview. Timed, typed, with follow-up questions and no help; what it was worth comes at the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.rehearse.desk import AnswersEnded, Desk, TypedLine, clock
from harness.rehearse.evidence import Item
from harness.rehearse.marking import mark
from harness.rehearse.predicting import Now
from harness.rehearse.schedule import suggest
from harness.rehearse.scoring import Coverage, cover
from harness.rehearse.showing import HEAD, SOFT, show_head, show_marks, show_reveal
from harness.rehearse.state import RehearsalState, Review
from harness.reporting.notation import count

FOLLOW_UP_SHARE = 1 / 3  # of a question's time, for each follow-up


@dataclass(frozen=True, slots=True)
class Spoken:
    """One question of the interview as it was answered; ``number`` is its row in the state."""

    item: Item
    number: int
    lines: tuple[TypedLine, ...]
    follow_ups: tuple[str, ...]
    limit_s: float

    @property
    def seconds(self) -> float:
        return self.lines[-1].at_s if self.lines else 0.0

    @property
    def in_time(self) -> str:
        return "\n".join(line.text for line in self.lines if line.at_s <= self.limit_s)

    @property
    def unprompted(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def whole(self) -> str:
        return "\n".join((self.unprompted, *self.follow_ups))

    def cover(self, text: str) -> Coverage:
        card = self.item.claim.card
        return cover(text, card.key_points, card.contradictions)


def questions(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """A draw without repetition; the same seed draws the same."""
    return random.Random(seed).sample(list(items), min(count, len(items)))


def interview(
    items: Sequence[Item], desk: Desk, state: RehearsalState, now: Now, *, limit_s: float, follow_ups: int
) -> list[Spoken]:
    """Ask everything first. An interrupted interview ends with the summary of what was answered, and then with the interrupt."""
    spoken: list[Spoken] = []
    desk.say(
        f"{count(len(items), 'question')}, {clock(limit_s)} each. An empty line ends an answer; Ctrl-C ends the interview.",
        SOFT,
    )
    try:
        for place, item in enumerate(items, start=1):
            spoken.append(_ask(item, f"question {place} of {len(items)}", desk, state, now, limit_s, follow_ups))
    except AnswersEnded:
        pass
    except KeyboardInterrupt:
        desk.say()
        _sum_up(spoken, desk, state)
        raise
    _go_through(spoken, desk, state, now)
    return spoken


def _ask(
    item: Item, place: str, desk: Desk, state: RehearsalState, now: Now, limit_s: float, follow_ups: int
) -> Spoken:
    show_head(desk, item, place)
    desk.say(item.claim.card.prompt)
    lines = desk.answer(limit_s)
    more: list[str] = []
    draft = Spoken(item, 0, lines, (), limit_s)
    number = state.record(_review(draft, now))
    try:
        for text in item.claim.card.follow_ups[:follow_ups]:
            desk.say(text)
            more.append("\n".join(line.text for line in desk.answer(limit_s * FOLLOW_UP_SHARE)))
    except AnswersEnded:
        pass
    return Spoken(item, number, lines, tuple(more), limit_s)


def _review(spoken: Spoken, now: Now) -> Review:
    coverage = spoken.cover(spoken.whole)
    return Review(
        claim=spoken.item.claim.id,
        text_hash=spoken.item.asked,
        mode="mock",
        answered_at=now(),
        seconds=spoken.seconds,
        answer=spoken.whole,
        coverage=coverage.share,
        contradicted=len(coverage.contradicted),
    )


def _go_through(spoken: Sequence[Spoken], desk: Desk, state: RehearsalState, now: Now) -> None:
    """Question by question: marks, reveal, grade; then the summary."""
    for one in spoken:
        show_head(desk, one.item, "looked back at")
        desk.say(one.item.claim.card.prompt)
        show_reveal(desk, one.item)
        if one.item.has_figures:
            state.show(one.item.claim.id, now())
        coverage = one.cover(one.whole)
        show_marks(desk, coverage)
        coverage, grade = mark(desk, coverage)
        state.grade(one.number, grade, coverage.share, len(coverage.contradicted), coverage.overrides)
    _sum_up(spoken, desk, state, graded=True)


def _sum_up(spoken: Sequence[Spoken], desk: Desk, state: RehearsalState, *, graded: bool = False) -> None:
    """Coverage by words: in time, unprompted, and after the follow-ups; what was contradicted; what was missed."""
    if not spoken:
        desk.say("Nothing was answered.")
        return
    desk.say()
    desk.say(
        f"Summary of {count(len(spoken), 'question')} (key points found in your words, before you turned any over)",
        HEAD,
    )
    for one in spoken:
        whole = one.cover(one.whole)
        if not graded:
            state.grade(one.number, suggest(whole), whole.share, len(whole.contradicted), ())
        over = one.seconds - one.limit_s
        late = f", {clock(over)} over time" if over > 0 else ""
        desk.say(f"{one.item.claim.id}  {one.item.claim.slug}", indent=2)
        desk.say(
            f"in time {_percent(one.cover(one.in_time))}, unprompted {_percent(one.cover(one.unprompted))}, "
            f"with follow-ups {_percent(whole)}; {clock(one.seconds)} of {clock(one.limit_s)}{late}",
            indent=6,
        )
        for mark_ in whole.contradicted:
            desk.say(f"contradicted: {mark_.text}", indent=6)
        missed = [mark_.text for mark_ in whole.points if not mark_.found]
        if missed:
            desk.say(f"missed: {'; '.join(missed)}", indent=6)
    mean = sum(one.cover(one.in_time).share for one in spoken) / len(spoken)
    desk.say(f"All in all {100 * mean:.0f} % of the weight in time.", HEAD)


def _percent(coverage: Coverage) -> str:
    return f"{100 * coverage.share:.0f} %"
