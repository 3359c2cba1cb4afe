"""``traps``: what everybody says and the data here refuted, or supported only in part. Hold it up and see through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model.claim import ClaimVerdict, Outcome
from harness.rehearse.desk import AnswersEnded, Desk
from harness.rehearse.evidence import VERDICT_WORDS, Item, rule_text
from harness.rehearse.predicting import Now
from harness.rehearse.scoring import cover
from harness.rehearse.showing import BAD, GOOD, HEAD, SOFT, show_head, show_marks, show_reveal
from harness.rehearse.state import RehearsalState, Review

TRAPS = (ClaimVerdict.REFUTED, ClaimVerdict.PARTLY)
NONE_YET = (
    "No finding here refutes a claim or supports one only in part; a trap needs one. next: harness claim run --all"
)
_ANSWERS = {"y": ClaimVerdict.SUPPORTED, "p": ClaimVerdict.PARTLY, "n": ClaimVerdict.REFUTED}


def traps_of(items: Sequence[Item]) -> list[Item]:
    """The refuted first: they are the better traps."""
    found = [item for item in items if item.finding is not None and item.finding.verdict in TRAPS]
    return sorted(found, key=lambda item: item.finding is None or TRAPS.index(item.finding.verdict))


def trap_prompt(item: Item) -> str:
    """The claim as it would be said across a table, and why people say it."""
    return f"“{item.claim.statement}” – {item.claim.why_it_is_said} Does it hold on this machine?"


def what_broke(item: Item) -> list[str]:
    """The rules that the data broke, and what the claim file names as traps."""
    assert item.finding is not None
    broken = [rule_text(rule) for rule in item.finding.rules if rule.outcome is Outcome.BROKEN]
    return [*broken, *(f"trap: {text}" for text in item.claim.traps)]


def as_document(item: Item) -> dict[str, object]:
    assert item.finding is not None
    return {
        "claim": item.claim.id,
        "statement": item.claim.statement,
        "prompt": trap_prompt(item),
        "verdict": str(item.finding.verdict),
        "reason": item.finding.reason,
        "broken": what_broke(item),
        "freshness": str(item.freshness),
    }


def list_traps(items: Sequence[Item], desk: Desk) -> None:
    """All at once, without a quiz."""
    for item in items:
        assert item.finding is not None
        show_head(desk, item, VERDICT_WORDS[item.finding.verdict])
        desk.say(f"“{item.claim.statement}”")
        for line in what_broke(item):
            desk.say(line, indent=2)


def trap(
    items: Sequence[Item], desk: Desk, state: RehearsalState, now: Now, elapsed_s: Callable[[], float]
) -> list[Review]:
    """One after the other: does it hold, and why. Kept, but no card moves on: a trap is no review of its card."""
    done: list[Review] = []
    for place, item in enumerate(items, start=1):
        show_head(desk, item, f"trap {place} of {len(items)}")
        desk.say(trap_prompt(item))
        started = elapsed_s()
        try:
            said = _verdict(desk)
            desk.say("Why? (an empty line ends it)", SOFT)
            answer = "\n".join(line.text for line in desk.answer())
        except AnswersEnded:
            break
        assert item.finding is not None
        card = item.claim.card
        coverage = cover(answer, card.key_points, card.contradictions)
        review = Review(
            claim=item.claim.id,
            text_hash=item.asked,
            mode="traps",
            answered_at=now(),
            seconds=elapsed_s() - started,
            answer=answer,
            coverage=coverage.share,
            contradicted=len(coverage.contradicted),
            trap_right=said is item.finding.verdict,
        )
        state.record(review)
        state.show(item.claim.id, now())
        done.append(review)
        desk.say()
        _tell(item, review, desk)
        if answer:
            show_marks(desk, coverage)
        show_reveal(desk, item)
    if done:
        desk.say(f"Seen through {sum(bool(one.trap_right) for one in done)} of {len(done)}.", HEAD)
    return done


def _tell(item: Item, review: Review, desk: Desk) -> None:
    assert item.finding is not None
    verdict = VERDICT_WORDS[item.finding.verdict]
    desk.say(f"{'Yes' if review.trap_right else 'No'}: {verdict}.", GOOD if review.trap_right else BAD)
    for line in what_broke(item):
        desk.say(line, indent=2)


def _verdict(desk: Desk) -> ClaimVerdict:
    while True:
        said = desk.ask("[y]es, [p]artly, [n]o? ").lower()
        if said[:1] in _ANSWERS:
            return _ANSWERS[said[:1]]
        desk.say("y, p or n, please")
