"""What `harness run` ends with, from what its study left."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from harness.cli.studies import leave
from harness.model.result import Result
from harness.study.assemble import Judged
from harness.study.study import FinishedStudy
from tests.reporting.factory import make_result


def _code(result: Result, judged: Judged | None = None) -> int:
    try:
        leave(FinishedStudy(result, Path("out"), Path("out/report.html"), judged or Judged()))
    except typer.Exit as left:
        return left.exit_code
    return 0


def _all_done() -> Result:
    result = make_result(hostile=False)
    result.runs = [run for run in result.runs if run.state == "done"]
    return result


def test_all_done_is_none_of_the_others() -> None:
    assert _code(_all_done()) == 0


def test_a_run_that_was_cut_short_is_five() -> None:
    assert _code(make_result(hostile=False)) == 5


def test_what_a_broker_cannot_do_is_no_accident() -> None:
    result = make_result(hostile=False)
    for run in result.runs:
        if run.state == "failed":
            run.error, run.history = "unsupported: needs a cluster", ""
    assert _code(result) == 0


@pytest.mark.parametrize(
    ("judged", "code"),
    [(Judged(broken=["lost is 1"]), 1), (Judged(damaged=["truncated"]), 5)],
    ids=["broken", "damaged"],
)
def test_what_the_judges_found_counts(judged: Judged, code: int) -> None:
    assert _code(_all_done(), judged) == code


def test_an_interrupted_study_is_130_whatever_else() -> None:
    result = make_result(hostile=False)
    result.state = "interrupted"
    assert _code(result, Judged(broken=["lost is 1"])) == 130
