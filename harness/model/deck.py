"""Claims and their cards as a report shows them: plain text that rooms above reporting fill in."""

from __future__ import annotations

from pydantic import Field

from harness.model.result import Document


class DeckSection(Document):
    """One part of a card's answer: a heading and its lines."""

    name: str
    lines: list[str]


class DeckCard(Document):
    """A card whose figures are those of the report's own run. ``question`` is what to predict before the rest is opened."""

    claim: str
    prompt: str
    question: str
    choices: list[str] = Field(default_factory=list)
    key_points: list[str]
    sections: list[DeckSection]


class ClaimRow(Document):
    """A claim with its latest finding. ``verdict`` is a word; ``worth`` says whether it still holds here."""

    claim: str
    statement: str
    verdict: str
    reason: str
    created: str
    worth: str


class ReportDeck(Document):
    """What a report may have beside its result; each part is left out of the page where it is empty."""

    cards: list[DeckCard] = Field(default_factory=list)
    claims: list[ClaimRow] = Field(default_factory=list)
