"""The committed comparison of the log broker, and the table that the broker's README shows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bench.pylog_record import END, START, in_readme, joined, markdown

ROOT = Path(__file__).parents[2]


def document(
    suite: str, ratio: float, *, quick: bool = False, version: str = "4.3.1", pairs: int = 2
) -> dict[str, Any]:
    row = {
        "suite": suite, "name": "produce", "unit": "msg/s", "required_ratio": 1.0, "met": ratio >= 1, "ratio_median": ratio,
        "kafka_median": 100.0, "pylog_median": 100.0 * ratio, "pairs": pairs,
    }  # fmt: skip
    return {
        "rows": [row, {**row, "name": "cores", "required_ratio": None}],
        "versions": {"kafka": version, "pylog": "0.1"},
        "order": ["kafka", "pylog"] * pairs,
        "quick": quick,
        "met": ratio >= 1,
        "environment": {"cpus": "2", "kernel": "6", "python": "3.11", "load_before": "0.1", "setting": "loopback"},
    }


def test_suites_of_several_documents_stand_together_and_a_later_one_replaces_an_earlier() -> None:
    whole = joined([document("core", 2.0), document("matrix", 0.5, pairs=3), document("core", 3.0)])
    assert [(row["suite"], row["ratio_median"]) for row in whole["rows"] if row["required_ratio"]] == [
        ("core", 3.0),
        ("matrix", 0.5),
    ]
    assert not whole["met"]
    assert len(whole["order"]) == 6


@pytest.mark.parametrize("other", [document("core", 1.0, quick=True), document("core", 1.0, version="4.2.0")])
def test_what_cannot_stand_together_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"quick run|other versions"):
        joined([document("matrix", 1.0), other])


def test_the_table_says_what_is_not_met_and_leaves_out_what_asks_for_nothing() -> None:
    lines = markdown(document("core", 0.85)).splitlines()
    assert lines[-1] == "| produce (core) | msg/s | 100 | 85 | 0.85 | 2 | ≥ 1: **no** |"
    assert not any("cores" in line for line in lines)
    assert in_readme(f"a\n{START}\nold\n{END}\nb", "new") == f"a\n{START}\nnew\n{END}\nb"
    with pytest.raises(ValueError, match="to put the table between"):
        in_readme("nothing here", "new")


def test_the_readme_shows_the_committed_figures_and_the_page_holds_them() -> None:
    committed = json.loads((ROOT / "reports/pylog/result.json").read_text(encoding="utf-8"))
    readme = (ROOT / "harness/pylog_broker/README.md").read_text(encoding="utf-8")
    assert in_readme(readme, markdown(committed)) == readme
    page = (ROOT / "reports/pylog/report.html").read_text(encoding="utf-8")
    assert json.dumps(committed).replace("<", "\\u003c") in page
    assert "http://" not in page.split("<body", 1)[1].split("<script", 1)[0]
