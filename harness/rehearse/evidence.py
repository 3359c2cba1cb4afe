"""What this machine knows about a card: figures for its texts, how far they can be trusted, and how they are said. Pure.

A card holds no number. ``{metric name}`` in its texts is filled from the claim's finding, or says "not measured here".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from harness.claims.rules import look_up
from harness.claims.store import Freshness
from harness.claims.words import NOT_MEASURED, fill, shown
from harness.model.claim import Claim, ClaimVerdict, Figure, Finding, Outcome, Predict, RuleFound
from harness.reporting.notation import moment

UNJUDGED = (ClaimVerdict.NOT_RUN, ClaimVerdict.NOT_COMPARABLE, ClaimVerdict.INCONCLUSIVE)

VERDICT_WORDS = {
    ClaimVerdict.SUPPORTED: "supported",
    ClaimVerdict.PARTLY: "only partly supported",
    ClaimVerdict.REFUTED: "refuted",
    ClaimVerdict.INCONCLUSIVE: "inconclusive",
    ClaimVerdict.NOT_COMPARABLE: "not comparable on this machine",
    ClaimVerdict.NOT_RUN: "not run",
}

FRESHNESS_WORDS = {
    Freshness.FRESH: "fresh",
    Freshness.CLAIM_CHANGED: "the claim's statement, experiment or rules changed since",
    Freshness.OLDER_VERSION: "measured with another version",
    Freshness.OTHER_HOST: "measured on another machine",
    Freshness.OLD: "more than 30 days old",
    Freshness.NONE: NOT_MEASURED,
}


@dataclass(frozen=True, slots=True)
class Item:
    """A claim with what was found about it here; what every mode works on."""

    claim: Claim
    finding: Finding | None
    freshness: Freshness
    trouble: str = ""  # why a finding that lies there could not be read
    path: str = ""  # of the claim's file

    @property
    def asked(self) -> str:
        """Hash of what a prediction of this claim is about: question and experiment, not the rest of the card."""
        said = {"predict": self.claim.card.predict.model_dump(mode="json"), "claim": self.claim.digest}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @property
    def has_figures(self) -> bool:
        """Whether its reveal tells a number; who has seen it predicts no more."""
        return self.finding is not None and bool(self.finding.measured)

    @property
    def run_command(self) -> str:
        return f"harness claim run {self.claim.id}"


def host_text(finding: Finding) -> str:
    where = finding.fingerprint
    return f"{where.cpu_model}, {where.cores} cores, {where.operating_system}"


def brokers_text(finding: Finding) -> str:
    """``pylog 0.1.0, rabbitmq:classic (RabbitMQ 3.10.8)``; what was not run is named."""
    parts = []
    for one in finding.brokers:
        if one.state == "not_run":
            parts.append(f"{one.label} not run ({one.reason})")
        else:
            parts.append(f"{one.label} ({' '.join(part for part in (one.product, one.version) if part)})")
    return ", ".join(parts)


def here_lines(item: Item) -> list[str]:
    """This machine's word on the claim: verdict, each rule with its figure, where and when, and what that is worth."""
    finding = item.finding
    if finding is None:
        return [item.trouble or NOT_MEASURED, f"next: {item.run_command}"]
    lines = [VERDICT_WORDS[finding.verdict].upper()]
    if finding.verdict in UNJUDGED or not finding.rules:  # else the rules say it
        lines[0] += f": {finding.reason}"
    lines.extend(rule_text(rule) for rule in finding.rules)
    asked = item.claim.card.predict
    if not any((rule.metric, rule.of) == (asked.metric, asked.of) for rule in finding.rules):
        figure = look_up(finding.measured, asked.metric, asked.of)
        lines.append(f"{asked.question} {NOT_MEASURED if figure is None else shown(figure)}")
    if finding.verdict is ClaimVerdict.REFUTED and item.claim.if_refuted:
        lines.append(_filled(item.claim.if_refuted, finding))
    if finding.brokers:
        lines.append(brokers_text(finding))
    lines.append(f"{moment(finding.created)} on {host_text(finding)}")
    if item.freshness is not Freshness.FRESH:
        lines.append(f"mind: {FRESHNESS_WORDS[item.freshness]}; measure again: {item.run_command}")
    elif finding.next_command and finding.verdict in UNJUDGED:
        lines.append(f"next: {finding.next_command}")
    return lines


def _filled(text: str, finding: Finding | None) -> str:
    return in_brackets(fill(text, finding.measured if finding is not None else None))


def in_brackets(text: str) -> str:
    """A hole in a sentence reads as one."""
    return text.replace(NOT_MEASURED, f"[{NOT_MEASURED}]")


def rule_text(rule: RuleFound) -> str:
    """One rule with its figure, what was wanted, and a mark: ✓ held, ✗ broken, ? undecided, – not run."""
    if rule.outcome is Outcome.NOT_RUN:
        return f"– {rule.when}: {rule.reason}"
    figure = NOT_MEASURED
    if rule.value is not None:
        figure = shown(Figure(value=rule.value, low=rule.low, high=rule.high, unit=rule.unit))
    mark = {Outcome.HELD: "✓", Outcome.BROKEN: "✗"}.get(rule.outcome, "?")
    kind = " (control)" if rule.control else ""
    reason = f" – {rule.reason}" if rule.reason and rule.outcome is not Outcome.HELD else ""
    return f"{mark} {rule.when}{kind}: {figure}, wanted {rule.wanted}{reason}"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the reveal: a heading and its lines, ready to print."""

    name: str
    lines: tuple[str, ...]


def reveal(item: Item) -> tuple[Section, ...]:
    """Shape, mechanism, this machine's number, cost, what would change my mind; in this order, always all five."""
    card = item.claim.card

    def of(text: str) -> tuple[str, ...]:
        return (_filled(text, item.finding),)

    return (
        Section("Shape", of(card.shape)),
        Section("Mechanism", of(card.mechanism)),
        Section(
            "Another machine" if item.freshness is Freshness.OTHER_HOST else "This machine", tuple(here_lines(item))
        ),
        Section("Cost", of(card.cost)),
        Section("What would change my mind", of(card.change_my_mind)),
    )


def asked_metric(predict: Predict) -> str:
    return f"{predict.metric} / {predict.of}" if predict.of else predict.metric
