"""Syncs that answers wait for (`flush.messages`): off the loop's thread, each for everything appended before it began.

A produce request whose records have to be on disk before its answer is appended at once and answered later. At the end of the
event loop's round one sync a log is given to a thread; what is appended meanwhile waits for the next one, however many
requests it came in. Records become visible, and waiting requests are answered, when the sync that covers them is done.
After a failed sync nothing more is promised on that log, see `PartitionLog.flush`.

Until `work_with` says how a thread reaches the loop, each sync is done at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from harness.pylog_broker.storage.disk_worker import ThreadWorker
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.sync import Sync

logger = logging.getLogger(__name__)

THREADS_MAX = 4
"""Logs that are synced side by side; file systems join the journal writes of such syncs."""

Post = Callable[[Callable[[], None]], None]


class _Group:
    """Appends that one sync covers."""

    __slots__ = ("answers", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self.answers: list[Callable[[], None]] = []


class GroupCommit:
    """The syncs of all logs; for the loop's thread alone."""

    def __init__(self, on_visible: Callable[[PartitionLog, int], None]) -> None:
        self._on_visible = on_visible
        self._post: Post | None = None
        self._worker = ThreadWorker("pylog-sync", threads=THREADS_MAX)
        self.waiting: dict[PartitionLog, _Group] = {}
        """Appends that no sync covers yet."""
        self.under_way: dict[PartitionLog, _Group] = {}
        """Those that a sync on a thread covers."""

    def work_with(self, post: Post) -> None:
        """From now on syncs run on threads; `post` has something called soon on the loop's thread, from any other."""
        self._post = post

    def appended(self, log: PartitionLog, size_bytes: int) -> None:
        """`size_bytes` were appended to `log`, and wait for a sync."""
        group = self.waiting.get(log)
        if group is None:
            group = self.waiting[log] = _Group()
        group.size_bytes += size_bytes
        if self._post is None:
            self._begin(log)

    def wait(self, log: PartitionLog, answer: Callable[[], None]) -> None:
        """Have `answer` called when all that has been appended to `log` is on disk, or `log.failure` says why it is not."""
        group = self.waiting.get(log) or self.under_way.get(log)
        if group is None:
            answer()
        else:
            group.answers.append(answer)

    def start(self) -> None:
        """Begin the syncs that are waited for; called at the end of the loop's round."""
        for log in [log for log in self.waiting if log not in self.under_way]:
            self._begin(log)

    def settle(self) -> None:
        """Wait for the syncs that are under way; their ends have been posted then. Later ones are done at once."""
        post = self._post
        self._post = None
        self._worker.close()
        if post is not None:
            post(self.start)

    def _begin(self, log: PartitionLog) -> None:
        group = self.waiting.pop(log)
        sync = log.begin_sync()
        self.under_way[log] = group
        if sync is None:
            self._end(log, group, sync)
        elif self._post is None:
            sync.run()
            self._end(log, group, sync)
        else:
            post = self._post

            def run() -> None:
                sync.run()
                post(lambda: self._end(log, group, sync))

            self._worker.submit(run)

    def _end(self, log: PartitionLog, group: _Group, sync: Sync | None) -> None:
        del self.under_way[log]
        if sync is not None:
            log.end_sync(sync)
        if log.failure is None:
            self._on_visible(log, group.size_bytes)
        else:
            logger.error("sync of %s-%d: %s", log.topic, log.partition, log.failure)
        for answer in group.answers:
            answer()
        if log in self.waiting:
            self._begin(log)  # at once: the disk need not wait for the end of the round
