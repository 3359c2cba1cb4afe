"""Reading results back, and refusing what is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import ResultError
from harness.model.result import SCHEMA_VERSION
from harness.reporting.html import write_html
from harness.reporting.load import load_result
from tests.reporting.factory import make_result


def test_json_page_and_folder_give_the_same_result(tmp_path: Path) -> None:
    result = make_result()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    write_html(result, tmp_path / "page" / "report.html")
    assert load_result(tmp_path / "run") == result
    assert load_result(tmp_path / "run" / "result.json") == result
    assert load_result(tmp_path / "page") == result
    assert load_result(tmp_path / "page" / "report.html") == result


def test_what_run_printed_as_json_can_be_read(tmp_path: Path) -> None:
    result = make_result()
    document = {"document": "result", "version": 1, "result": result.model_dump(mode="json")}
    (tmp_path / "out.json").write_text(json.dumps(document), encoding="utf-8")
    assert load_result(tmp_path / "out.json") == result


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("result.json", "{", "is not a result"),
        ("result.json", "[]", "no schema_version"),
        ("result.json", "null", "no schema_version"),
        ("result.json", '{"schema_version": true}', "no schema_version"),
        ("result.json", json.dumps({"schema_version": SCHEMA_VERSION + 1}), "update the harness"),
        ("result.json", json.dumps({"schema_version": SCHEMA_VERSION - 1}), "no longer read"),
        ("result.json", json.dumps({"schema_version": SCHEMA_VERSION}), "is damaged at harness_version"),
        ("report.html", "<html><script type='application/json' id='other'>{}</script>", "without a result inside"),
    ],
)
def test_what_is_no_result_is_refused_with_the_reason(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ResultError, match=words) as caught:
        load_result(tmp_path / name)
    assert caught.value.next_command


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    document = make_result().model_dump(mode="json") | {"extra": 1}
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ResultError, match="damaged at extra"):
        load_result(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="there is no result"):
        load_result(tmp_path / "absent")
    with pytest.raises(ResultError, match="holds neither"):
        load_result(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ResultError, match="not text"):
        load_result(tmp_path / "binary.json")
