"""The page of a sweep in a real browser: it draws, asks for nothing, and fits a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.reporting.sweep import write_sweep_html
from tests.browser.test_page import DESKTOP, PHONE, visit
from tests.reporting.test_sweep_page import make_sweep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_sweep_is_drawn_and_asks_for_nothing(chromium: Browser, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "sweep.html"
    write_sweep_html(make_sweep(), path)
    seen = visit(chromium, path, size)
    page = seen.page
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("data:", "blob:"))] == [page.url]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator(".plot[data-drawn=yes] .main-svg").count() >= 5
    box = page.locator("#answers .headline").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < size[1]
    with page.expect_download() as download:
        page.click("#save")
    assert '"sweep_version"' in Path(download.value.path()).read_text()
    page.close()
