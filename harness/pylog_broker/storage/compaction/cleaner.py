"""Drives compaction between requests: picks the dirtiest log, has it rewritten on a thread of its own, swaps the result in.

A cleaning goes back and forth between two threads. The log's own thread gathers facts and changes the log's state and file
names; the worker reads, writes and syncs. Each stage is a few system calls or a job for the worker, so that no request waits
for it. Until a swap is decided nothing has happened; once it is decided and durable, it is completed, by the next start if need
be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from harness.pylog_broker.storage.batch import NO_TIMESTAMP
from harness.pylog_broker.storage.compaction import rewrite, swap
from harness.pylog_broker.storage.compaction.plan import Plan, SegmentFact, group_segments, make_plan
from harness.pylog_broker.storage.disk_worker import Job, Worker
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory
from harness.pylog_broker.storage.index import RELATIVE_OFFSET_MAX
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.segment import BadBatch, Segment
from harness.pylog_broker.storage.topic_config import INT64_MAX

logger = logging.getLogger(__name__)

BREATH_BYTES = 64 << 10  # read between two pauses, in which the thread that serves requests gets its turn
BREATH_S = 0.0002


class CleanerSettings(NamedTuple):
    """`log.cleaner.*` of the broker."""

    enable: bool = True
    backoff_ms: int = 15_000
    dedupe_buffer_bytes: int = 128 << 20
    io_bytes_per_second_max: float = float("inf")


SaveProgress = Callable[[PartitionLog, int, int], None]
"""Makes durable, for a log: cleaned up to this offset, and gaps may be below that one. Raises StorageError."""


class Cleaner:
    """One cleaning at a time, over the logs of one catalog. Its methods belong to the thread that owns the logs."""

    def __init__(
        self, file_system: FileSystem, worker: Worker, settings: CleanerSettings, *, save_progress: SaveProgress
    ) -> None:
        self.settings = settings
        self.cleaned_bytes = 0
        """Bytes that were reclaimed since the start."""
        self._fs = file_system
        self._worker = worker
        self._save_progress = save_progress
        self._clean_to: dict[PartitionLog, int] = {}
        self._uncleanable: set[PartitionLog] = set()
        self._stages: Iterator[Job] | None = None
        self._job_done = True
        self._closing = False
        self._next_look_ms = 0

    @property
    def busy(self) -> bool:
        """Whether a cleaning is under way: `step` wants to be called again soon."""
        return self._stages is not None

    def resume(self, log: PartitionLog, clean_to: int) -> None:
        """A log was opened that had been cleaned up to this offset."""
        self._clean_to[log] = clean_to

    def forget(self, log: PartitionLog) -> None:
        """A log was deleted."""
        self._clean_to.pop(log, None)
        self._uncleanable.discard(log)

    def step(self, logs: Iterable[PartitionLog], now_ms: int) -> None:
        """Go on with the cleaning that is under way, or look for the next one."""
        if self._stages is None:
            if not self.settings.enable or now_ms < self._next_look_ms:
                return
            found = self._dirtiest(logs, now_ms)
            if found is None:
                self._next_look_ms = now_ms + self.settings.backoff_ms
                return
            self._stages = self._clean(*found, now_ms)
        while self._stages is not None and self._job_done:
            job = next(self._stages, None)
            if job is None:
                self._stages = None
            else:
                self._submit(job)

    def _submit(self, job: Job) -> None:
        self._job_done = False

        def run() -> None:
            try:
                job()
            except (StorageError, OSError) as error:
                logger.error("compaction: %s", error)
            finally:
                self._job_done = True

        self._worker.submit(run)

    def close(self) -> None:
        """Have a cleaning under way give up soon; nothing of it counts. The worker may be closed then."""
        self._closing = True

    # --- choosing ---------------------------------------------------------------------------------------------------

    def _dirtiest(self, logs: Iterable[PartitionLog], now_ms: int) -> tuple[PartitionLog, Plan] | None:
        best: tuple[PartitionLog, Plan] | None = None
        for log in logs:
            if not log.config.compacts or log.failure is not None or log in self._uncleanable or len(log.segments) < 2:
                continue
            plan = self.plan(log, now_ms)
            if plan.worth_it(log.config) and (best is None or plan.dirty_ratio > best[1].dirty_ratio):
                best = log, plan
        return best

    def plan(self, log: PartitionLog, now_ms: int) -> Plan:
        """What could be cleaned of a log now."""
        return make_plan(
            _facts(log),
            clean_to=self._clean_to.get(log, 0),
            last_stable_offset=log.last_stable_offset,
            config=log.config,
            now_ms=now_ms,
        )

    # --- one cleaning, stage by stage -------------------------------------------------------------------------------

    def _clean(self, log: PartitionLog, plan: Plan, now_ms: int) -> Iterator[Job]:
        """Yields jobs for the worker; goes on, on the log's thread, when each is done."""
        failed = False
        result: list[rewrite.Cleaned] = []
        try:
            task = self._task(log, plan, now_ms)
        except StorageError as error:
            self._give_up(log, error)
            return
        log.cleaning = True
        try:
            yield lambda: self._rewrite(log, task, result)
            if result and log.failure is None:
                yield from self._swap(log, result[0])
        except (StorageError, OSError) as error:
            failed = True
            self._give_up(log, error)
        finally:
            log.cleaning = False
        if not failed and result and log.failure is None:
            self._clean_to[log] = result[0].clean_to
            self.cleaned_bytes += result[0].bytes_before - result[0].bytes_after
            logger.info(
                "%s-%d: compacted to offset %d, %d bytes became %d",
                log.topic,
                log.partition,
                result[0].clean_to,
                result[0].bytes_before,
                result[0].bytes_after,
            )

    def _give_up(self, log: PartitionLog, error: Exception) -> None:
        self._uncleanable.add(log)
        logger.error("%s-%d is not compacted any more until a restart: %s", log.topic, log.partition, error)

    def _task(self, log: PartitionLog, plan: Plan, now_ms: int) -> rewrite.Task:
        facts = _facts(log)
        groups = group_segments(
            facts, plan.end_offset, segment_bytes=log.config.segment_bytes, span_max=RELATIVE_OFFSET_MAX
        )
        count = sum(groups)
        sources = tuple(
            rewrite.Source(segment.base_offset, following.base_offset, segment.size, segment.open()[0], segment.gaps)
            for segment, following in zip(log.segments[:count], log.segments[1 : count + 1], strict=True)
        )
        for segment in log.segments[:count]:
            log.touch(segment)
        return rewrite.Task(
            directory=log.directory,
            sources=sources,
            groups=tuple(groups),
            first_dirty=plan.first_dirty,
            aborted=tuple(row for segment in log.segments for row in segment.transactions.rows),
            last_batches=log.producers.last_batches(),
            delete_retention_ms=log.config.delete_retention_ms,
            index_interval=log.config.index_interval_bytes,
            now_ms=now_ms,
            map_bytes=self.settings.dedupe_buffer_bytes,
        )

    def _rewrite(self, log: PartitionLog, task: rewrite.Task, result: list[rewrite.Cleaned]) -> None:
        """On the worker."""
        pace = _Pace(self.settings.io_bytes_per_second_max, lambda: self._closing or log.failure is not None)
        try:
            result.append(rewrite.clean(self._fs, task, pace.take))
        except rewrite.Stopped:
            pass
        except (StorageError, BadBatch, OSError) as error:
            if log.failure is None and not self._closing:
                self._give_up(log, error)

    def _swap(self, log: PartitionLog, cleaned: rewrite.Cleaned) -> Iterator[Job]:
        clean_before = self._clean_to.get(log, 0)
        failures: list[Exception] = []

        def on_worker(act: Callable[[], None]) -> Job:
            def job() -> None:
                try:
                    act()
                except (StorageError, OSError) as error:
                    failures.append(error)

            return job

        # Gaps have to be known of before they are there: recovery takes an unknown one for damage.
        yield on_worker(lambda: self._save_progress(log, clean_before, cleaned.clean_to))
        for segment in cleaned.segments:
            if failures or log.failure is not None or self._closing:
                break
            swap.decide(self._fs, segment.name)
            yield on_worker(lambda: sync_directory(self._fs, log.directory))
            if failures or log.failure is not None:
                break
            fresh, doomed = self._put_in_place(log, segment)
            index = segment.entries
            yield on_worker(lambda fresh=fresh, doomed=doomed, index=index: self._finish(fresh, doomed, index))  # type: ignore[misc]
        if not failures and log.failure is None and not self._closing:
            yield on_worker(lambda: self._save_progress(log, cleaned.clean_to, cleaned.clean_to))
        if failures:
            raise failures[0] if isinstance(failures[0], OSError) else OSError(str(failures[0]))

    def _put_in_place(self, log: PartitionLog, cleaned: rewrite.CleanedSegment) -> tuple[Segment, list[str]]:
        """Exchange file names and the log's segments; both are quick. The old bytes are freed later."""
        doomed: list[str] = []

        def remove(path: str) -> None:
            if path.endswith(".log"):
                self._fs.rename(path, path + ".deleted")
                doomed.append(path + ".deleted")
            else:
                self._fs.unlink(path)

        name = cleaned.name
        fresh = Segment(self._fs, name.directory, name.base, size=cleaned.size, created_ms=0)
        fresh.max_timestamp, fresh.max_timestamp_offset = cleaned.max_timestamp, cleaned.max_timestamp_offset
        fresh.trusted_from = 0  # every byte was written by this process
        fresh.gaps = fresh.synced = True
        try:
            swap.complete(self._fs, name, remove)
        except OSError as error:
            log.failure = f"compacted segments could not be put in place: {error}"  # the next start completes it
            raise
        log.replace_segments(name.end, fresh)
        return fresh, doomed

    def _finish(self, fresh: Segment, doomed: list[str], index: Any) -> None:
        if not fresh.deleted:
            fresh.save_index(index)
        for path in doomed:
            self._fs.unlink(path)


class _Pace:
    """Keeps a cleaning slow enough: a pause each so many bytes, and `log.cleaner.io.max.bytes.per.second`."""

    def __init__(self, bytes_per_second_max: float, stopped: Callable[[], bool]) -> None:
        self._rate = bytes_per_second_max
        self._stopped = stopped
        self._since_pause = 0
        self._begun_s = time.monotonic()
        self._total = 0

    def take(self, size: int) -> None:
        """`size` bytes were read."""
        self._since_pause += size
        self._total += size
        if self._since_pause < BREATH_BYTES:
            return
        self._since_pause = 0
        if self._stopped():
            raise rewrite.Stopped
        time.sleep(BREATH_S)
        while (ahead_s := self._total / self._rate - (time.monotonic() - self._begun_s)) > 0:
            if self._stopped():
                raise rewrite.Stopped
            time.sleep(min(ahead_s, 0.1))


def _facts(log: PartitionLog) -> list[SegmentFact]:
    wants_oldest = log.config.max_compaction_lag_ms < INT64_MAX
    return [
        SegmentFact(
            segment.base_offset,
            segment.size,
            segment.newest_ms(),
            segment.oldest_ms() if wants_oldest and segment.size else NO_TIMESTAMP,
        )
        for segment in log.segments
    ]
