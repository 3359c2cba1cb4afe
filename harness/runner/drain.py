"""Waiting until every group has caught up, with a deadline: past it, a verdict on completeness is UNKNOWN, not VALID."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.errors import HarnessError
from harness.model.broker import BrokerInfo
from harness.model.messages import DEAD_LETTERS, Adapter
from harness.model.provisioning import Provisioning
from harness.model.workload import Workload
from harness.runner.control import Counter
from harness.runner.crew import Crew

QUIET_S = 0.06  # nothing came for so long, and the counts and the broker agree that nothing is left
QUIET_SHORT_S = 1.2  # the same when the counts say that something is missing: it may still come, or be lost
LOOK_S = 0.02
BACKLOG_EVERY_S = 0.1
LOOKS = 2  # of each member after the broker's word: one may have been under way, the other began after it


class Drain:
    """Asks the counters first, then the broker: the counters are cheap, the broker's word is what counts."""

    def __init__(self, adapter: Adapter, info: BrokerInfo, plan: Provisioning, workload: Workload, crew: Crew) -> None:
        self._adapter = adapter
        self._info = info
        self._plan = plan
        self._workload = workload
        self._crew = crew
        needs = workload.needs
        self._quiet_short_s = QUIET_SHORT_S + (max(needs.retry.backoff) if needs.retry is not None else 0.0)
        self._last_backlog: dict[str, int] = {}

    def wait(self, tick: Callable[[], None], *, last: bool) -> bool:
        """True when every group has caught up; False when the workload's drain deadline passed.

        Between two phases exact counts are enough while nothing was ever in doubt; a last drain asks the broker as well.
        """
        deadline = time.monotonic() + self._workload.drain_deadline
        asked_at = 0.0
        while time.monotonic() < deadline:
            tick()
            quiet_s = (time.monotonic_ns() - self._crew.last_activity_ns()) / 1e9
            enough = QUIET_S if self._counts_agree() else self._quiet_short_s
            if quiet_s >= QUIET_S and not last and self._counts_exact():
                self._last_backlog = dict.fromkeys(self._workload.needs.groups, 0)
                return True
            if quiet_s >= enough and time.monotonic() - asked_at >= BACKLOG_EVERY_S:
                asked_at = time.monotonic()
                if self._broker_agrees() and self._hands_empty(tick, deadline):
                    return True
            time.sleep(LOOK_S)
        return False

    def wait_replayed(self, group: str, tick: Callable[[], None]) -> bool:
        """The same for a replay: the group has as many second deliveries as messages were acknowledged, or all is quiet."""
        deadline = time.monotonic() + self._workload.drain_deadline
        while time.monotonic() < deadline:
            tick()
            quiet_s = (time.monotonic_ns() - self._crew.last_activity_ns()) / 1e9
            complete = self._crew.of_group(group, Counter.REPLAYED) >= self._crew.acknowledged()
            if quiet_s >= (QUIET_S * 2 if complete else self._quiet_short_s * 2) and self._broker_agrees(group):
                return True
            time.sleep(LOOK_S)
        return False

    def state(self) -> dict[str, bool]:
        """Per group, whether its backlog was empty when last asked."""
        return {group: not left for group, left in self._last_backlog.items()}

    def _counts_agree(self) -> bool:
        allowance = self._crew.of_group(DEAD_LETTERS, Counter.EXPIRED)
        acknowledged = self._crew.acknowledged()
        return all(
            self._crew.of_group(group, Counter.COMPLETED) + allowance >= acknowledged
            for group in self._workload.needs.groups
        )

    def _counts_exact(self) -> bool:
        """Each group has done as many as were acknowledged: neither fewer nor, as after a second delivery, more."""
        done = {self._crew.of_group(group, Counter.COMPLETED) for group in self._workload.needs.groups}
        return done == {self._crew.acknowledged()} and not self._crew.doubtful()

    def _hands_empty(self, tick: Callable[[], None], deadline: float) -> bool:
        """Whether, since the broker had nothing left to give out, every member has looked and found nothing in its hands.

        Counts cannot tell: one message done twice hides another that has just left its retry queue for a client that is slow.
        """
        before, activity_ns = self._crew.looks(), self._crew.last_activity_ns()
        while before and time.monotonic() < deadline:
            now = self._crew.looks()
            if self._crew.last_activity_ns() != activity_ns or self._crew.held() or now.keys() != before.keys():
                return False
            if all(now[member] >= looks + LOOKS for member, looks in before.items()):
                return self._broker_agrees()
            tick()
            time.sleep(LOOK_S)
        return not before

    def _broker_agrees(self, only: str | None = None) -> bool:
        try:
            backlog = dict(self._adapter.backlog(self._info, self._plan))
        except HarnessError:
            return False
        self._last_backlog = backlog
        return all(left == 0 for group, left in backlog.items() if only is None or group == only)
