"""The page in a real browser, at a desktop's and a phone's width: what a person sees and can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from harness.reporting.html import write_html
from tests.reporting.factory import BROKERS, NAMES, make_result

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DESKTOP = (1280, 800)
PHONE = (390, 844)
READY_MS_MAX = 60_000  # all figures drawn, on a machine that may be busy with something else


@dataclass
class Visit:
    """One page that was opened, and everything that it complained about or asked for."""

    page: Page
    size: tuple[int, int]
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def visit(browser: Browser, report: Path, size: tuple[int, int], **options: Any) -> Visit:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)
    seen = Visit(page, size)
    page.on(
        "console",
        lambda message: seen.complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=READY_MS_MAX)
    return seen


@pytest.fixture(scope="module", params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def opened(request: pytest.FixtureRequest, chromium: Browser, report: Path) -> Iterator[Visit]:
    seen = visit(chromium, report, request.param)
    yield seen
    seen.page.close()


def test_no_complaint_and_no_request_but_the_page_itself(opened: Visit) -> None:
    assert opened.complaints == []
    assert [url.split("?")[0][:60] for url in opened.requests if not url.startswith(("data:", "blob:"))] == [
        opened.page.url[:60]
    ]


def test_no_horizontal_scrolling_of_the_page(opened: Visit) -> None:
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= opened.size[0]
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = false; })")


def test_the_first_screen_answers(opened: Visit, tmp_path: Path) -> None:
    page, height = opened.page, opened.size[1]
    page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
    headlines = page.locator("#answers .headline")
    assert headlines.count() == len(NAMES)
    for index in range(headlines.count()):
        box = headlines.nth(index).bounding_box()
        assert box is not None
        assert 0 < box["y"] + box["height"] < height
    assert "Replay decides" in headlines.first.inner_text()
    last = -1 if opened.size == DESKTOP else 0  # on a desktop the whole scorecard, on a phone its beginning
    row = page.locator("#scorecard .score tbody tr:not(.group)").nth(last)
    box = row.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < height
    for selector in ("#command", ".facts", "#scorecard svg.strip"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None, selector
        assert box["y"] + box["height"] < height, selector
    picture = tmp_path / f"first-{opened.size[0]}.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000


def test_no_cell_of_the_scorecard_is_blank_or_hidden(opened: Visit) -> None:
    cells = opened.page.locator("#scorecard td.cell .num")
    texts = cells.all_inner_texts()
    assert len(texts) % len(BROKERS) == 0
    assert all(text.strip() for text in texts)
    assert opened.page.locator("#scorecard td.cell svg.ico").count() == len(texts)


def test_cells_do_not_run_into_each_other(opened: Visit) -> None:
    overflowing = opened.page.evaluate(
        "Array.from(document.querySelectorAll('#scorecard td.cell, #scorecard th.broker'))"
        ".filter((cell) => Array.from(cell.querySelectorAll('.num, .word, .iv')).some("
        "(part) => part.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1))"
        ".map((cell) => cell.innerText)"
    )
    assert overflowing == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_ticks_of_a_wide_axis_are_not_cut(chromium: Browser, tmp_path: Path, size: tuple[int, int]) -> None:
    result = make_result(hostile=False)
    for cell in result.cells:
        if cell.ratio is not None and cell.metric == "end_to_end_latency_p99":
            cell.ratio, cell.ratio_low, cell.ratio_high = 0.002, 0.0012, 0.003
    write_html(result, tmp_path / "wide.html")
    seen = visit(chromium, tmp_path / "wide.html", size)
    ticks = seen.page.evaluate(
        "Array.from(document.querySelectorAll('#scorecard svg.axis')).flatMap((axis) => "
        "Array.from(axis.querySelectorAll('text')).map((text) => [text.getBoundingClientRect(), axis.getBoundingClientRect()])"
        ".map(([text, axis]) => [text.left - axis.left, axis.right - text.right]))"
    )
    seen.page.close()
    assert len(ticks) >= 3
    assert all(left > -1 and right > -1 for left, right in ticks), ticks


def test_every_figure_is_drawn(opened: Visit) -> None:
    plots = opened.page.locator(".plot[data-figure]")
    assert plots.count() > 15
    drawn = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.plot')).map((plot) => plot.querySelectorAll('.trace, .point, .bars .point').length)"
    )
    assert all(count > 0 for count in drawn)
    widths = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.plot')).map((p) => p.querySelector('svg').getBoundingClientRect().width - p.clientWidth)"
    )
    assert all(abs(width) < 2 for width in widths)


def test_hostile_texts_did_nothing(opened: Visit) -> None:
    assert opened.page.locator("img").count() == 0
    assert opened.page.title() == "kafka vs pylog vs rabbitmq vs activemq"


def test_details_open_by_keyboard(opened: Visit) -> None:
    summary = opened.page.locator("#throughput figure details summary").first
    table = opened.page.locator("#throughput figure details table").first
    assert not table.is_visible()
    summary.focus()
    opened.page.keyboard.press("Enter")
    assert table.is_visible()
    opened.page.keyboard.press("Enter")
    assert not table.is_visible()


def test_the_first_tab_stop_skips_to_the_answers(opened: Visit) -> None:
    page = opened.page
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    page.reload()
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=READY_MS_MAX)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_a_why_link_opens_the_reason(opened: Visit) -> None:
    link = opened.page.locator("#scorecard a.why[href^='#figure-']").first
    target = (link.get_attribute("href") or "")[1:]
    link.click()
    opened.page.wait_for_selector(f"[id='{target}']", state="visible", timeout=5000)


def test_the_theme_can_be_switched(opened: Visit) -> None:
    page = opened.page
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2 of ``rgb(r, g, b)``."""
    parts = [int(float(part)) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_are_readable(chromium: Browser, report: Path, scheme: str) -> None:
    seen = visit(chromium, report, DESKTOP, color_scheme=scheme)
    page = seen.page
    background = page.evaluate("getComputedStyle(document.querySelector('.answer')).backgroundColor")
    assert (luminance(background) < 0.1) == (scheme == "dark")
    for selector in (
        ".answer .headline",
        ".when",
        ".cell .word",
        ".st-better .word",
        ".st-worse .word",
        ".dir",
        "a.why",
        ".tier",
    ):
        colour = page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).color")
        assert contrast(colour, background) >= 4.5, (selector, colour, background)
    line = page.evaluate("document.querySelector('#latency .plot .js-line').style.stroke")
    assert (line == "rgb(0, 114, 178)") == (scheme == "light")
    assert seen.complaints == []
    page.close()


def test_the_result_can_be_saved(chromium: Browser, report: Path, tmp_path: Path) -> None:
    from harness.reporting.load import load_result

    seen = visit(chromium, report, DESKTOP)
    with seen.page.expect_download(timeout=10_000) as waiting:
        seen.page.locator("#save").click()
    waiting.value.save_as(tmp_path / "saved.json")
    assert load_result(tmp_path / "saved.json") == load_result(report)
    with seen.page.expect_download(timeout=10_000) as waiting:
        seen.page.locator("a[download$='.csv']").click()
    waiting.value.save_as(tmp_path / "cells.csv")
    assert (tmp_path / "cells.csv").read_text(encoding="utf-8").startswith("workload,tier,broker")
    assert seen.complaints == []
    seen.page.close()


def test_it_prints_in_light_colours(chromium: Browser, report: Path, tmp_path: Path) -> None:
    seen = visit(chromium, report, DESKTOP, color_scheme="dark")
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.querySelector('.bar')).display") == "none"
    assert luminance(seen.page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.9
    assert luminance(seen.page.evaluate("getComputedStyle(document.body).color")) < 0.1
    paper = tmp_path / "report.pdf"
    seen.page.pdf(path=paper)
    assert paper.read_bytes().startswith(b"%PDF")
    seen.page.close()
