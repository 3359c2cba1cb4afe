"""Reading a result back: from a run's folder, from ``result.json``, or from a finished page, which carries its result inside."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ResultError
from harness.model.result import SCHEMA_VERSION, Result

RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
EMBEDDED_ID = "result"
FILE_BYTES_MAX = 256 * 2**20


class _Embedded(HTMLParser):
    """Collects the text of ``<script type="application/json" id="result">``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._inside = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            named = dict(attrs)
            self._inside = named.get("type") == "application/json" and named.get("id") == EMBEDDED_ID

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)


def load_result(path: Path) -> Result:
    """Raises ResultError: nothing there, not a result, damaged, or written by a newer harness."""
    source = _source(path)
    try:
        if source.stat().st_size > FILE_BYTES_MAX:
            raise ResultError(f"{source} is larger than any result ({FILE_BYTES_MAX // 2**20} MiB)")
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultError(f"cannot read {source}: {error.strerror}", next_command="ls reports") from error
    except UnicodeDecodeError:
        raise ResultError(f"{source} is not a result: it is not text", next_command="harness report --help") from None
    if source.suffix.lower() in (".html", ".htm"):
        text = _from_page(text, source)
    return parse_result(text, str(source))


def _source(path: Path) -> Path:
    if not path.is_dir():
        if path.exists():
            return path
        raise ResultError(f"there is no result at {path}", next_command="ls reports")
    for name in (RESULT_FILE, REPORT_FILE):
        if (path / name).is_file():
            return path / name
    raise ResultError(f"{path} holds neither {RESULT_FILE} nor {REPORT_FILE}", next_command=f"harness check {path}")


def _from_page(text: str, source: Path) -> str:
    parser = _Embedded()
    parser.feed(text)
    if not parser.found:
        raise ResultError(f"{source} is a page without a result inside", next_command="harness report RUN")
    return "".join(parser.found)


def parse_result(text: str, name: str) -> Result:
    """JSON -> Result, its version looked at first, so that a newer document is refused by name and not by its fields."""
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise ResultError(f"{name} is not a result: {error}", next_command="harness check RUN") from None
    if isinstance(document, dict) and document.get("document") == "result" and "result" in document:
        document = document["result"]  # what ``harness run --json`` printed
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultError(f"{name} is not a result: it has no schema_version", next_command="harness check RUN")
    if version > SCHEMA_VERSION:
        raise ResultError(
            f"{name} has schema version {version}; this harness reads up to {SCHEMA_VERSION}: update the harness",
            next_command="harness --version",
        )
    if version < SCHEMA_VERSION:
        raise ResultError(
            f"{name} has schema version {version}, which is no longer read", next_command="harness check RUN"
        )
    try:
        return Result.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ResultError(
            f"{name} is damaged at {place}: {first['msg']} ({error.error_count()} problems in all)",
            next_command="harness check RUN",
        ) from None
