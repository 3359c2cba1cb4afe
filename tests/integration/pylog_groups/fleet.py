"""A group's members as processes, and what they say of themselves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

WAIT_SECONDS_MAX = 60
QUIET_SECONDS = 2.5  # members ask for metadata every second
SESSION_MS = 1_500
REBALANCE_MS = 4_000


class MemberProcess:
    """One member; `partitions` and `records` follow its own account."""

    def __init__(self, **how: Any) -> None:
        how = {"session_ms": SESSION_MS, "rebalance_ms": REBALANCE_MS, **how}
        self.partitions: set[int] = set()
        self.records: list[tuple[int, int]] = []
        self.events: list[dict[str, Any]] = []
        self._incremental = "cooperative" in how.get("strategy", "")
        command = [sys.executable, "-W", "ignore", "-m", "tests.integration.pylog_groups.member", json.dumps(how)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._keep_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "assigned":
                named = set(event["partitions"])
                self.partitions = self.partitions | named if self._incremental else named
            elif event["event"] == "revoked":
                self.partitions = self.partitions - set(event["partitions"])
            elif event["event"] == "record":
                self.records.append((event["partition"], event["offset"]))
            self.events.append(event)

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors.append(line)
            del self.errors[:-50]

    def leave(self) -> None:
        """Close the consumer properly and wait for the process to end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(WAIT_SECONDS_MAX) == 0, "".join(self.errors)
        self._finish()

    def kill(self) -> None:
        """SIGKILL: the broker hears nothing but a closed connection."""
        self._process.kill()
        self._process.wait()
        self._finish()

    def _finish(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_SECONDS_MAX)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self.partitions = set()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def told(self, event: str) -> int:
        """How often it told of an event."""
        return sum(1 for each in self.events if each["event"] == event)


class Fleet:
    """The members of one test; whoever is left at the end is killed."""

    def __init__(self, **how: Any) -> None:
        self._how = how
        self.members: list[MemberProcess] = []

    def add(self, **how: Any) -> MemberProcess:
        member = MemberProcess(**{**self._how, **how})
        self.members.append(member)
        return member

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            if member.running:
                member.kill()

    def records(self) -> set[tuple[int, int]]:
        """Everything that anybody has read."""
        return {row for member in self.members for row in member.records}

    def share(self, members: Iterable[MemberProcess], partitions: int) -> None:
        """Wait until the members have all partitions among them, each its fair share, none twice."""
        expected = list(members)
        fewest = partitions // len(expected)

        def fair() -> bool:
            held = [member.partitions for member in expected]
            return (
                set().union(*held) == set(range(partitions))
                and sum(map(len, held)) == partitions
                and min(map(len, held)) >= fewest
            )

        wait_until(fair, lambda: f"shares: {[sorted(member.partitions) for member in expected]}; {self.tail()}")

    def settle(self, members: Iterable[MemberProcess], partitions: int) -> None:
        """As ``share``, and nobody is told of anything for a while.

        A leader of kafka-python that joined before it knew the topic's partitions joins once more when it hears of them, a second later.
        """
        expected = list(members)
        deadline_s = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            self.share(expected, partitions)
            before = [len(member.events) for member in expected]
            time.sleep(QUIET_SECONDS)
            if [len(member.events) for member in expected] == before:
                return
            assert time.monotonic() < deadline_s, self.tail()

    def tail(self) -> str:
        """The last things that members said, for a failing test."""
        return "\n".join(f"{member.events[-5:]} {''.join(member.errors[-5:])}" for member in self.members)


def wait_until(condition: Callable[[], bool], explain: Callable[[], str] = lambda: "") -> None:
    """Wait for a condition; fails with an explanation after a minute."""
    deadline_s = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline_s, explain()
        time.sleep(0.02)
