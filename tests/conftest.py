"""What every room's tests share: the marker for real brokers.

``@pytest.mark.broker(NAME)`` skips, by name and with the command that helps, where that broker is missing.
``@pytest.mark.container(NAME)`` does the same where no container engine answers or its image is missing.
With ``HARNESS_REQUIRE_BROKERS=1`` (as in continuous integration) a missing broker is a failure instead.
"""

from __future__ import annotations

import functools
import os
import re
import socket
from typing import Any

import pytest

from harness.brokers import missing_reason

CONTRACT = re.compile(r"tests/contract/.*@([a-z]+(?:\+docker)?)")
LONG = (  # groups that take long, by how long they do
    "tests/end_to_end",
    "tests/integration",
    "tests/contract",
    "tests/pylog_broker/storage/test_every_boundary.py",
    "tests/faults",
    "tests/adapters",
)

CRASH_LINES = 12  # of a failure that a second run forgave
CRASH_LINE_LENGTH = 300


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Where tests may run again, their plugin tells another process of each one in two small writes: Nagle's 40 ms a test."""
    if isinstance(link := getattr(getattr(config, "failures_db", None), "sock", None), socket.socket):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def group_of(node_id: str) -> str:
    """What one process runs: a file, or all of the contract suite that concerns one broker, which is started once for it."""
    found = CONTRACT.match(node_id)
    return f"tests/contract@{found[1]}" if found else node_id.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: a process that ends with a long group has nobody to share it with."""

    def place(item: pytest.Item) -> tuple[int, str]:
        group = group_of(item.nodeid)
        number = next((number for number, start in enumerate(LONG) if group.startswith(start)), len(LONG))
        return number, group if CONTRACT.match(item.nodeid) else ""

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """``--dist loadfile``, by groups instead of files."""
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log) if config.getoption("dist") == "loadfile" else None


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
