"""``predict``: lock a direction or a number in, then measure, then look. Nothing of a finding is shown, or even read, before the lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from harness.model.claim import Predict
from harness.rehearse.desk import AnswersEnded, Desk
from harness.rehearse.evidence import Item, asked_metric
from harness.rehearse.outcomes import NotSettled, outcome_lines, settle, settles_later
from harness.rehearse.quantity import parse_interval, parse_number, parse_sureness
from harness.rehearse.showing import BAD, GOOD, HEAD, SOFT, show_head, show_reveal
from harness.rehearse.state import Prediction, RehearsalState
from harness.reporting.notation import moment

Measure = Callable[[Item], Item]
Now = Callable[[], datetime]


def in_order(items: Sequence[Item], predictions: Sequence[Prediction]) -> list[Item]:
    """Claims never predicted first, then the one whose last prediction lies longest back."""
    last = {one.claim: one.locked_at.isoformat() for one in predictions}
    return sorted(items, key=lambda item: (last.get(item.claim.id, ""), item.claim.id))


def predict(
    items: Sequence[Item],
    desk: Desk,
    state: RehearsalState,
    now: Now,
    measure: Measure | None,
    plan: Callable[[Item], Sequence[str]] = lambda item: (from_before(item),),
) -> list[Prediction]:
    """One after the other. Gives what was locked.

    ``measure`` runs a claim's experiment, None takes the finding that is there; ``plan`` says beforehand what will be.
    """
    locked: list[Prediction] = []
    for item in items:
        try:
            _introduce(item, desk, plan(item))
            prediction = _lock(item, desk, state, now)
        except AnswersEnded:
            break
        if prediction is None:
            continue
        how: Literal["live", "offline"] = "offline" if measure is None else "live"
        told = item if measure is None else measure(item)
        locked.append(_settle(prediction, told, how, desk, state, now))
        if told.has_figures:
            state.show(item.claim.id, now())
        show_reveal(desk, told)
    return locked


def from_before(item: Item) -> str:
    """What an offline prediction will be held against; not what was found."""
    if item.finding is None:
        return f"nothing was measured yet: your prediction waits for {item.run_command}"
    return f"held against what was measured on {moment(item.finding.created)}"


def settle_open(items: Sequence[Item], state: RehearsalState, now: Now) -> list[Prediction]:
    """Predictions whose experiment was interrupted or could not run, and was run since by any command."""
    by_claim = {item.claim.id: item for item in items}
    done: list[Prediction] = []
    for prediction in state.predictions():
        item = by_claim.get(prediction.claim)
        if item is None or not settles_later(prediction, item):
            continue
        settled = settle(prediction, item, "later", now())
        if isinstance(settled, Prediction):
            state.settle(settled)
            done.append(settled)
    return done


def settled_since(prediction: Prediction) -> str:
    said = prediction.choice or f"{prediction.low:g} to {prediction.high:g}"
    verdict = "right" if prediction.was_right else "wrong"
    return f"{prediction.claim} was measured since you locked {said} in: {prediction.outcome}, so you were {verdict}."


def _introduce(item: Item, desk: Desk, plan: Sequence[str]) -> None:
    claim = item.claim
    show_head(desk, item)
    desk.say(f"They say: {claim.statement}")
    for line in plan:
        desk.say(line, SOFT)
    desk.say(claim.card.predict.question, HEAD)


def _lock(item: Item, desk: Desk, state: RehearsalState, now: Now) -> Prediction | None:
    """Ask until there is a prediction; None where the person passes."""
    claim, asked = item.claim, item.claim.card.predict
    answer = _direction(asked, desk) if asked.kind == "direction" else _number(asked, desk)
    if answer is None:
        desk.say("passed")
        return None
    choice, sureness, low, high = answer
    prediction = state.lock(
        Prediction(
            claim=claim.id,
            text_hash=item.asked,
            kind=asked.kind,
            metric=asked_metric(asked),
            unit=asked.unit,
            locked_at=now(),
            first_look=True,
            choice=choice,
            sureness=sureness,
            low=low,
            high=high,
        )
    )
    again = "" if prediction.first_look else "; predicted or seen before: does not count for calibration"
    desk.say(f"locked at {prediction.locked_at:%H:%M:%S} UTC{again}", SOFT)
    return prediction


Answer = tuple[str | None, float | None, float | None, float | None]


def _direction(asked: Predict, desk: Desk) -> Answer | None:
    for number, choice in enumerate(asked.choices, start=1):
        desk.say(f"{number}  {choice.text}", indent=2)
    while True:
        words = desk.ask(f"which, and how sure in %? [e.g. {len(asked.choices)} 70; skip] ").lower().split()
        if words == ["skip"]:
            return None
        try:
            picked = _picked(words, len(asked.choices))
            sure = words[1] if len(words) > 1 else desk.ask("how sure in %? ")
            return asked.choices[picked - 1].text, parse_sureness(sure), None, None
        except ValueError as error:
            desk.say(str(error))


def _picked(words: list[str], choices: int) -> int:
    if not words or not words[0].isdecimal() or not 1 <= int(words[0]) <= choices:
        raise ValueError(f"type the number of a choice, 1 to {choices}, and how sure you are of it")
    if len(words) > 2:
        raise ValueError("two numbers, please: the choice, and how sure you are of it in percent")
    return int(words[0])


def _number(asked: Predict, desk: Desk) -> Answer | None:
    unit = f" {asked.unit}" if asked.unit else ""
    desk.say("Low and high, so that you would be right in 8 of 10 such questions.", SOFT)
    while True:
        text = desk.ask(f"low..high{unit} [e.g. 20..60; skip] ")
        if text.lower() == "skip":
            return None
        try:
            low, high = parse_interval(text, asked.unit)
        except ValueError as error:
            desk.say(_about_one_number(text) or str(error))
            continue
        return None, None, low, high


def _about_one_number(text: str) -> str:
    """A person who types one number means a point; an 80 % interval of no width is never what they believe."""
    try:
        value = parse_number(text)
    except ValueError:
        return ""
    return (
        f"{value:g} alone is a point; type the two ends of your 80 % interval, such as {0.8 * value:g}..{1.2 * value:g}"
    )


def _settle(
    prediction: Prediction,
    item: Item,
    how: Literal["live", "offline"],
    desk: Desk,
    state: RehearsalState,
    now: Now,
) -> Prediction:
    settled = settle(prediction, item, how, now())
    desk.say()
    if isinstance(settled, NotSettled):
        desk.say(f"Your prediction is kept, and not scored: {settled.reason}")
        return prediction
    state.settle(settled)
    for line in outcome_lines(settled):
        desk.say(line, GOOD if settled.was_right else BAD)
    return settled
