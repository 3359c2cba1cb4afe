"""The committed sample: a finished run's result and page, the picture of its first screen, and the README's table, all of one run.

``python -m harness.reporting.sample RUN`` (``make sample``) takes RUN into ``reports/sample``; with ``reports/sample`` itself it only draws
page, picture and table anew. The picture carries the digest of the result it was taken of, so that a test can tell whether
the three belong together.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.errors import HarnessError, ResultError
from harness.reporting.html import write_html
from harness.reporting.load import load_result
from harness.reporting.markdown import render_tables

SAMPLE: Final = Path("reports") / "sample"
README: Final = Path("README.md")
PICTURE: Final = "first-screen.png"
BEGIN: Final = "<!-- sample table: begin (make sample) -->"
END: Final = "<!-- sample table: end -->"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DIGEST_KEY: Final = b"result-sha256"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def take_sample(run: Path, sample: Path, readme: Path) -> None:
    """Raises ResultError when the run is not whole, or when there is no browser to take the picture with."""
    result = load_result(run)
    if result.state != "done":
        raise ResultError(f"{run} is {result.state}: a sample is a finished run", next_command="make sample")
    sample.mkdir(parents=True, exist_ok=True)
    if run.resolve() != sample.resolve():
        shutil.copyfile(run / "result.json", sample / "result.json")
    write_html(result, sample / "report.html")
    digest = hashlib.sha256((sample / "result.json").read_bytes()).hexdigest()
    (sample / PICTURE).write_bytes(with_digest(screenshot(sample / "report.html"), digest))
    text = readme.read_text(encoding="utf-8")
    readme.write_text(with_table(text, render_tables(result)), encoding="utf-8")


def with_table(text: str, table: str) -> str:
    """The README with the table between its marks replaced. Raises ResultError when the marks are not there."""
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise ResultError(f"the README has no {BEGIN} ... {END}")
    return f"{text[:begin]}{BEGIN}\n\n{table}\n{text[end:]}"


def table_of(text: str) -> str:
    """What stands between the marks."""
    return text.split(BEGIN, 1)[1].split(END, 1)[0].strip() + "\n"


def screenshot(page: Path) -> bytes:
    """PNG of the page's first screen, 1280 x 800, by a headless browser of this machine."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise ResultError(
            "the picture of the first screen needs a browser", next_command="sudo apt-get install --yes chromium"
        )
    from playwright.sync_api import sync_playwright  # a tool of the development environment, needed for nothing else

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        view = chromium.new_page(viewport={"width": 1280, "height": 800})
        view.goto(page.resolve().as_uri())
        view.wait_for_selector("html[data-ready=yes]", state="attached")
        picture: bytes = view.screenshot()
        chromium.close()
    return picture


def with_digest(png: bytes, digest: str) -> bytes:
    """The picture with a tEXt chunk that names the result it shows, before its last chunk (PNG 1.2, section 4.2.3)."""
    body = b"tEXt" + DIGEST_KEY + b"\0" + digest.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-12] + chunk + png[-12:]


def digest_of(png: bytes) -> str:
    """The digest that a picture carries; empty when it carries none."""
    for kind, data in _chunks(png):
        key, _, value = data.partition(b"\0")
        if kind == b"tEXt" and key == DIGEST_KEY:
            return value.decode("ascii")
    return ""


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_PNG)
    while place + 12 <= len(png):
        (size,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        place += 12 + size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run's folder")
    try:
        take_sample(parser.parse_args().run, SAMPLE, README)
    except HarnessError as error:
        sys.stderr.write(f"error {error.code}: {error.message}\n")
        if error.next_command:
            sys.stderr.write(f"  next: {error.next_command}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
