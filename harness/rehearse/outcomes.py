"""A locked prediction held against a finding. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from harness.claims.rules import look_up, truth
from harness.claims.words import NOT_MEASURED, shown
from harness.model.claim import Choice, Figure, Finding, Predict
from harness.rehearse.evidence import VERDICT_WORDS, Item, host_text
from harness.rehearse.quantity import convert
from harness.rehearse.scoring import brier, inside, interval_score, relative_score
from harness.rehearse.state import Prediction


@dataclass(frozen=True, slots=True)
class NotSettled:
    """Nothing to score: why, in words."""

    reason: str


def settle(
    prediction: Prediction, item: Item, how: Literal["live", "offline", "later"], now: datetime
) -> Prediction | NotSettled:
    """The prediction with its outcome. An interval that reaches over two choices decides none of them."""
    finding = item.finding
    if finding is None:
        return NotSettled(item.trouble or NOT_MEASURED)
    predict = item.claim.card.predict
    found = truth(predict, finding.measured)
    if found is None:
        return NotSettled(_undecided(predict, finding))
    settled = replace(prediction, settled_at=now, how=how, host=host_text(finding))
    if isinstance(found, Choice):
        right = found.text == prediction.choice
        return replace(
            settled, outcome=found.text, was_right=right, score=brier(prediction.sureness or 0.0, right=right)
        )
    value = convert(found.value, found.unit, prediction.unit)
    if value is None:
        return NotSettled(
            f"the card asks for {prediction.unit}, and it was measured in {found.unit or 'plain numbers'}"
        )
    low, high = prediction.low or 0.0, prediction.high or 0.0
    return replace(
        settled,
        outcome=shown(_in_unit(found, prediction.unit)),
        truth=value,
        was_right=inside(low, high, value),
        score=interval_score(low, high, value),
    )


def _in_unit(figure: Figure, unit: str) -> Figure:
    """As the question asked for it, so that prediction and figure can be read side by side."""
    if unit in ("", figure.unit):
        return figure
    ends = {name: getattr(figure, name) for name in ("value", "low", "high")}
    moved = {name: None if end is None else convert(end, figure.unit, unit) for name, end in ends.items()}
    return figure.model_copy(update={**moved, "unit": unit})


def _undecided(predict: Predict, finding: Finding) -> str:
    figure = look_up(finding.measured, predict.metric, predict.of)
    if figure is None:
        return f"the experiment gave no such figure ({VERDICT_WORDS[finding.verdict]}: {finding.reason})"
    if not figure.usable:
        return f"the figure must not be used: {figure.reason}"
    return f"{shown(figure)} decides between no two of the choices"


def outcome_lines(settled: Prediction) -> list[str]:
    """How a settled prediction came out, in words and with its score."""
    score = settled.score or 0.0
    if settled.kind == "direction":
        verdict = "right" if settled.was_right else "wrong"
        sure = f"{100 * (settled.sureness or 0.0):.0f} % sure"
        return [
            f"measured: {settled.outcome}",
            f"yours: {settled.choice} ({sure}): {verdict}",
            f"Brier score {score:.2f} (0 best, 0.25 for saying 50 %, 1 worst)",
        ]
    verdict = "inside" if settled.was_right else "outside"
    relative = relative_score(score, settled.truth or 0.0)
    beside = "" if relative is None else f", {relative:.2g} of the figure"
    unit = f" {settled.unit}" if settled.unit else ""
    return [
        f"measured: {settled.outcome}",
        f"yours: {settled.low:g} to {settled.high:g}{unit}: {verdict}",
        f"interval score {score:.3g}{unit}{beside} (0 best; width, and ten times what lies outside)",
    ]


def settles_later(prediction: Prediction, item: Item) -> bool:
    """Whether an open prediction can be held against this finding: same question, and measured after the lock."""
    if prediction.settled_at is not None or item.finding is None or prediction.text_hash != item.asked:
        return False
    return datetime.fromisoformat(item.finding.created) >= prediction.locked_at
