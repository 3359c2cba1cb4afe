"""The deck inside a report: bound to the report's own figures, hidden where there is none, and nothing in it is markup."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.claims.loader import claim_files, load_claim
from harness.claims.store import save
from harness.model.claim import ClaimVerdict
from harness.rehearse.report import report_deck
from harness.reporting.load import load_result
from tests.rehearse.factory import finding

SAMPLE = Path(__file__).parents[2] / "reports" / "sample" / "result.json"
NOW = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def result():
    return load_result(SAMPLE)


def test_cards_have_the_run_s_own_figures(result, tmp_path):
    deck = report_deck(result, NOW, tmp_path)
    card = next(card for card in deck.cards if card.claim == "C33")
    assert [section.name for section in card.sections] == [
        "Shape",
        "Mechanism",
        "This run",
        "Cost",
        "What would change my mind",
    ]
    cell = next(
        cell for cell in result.cells
        if (cell.workload, cell.broker, cell.metric) == ("clickstream_fanout", "pylog", "stored_bytes_per_published_byte")
    )  # fmt: skip
    text = " ".join(line for section in card.sections for line in section.lines)
    assert f"the log {cell.value:.3g}" in text
    assert "not measured here" not in text
    assert deck.claims == []


def test_a_run_of_something_else_has_no_cards(result, tmp_path):
    other = result.model_copy(update={"cells": [], "verdicts": [], "capabilities": []})
    assert report_deck(other, NOW, tmp_path).cards == []


def test_claims_with_findings_are_rows(result, tmp_path):
    about = load_claim(next(iter(claim_files().values()))).claim
    save(finding(about, ClaimVerdict.REFUTED), tmp_path)
    (row,) = report_deck(result, NOW, tmp_path).claims
    assert (row.claim, row.verdict, row.worth) == (about.id, "refuted", "measured on another machine")
