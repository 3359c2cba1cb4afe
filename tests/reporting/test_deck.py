"""Claims and cards on the page: hidden where there are none, and text stays text."""

import re

from harness.model.deck import ClaimRow, DeckCard, DeckSection, ReportDeck
from harness.reporting.html import render_html
from tests.reporting.factory import HOSTILE, make_result


def test_without_a_deck_there_is_neither_section_nor_link():
    page = render_html(make_result())
    assert not re.search(r'(id="|#)(claims|rehearse)"', page)


def test_a_deck_is_shown_and_its_texts_are_no_markup():
    card = DeckCard(
        claim="C33", prompt=HOSTILE, question=HOSTILE, choices=[HOSTILE], key_points=[HOSTILE],
        sections=[DeckSection(name=HOSTILE, lines=[HOSTILE])],
    )  # fmt: skip
    row = ClaimRow(
        claim="C33",
        statement=HOSTILE,
        verdict="refuted",
        reason=HOSTILE,
        created="2026-01-02T03:04:05+00:00",
        worth="fresh",
    )
    page = render_html(make_result(), ReportDeck(cards=[card], claims=[row]))
    assert 'href="#claims"' in page
    assert 'href="#rehearse"' in page
    claims = page[page.index('id="claims"') : page.index('id="method"')]
    cards = page[page.index('id="rehearse"') : page.index("</main>")]
    for part in (claims, cards):
        assert "&lt;script&gt;alert" in part
        assert "<img" not in part
        assert "<script" not in part
    assert "2026-01-02 03:04 UTC, fresh" in claims
