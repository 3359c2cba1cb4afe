"""The page: self-contained, escaped, small, complete."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.errors import DiskFull, ResultError
from harness.model.result import POINTS_MAX, Curve, Result
from harness.reporting import html as page_module
from harness.reporting.html import PAGE_BYTES_MAX, embed, render_html, write_html
from harness.reporting.load import parse_result
from harness.reporting.palette import MARKS, dark_of, marks
from tests.reporting.factory import HOSTILE, NAMES, make_result

ROOM = 1_200_000

FETCHING = {"src", "srcset", "poster", "action", "formaction", "data", "background", "ping", "manifest", "cite"}
VOID = {"meta", "link", "br", "img", "input", "hr", "path", "circle", "rect", "line", "use"}


class Reader(HTMLParser):
    """Every start tag with its attributes, ids and balance; and the text outside of script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.unbalanced: list[str] = []
        self.text: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.stack or self.stack.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "style":
            self.styles.append(data)
        elif not self.stack or self.stack[-1] != "script":
            self.text.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(make_result())


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    found = Reader()
    found.feed(page)
    return found


def test_under_five_megabytes_with_room(page: str) -> None:
    assert len(page.encode()) < PAGE_BYTES_MAX * 0.6


def test_nothing_is_fetched_from_anywhere(reader: Reader) -> None:
    for tag, attributes in reader.tags:
        assert not FETCHING & set(attributes), (tag, attributes)
        address = attributes.get("href") or attributes.get("xlink:href") or ""
        assert not address or address.startswith(("#", "data:")), (tag, address)
        assert "url(" not in (attributes.get("style") or "")
    assert "url(" not in "".join(reader.styles)
    assert "@import" not in "".join(reader.styles)


def test_the_policy_forbids_requests_and_foreign_scripts(reader: Reader) -> None:
    policy = next(a["content"] or "" for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts is not None
    assert all(source.startswith("'sha256-") for source in scripts.group(1).split())


def test_hostile_texts_stay_texts(page: str, reader: Reader) -> None:
    assert HOSTILE not in page
    assert "<img" not in page.split("<script>", maxsplit=1)[0]
    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in reader.tags)
    assert "alert('x')" in "".join(reader.text)
    assert "{{ 7*7 }}" in "".join(reader.text)
    executable = [a for t, a in reader.tags if t == "script" and a.get("type") != "application/json"]
    assert len(executable) == 2


def test_tags_are_balanced_and_ids_unique(reader: Reader) -> None:
    assert reader.unbalanced == []
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_leads_somewhere(reader: Reader) -> None:
    ids = {attributes.get("id") for _, attributes in reader.tags}
    for _, attributes in reader.tags:
        address = attributes.get("href") or ""
        assert not address.startswith("#") or address[1:] in ids, address


def test_the_embedded_result_is_the_result(page: str) -> None:
    match = re.search(r'<script type="application/json" id="result">(.*?)</script>', page, re.S)
    assert match is not None
    assert parse_result(match.group(1), "page") == make_result()


def test_every_figure_is_json_with_a_table_and_a_sentence(page: str) -> None:
    figures = re.findall(r'<script type="application/json" id="data-[^"]*">(.*?)</script>', page, re.S)
    assert len(figures) > 15
    for text in figures:
        assert {"data", "layout"} <= set(json.loads(text))
    assert page.count('<figure class="figure"') == page.count("<figcaption>") == page.count("The same as a table")


@pytest.mark.parametrize(
    "id_",
    ["answers", "scorecard", "workloads", "ratios", "throughput", "latency", "ordering", "durability", "recovery",
     "priority", "cost", "capabilities", "parity", "environment", "method", "raw", *(f"w-{n.replace('_', '-')}" for n in NAMES)],
)  # fmt: skip
def test_sections(page: str, id_: str) -> None:
    assert f'id="{id_}"' in page


def test_headings_are_in_order(reader: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_struck_through_and_every_state_word(page: str) -> None:
    assert re.search(r'<s class="num">.*?9\.00', page)
    for word in (
        "baseline",
        "better",
        "worse",
        "within noise",
        "at least",
        "unsupported",
        "not run",
        "invalid",
        "unknown",
    ):
        assert re.search(rf">{word}<", page), word


def test_an_empty_result_gives_a_page_that_says_so() -> None:
    result = make_result()
    lists = ("cells", "measures", "curves", "verdicts", "noise", "capabilities", "parity", "runs")
    empty = Result.model_validate(result.model_dump() | {name: [] for name in lists})
    text = render_html(empty)
    assert "Nothing was measured, so there is no answer." in text
    assert "No setting was recorded." in text


def test_large_curves_are_thinned_in_the_page_and_it_says_so() -> None:
    result = make_result()
    wave = [float(index % 17) + index / 7 for index in range(POINTS_MAX)]
    result.curves = [
        Curve(
            workload=NAMES[0],
            broker="kafka",
            repeat=0,
            kind="unknown",
            label=str(n),
            x=wave,
            y=wave,
            x_unit="s",
            y_unit="s",
        )
        for n in range(300)
    ]
    text, left_out = embed(result, ROOM)
    assert left_out.startswith("curves have at most")
    assert len(text.encode()) < ROOM
    assert max(parse_result(text, "page").curves[0].y) == max(wave)
    assert parse_result(text, "page").measures == result.measures
    result.curves *= 2
    page = render_html(result)
    assert "left out to keep the page small" in page
    assert len(page.encode()) < PAGE_BYTES_MAX


def test_a_long_study_still_fits_and_can_still_be_compared() -> None:
    result = make_result()
    result.measures = result.measures * 60
    noisy = next(v for v in result.verdicts if v.evidence)
    result.verdicts += [noisy.model_copy(update={"repeat": n, "evidence": noisy.evidence * 20}) for n in range(3, 150)]
    text, left_out = embed(result, ROOM)
    assert "the measures of single runs are left out" in left_out
    assert len(text.encode()) < ROOM
    kept = parse_result(text, "page")
    assert kept.cells == result.cells
    assert len(kept.verdicts) == len(result.verdicts)
    assert len(render_html(result).encode()) < PAGE_BYTES_MAX


def test_a_page_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PAGE_BYTES_MAX", 1000)
    with pytest.raises(ResultError, match="more than 1,000"):
        write_html(make_result(), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskFull):
        write_html(make_result(), tmp_path / "file" / "report.html")


def test_marks_are_fixed_by_name_and_never_shared() -> None:
    all_four = marks(["activemq", "rabbitmq", "kafka", "pylog"])
    assert marks(["kafka"])["kafka"] == all_four["kafka"]
    many = marks(["kafka", "kafka:client=kafka-python", "rabbitmq:quorum", "rabbitmq", "pylog", "activemq"])
    assert len({mark.symbol for mark in many.values()}) == 6
    assert {mark.light for mark in MARKS} <= set(dark_of())
