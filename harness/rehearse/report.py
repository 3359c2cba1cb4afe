"""The deck inside a report: cards filled with the report's own figures, and the claims that were tested on this machine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from harness.claims.loader import LoadedClaim, all_claims
from harness.claims.rules import find, look_up
from harness.claims.store import FINDINGS, host_here
from harness.claims.studies import figures_of
from harness.claims.words import fill, shown
from harness.errors import WorkloadError
from harness.model.claim import Measured, StudyExperiment
from harness.model.deck import ClaimRow, DeckCard, DeckSection, ReportDeck
from harness.model.result import Result
from harness.rehearse.deck import item_of
from harness.rehearse.evidence import FRESHNESS_WORDS, VERDICT_WORDS, Item, in_brackets, rule_text


def report_deck(result: Result, now: datetime, findings: Path = FINDINGS) -> ReportDeck:
    """Claims with findings in ``findings``, and cards that this result answers. An installation without claim files has neither."""
    try:
        loaded = all_claims()
    except WorkloadError:  # a report is not the place to complain about a claim file
        return ReportDeck()
    machine = host_here()
    items = [item_of(one, now, findings, machine) for one in loaded]
    cards = [card for one in loaded if (card := _card(one, result)) is not None]
    return ReportDeck(cards=cards, claims=[row for item in items if (row := _row(item)) is not None])


def _row(item: Item) -> ClaimRow | None:
    finding = item.finding
    if finding is None:
        return None
    return ClaimRow(
        claim=item.claim.id,
        statement=item.claim.statement,
        verdict=VERDICT_WORDS[finding.verdict],
        reason=finding.reason,
        created=finding.created,
        worth=FRESHNESS_WORDS[item.freshness],
    )


def _card(loaded: LoadedClaim, result: Result) -> DeckCard | None:
    """None where the run did not measure what the card asks: another workload, another broker, arms of its own."""
    claim = loaded.claim
    experiment = claim.experiment
    if not isinstance(experiment, StudyExperiment) or experiment.arms or not isinstance(experiment.workload, str):
        return None
    asked = claim.card.predict
    measured = _measured(result, experiment.workload)
    figure = look_up(measured, asked.metric, asked.of)
    if figure is None or not figure.usable:
        return None
    rules = [find(rule, measured) for rule in claim.rules]
    known = [rule_text(rule) for rule in rules if rule.value is not None]
    texts = {name: in_brackets(fill(text, measured)) for name, text in claim.card.texts.items()}
    return DeckCard(
        claim=claim.id,
        prompt=claim.card.prompt,
        question=asked.question,
        choices=[choice.text for choice in asked.choices],
        key_points=[point.text for point in claim.card.key_points],
        sections=[
            DeckSection(name="Shape", lines=[texts["shape"]]),
            DeckSection(name="Mechanism", lines=[texts["mechanism"]]),
            DeckSection(name="This run", lines=[f"{asked.question} {shown(figure)}", *known]),
            DeckSection(name="Cost", lines=[texts["cost"]]),
            DeckSection(name="What would change my mind", lines=[texts["change_my_mind"]]),
        ],
    )


def _measured(result: Result, workload: str) -> Measured:
    """The figures of one workload of the result: metric names do not say which workload they are of."""
    parts = {
        name: [row for row in getattr(result, name) if row.workload == workload]
        for name in ("cells", "verdicts", "capabilities", "runs")
    }
    return figures_of(result.model_copy(update=parts), {workload: ""})
