"""The committed sample is of one piece: result, page, picture of its first screen, table in the README."""

import hashlib
from pathlib import Path

import pytest

from harness.errors import ResultError
from harness.reporting import sample
from harness.reporting.load import load_result
from harness.reporting.markdown import render_tables
from tests.reporting.factory import make_result

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / sample.SAMPLE
AGAIN = "the sample and the README belong to different runs or renderings: python -m harness.reporting.sample reports/sample"


def test_the_table_in_the_readme_is_that_of_the_sample():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sample.table_of(text) == render_tables(load_result(FOLDER)), AGAIN
    assert f"({sample.SAMPLE.as_posix()}/{sample.PICTURE})" in text


def test_the_picture_is_of_the_samples_page():
    picture = (FOLDER / sample.PICTURE).read_bytes()
    assert sample.digest_of(picture) == hashlib.sha256((FOLDER / "result.json").read_bytes()).hexdigest(), AGAIN


def test_the_page_carries_the_samples_result():
    page, result = load_result(FOLDER / "report.html"), load_result(FOLDER)
    assert (page.run_id, page.created, page.command, page.cells) == (
        result.run_id,
        result.created,
        result.command,
        result.cells,
    )


def test_a_run_becomes_the_sample(tmp_path, monkeypatch):
    picture = (
        bytes.fromhex("89504e470d0a1a0a")
        + bytes.fromhex("0000000049444154352e3f0a")
        + bytes.fromhex("0000000049454e44ae426082")
    )
    monkeypatch.setattr(sample, "screenshot", lambda page: picture)
    run, readme = tmp_path / "run", tmp_path / "README.md"
    run.mkdir()
    readme.write_text(f"before\n{sample.BEGIN}\nold\n{sample.END}\nafter\n")
    whole = make_result().model_copy(update={"state": "done"})
    (run / "result.json").write_text(whole.model_dump_json())
    sample.take_sample(run, tmp_path / "sample", readme)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert sample.table_of(text) == render_tables(whole)
    taken = (tmp_path / "sample" / sample.PICTURE).read_bytes()
    assert sample.digest_of(taken) == hashlib.sha256((run / "result.json").read_bytes()).hexdigest()
    (run / "result.json").write_text(make_result().model_copy(update={"state": "partial"}).model_dump_json())
    with pytest.raises(ResultError, match="a sample is a finished run"):
        sample.take_sample(run, tmp_path / "sample", readme)
    with pytest.raises(ResultError, match="README has no"):
        sample.with_table("nothing", "table")
