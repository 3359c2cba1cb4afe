"""What every room's tests share: the marker for real brokers.

``@pytest.mark.broker(NAME)`` skips, by name and with the command that helps, where that broker is missing.
``@pytest.mark.container(NAME)`` does the same where no container engine answers or its image is missing.
With ``HARNESS_REQUIRE_BROKERS=1`` (as in continuous integration) a missing broker is a failure instead.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from harness.brokers import missing_reason

HERE = Path(__file__).parent
LONG = ("end_to_end", "integration", "contract", "pylog_broker/storage/test_every_boundary.py", "faults", "adapters")

CRASH_LINES = 12  # of a failure that a second run forgave
CRASH_LINE_LENGTH = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: a process that ends with a long file has nobody to share it with."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(HERE).as_posix() if item.path.is_relative_to(HERE) else ""
        return next((number for number, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=place)


@functools.cache
def _missing(name: str) -> str | None:
    return missing_reason(name)


@functools.cache
def _missing_container(name: str) -> str | None:
    from harness.brokers import engine, images

    if reason := engine.reason_missing():
        return reason
    return None if images.present(name) else f"there is no image of {name}; get it with: {images.MAKE_IMAGES}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, missing in (("broker", _missing), ("container", _missing_container)):
        for mark in item.iter_markers(marker):
            for name in mark.args:
                reason = missing(name)
                if reason is None:
                    continue
                if os.environ.get("HARNESS_REQUIRE_BROKERS") == "1":
                    pytest.fail(f"HARNESS_REQUIRE_BROKERS=1, but {reason}", pytrace=False)
                pytest.skip(f"needs {name}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A test that failed and passed when it ran again (``--reruns``): where it failed, and with which words."""
    failed_first = terminalreporter.stats.get("rerun", [])
    if failed_first:
        terminalreporter.section("what failed and ran once more")
    for report in failed_first:
        terminalreporter.write_line(f"{report.nodeid} ({report.when}, after {report.duration:.1f} s)")
        for line in _crash(report):
            terminalreporter.write_line(f"    {line[:CRASH_LINE_LENGTH]}")


def _crash(report: pytest.TestReport) -> list[str]:
    """The line that raised and the first lines of what it said; the last lines of a failure that has no such place."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return report.longreprtext.splitlines()[-CRASH_LINES:]
    return [f"{crash.path}:{crash.lineno}", *crash.message.splitlines()[:CRASH_LINES]]
