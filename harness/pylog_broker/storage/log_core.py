"""What a partition's log knows of itself: its segments, offsets, settings and leader epochs. See `log`, which adds what is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.pylog_broker.storage.compression import CODEC_NUMBERS
from harness.pylog_broker.storage.disk_worker import InlineWorker, Job, Worker
from harness.pylog_broker.storage.errors import (
    StorageFailed,
)
from harness.pylog_broker.storage.facts import LogState
from harness.pylog_broker.storage.filesystem import FileSystem
from harness.pylog_broker.storage.segment import OpenSegments, Segment
from harness.pylog_broker.storage.stability import Unreplicated
from harness.pylog_broker.storage.sync import Sync
from harness.pylog_broker.storage.topic_config import INT64_MAX, TopicConfig

if TYPE_CHECKING:
    from harness.pylog_broker.storage.log import PartitionLog


def _ignore(_: PartitionLog) -> None:
    pass


class LogCore:
    """One partition's log. `log_end_offset` is the offset of the next record, `high_watermark` what consumers see.

    `replicated_to` is the rule that says up to which offset every in-sync replica has the log, given its new end. None is
    the rule of a sole replica: what is appended is replicated. `leader_epoch` is the epoch of this leader, which every
    batch gets. `discard` has a job that frees bytes run after a delay in ms.
    """

    # With more than thirty attributes, CPython would give each log a dictionary of its own: 1.5 kB, and slower look-ups.
    __slots__ = (
        "_active",
        "_bases",
        "_codec",
        "_cursors",
        "_directory_synced",
        "_discard",
        "_flush_messages",
        "_fs",
        "_index_interval",
        "_log_append_time",
        "_max_message_bytes",
        "_open_segments",
        "_persist_start",
        "_replicated_to",
        "_roll_at_ms",
        "_roll_stamp_ms",
        "_scan_cost",
        "_segment_bytes",
        "_segments",
        "_syncing",
        "_unflushed_records",
        "_unflushed_since_ms",
        "_unreplicated",
        "_worker",
        "_write",
        "awaited_offset",
        "cleaning",
        "config",
        "directory",
        "failure",
        "high_watermark",
        "leader_epoch",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "opens_batches",
        "partition",
        "producers",
        "topic",
    )

    def __init__(
        self,
        file_system: FileSystem,
        directory: str,
        *,
        topic: str,
        partition: int,
        config: TopicConfig,
        state: LogState,
        open_segments: OpenSegments | None = None,
        worker: Worker | None = None,
        persist_start: Callable[[PartitionLog], None] = _ignore,
        replicated_to: Callable[[int], int] | None = None,
        discard: Callable[[Job, int], None] | None = None,
    ) -> None:
        self._fs = file_system
        self._write = file_system.write
        self.directory = directory
        self.topic = topic
        self.partition = partition
        self._open_segments = open_segments or OpenSegments()
        self._worker = worker or InlineWorker()
        self._persist_start = persist_start
        self._discard = discard or (lambda job, _delay_ms: self._worker.submit(job))
        self._segments = state.segments
        self._bases = [segment.base_offset for segment in state.segments]
        self._active = state.segments[-1]
        self.log_start_offset = state.log_start_offset
        self.log_end_offset = state.log_end_offset
        self._replicated_to = replicated_to
        self.high_watermark = state.log_end_offset if replicated_to is None else state.log_start_offset
        self.producers = state.producers
        self.leader_epoch = state.leader_epoch
        self.leader_epochs = state.leader_epochs
        self._unreplicated = Unreplicated()
        self.failure: str | None = None
        self.cleaning = False
        """Closed segments are being compacted: their files stay until that is done."""
        self._cursors: dict[int, tuple[Segment, int, int]] = {}
        self._unflushed_records = 0
        self._unflushed_since_ms = -1
        self.awaited_offset = -1
        """The log end as of the last append that a sync is still owed to (`append` with `deferred`), or -1."""
        self._syncing: Sync | None = None
        self._directory_synced = False
        self._scan_cost = 0
        self.set_config(config)
        self._begin_epoch()

    # --- facts ------------------------------------------------------------------------------------------------------

    @property
    def last_stable_offset(self) -> int:
        """Offset below which every transaction has ended and is replicated: what read_committed consumers see."""
        stable = self.high_watermark
        ongoing = self.producers.ongoing
        if ongoing or self._unreplicated:
            for first in ongoing.values():  # ascending: the first one is the oldest
                stable = min(stable, first)
                break
            stable = max(self.log_start_offset, self._unreplicated.limit(stable, self.high_watermark))
        return stable

    def advance_high_watermark(self, offset: int) -> bool:
        """Let consumers see what lies below `offset`; it never moves back, nor beyond the log end. Whether it moved."""
        offset = min(offset, self.log_end_offset)
        if offset <= self.high_watermark:
            return False
        self.high_watermark = offset
        return True

    @property
    def size_bytes(self) -> int:
        return sum(segment.size for segment in self._segments)

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(self._segments)

    @property
    def synced_offset(self) -> int:
        """Base offset of the first segment that was not fsynced as a whole: where a machine's crash can have bitten."""
        for segment in self._segments:
            if not segment.synced:
                return segment.base_offset
        return self._active.base_offset

    def set_config(self, config: TopicConfig) -> None:
        """Apply new settings to what comes from now on."""
        self.config = config
        self._max_message_bytes = config.max_message_bytes
        self._segment_bytes = config.segment_bytes
        self._index_interval = config.index_interval_bytes
        self._flush_messages = config.flush_messages
        self._log_append_time = config.log_append_time
        self._codec = CODEC_NUMBERS.get(config.compression_type)
        self.opens_batches = config.compacts or self._codec is not None
        """Whether what producers send has to go through `prepare` first."""
        self._schedule_roll()

    def _schedule_roll(self) -> None:
        """When the active segment is closed: segment.ms after it began, by the broker's clock or by the records' own.

        By the records' own, as in Apache Kafka: when old records are read in again, a segment holds segment.ms of them, and
        retention by age finds them in pieces. Jitter keeps many partitions from rolling at once.
        """
        active = self._active
        self._roll_at_ms = self._roll_stamp_ms = INT64_MAX
        if active.size > 0:
            age_ms = self._roll_age_ms()
            self._roll_at_ms = active.created_ms + age_ms
            if active.first_timestamp >= 0:
                self._roll_stamp_ms = active.first_timestamp + age_ms

    def _roll_age_ms(self) -> int:
        config = self.config
        age_ms = config.segment_ms
        if config.segment_jitter_ms > 0:
            from random import randrange  # needed by few topics: a cold start does without it

            age_ms -= randrange(min(config.segment_jitter_ms, config.segment_ms))
        if config.compacts:
            age_ms = min(age_ms, config.max_compaction_lag_ms)
        return age_ms

    def _begin_epoch(self) -> None:
        """Note that this leader writes from the log end on, before anything is written with its epoch."""
        if self.leader_epochs.assign(self.leader_epoch, self.log_end_offset):
            try:
                self.leader_epochs.save(self._fs, self.directory)
            except OSError as error:
                raise StorageFailed(f"{self.directory}: {error}") from error

    def _failure_text(self) -> str:
        return f"{self.topic}-{self.partition} is offline since an earlier failure ({self.failure}); restart the broker"
