"""What goes in and out of a log, as plain tuples."""

from __future__ import annotations

import os
from typing import NamedTuple

from harness.pylog_broker.storage.leader_epochs import LeaderEpochs
from harness.pylog_broker.storage.producer_state import ProducerState
from harness.pylog_broker.storage.segment import Segment, SegmentFile


class AppendResult(NamedTuple):
    """What a producer is told. `log_append_time_ms` is -1 unless the broker stamped the batch."""

    base_offset: int
    log_append_time_ms: int
    log_start_offset: int
    duplicate: bool


class LogSlice(NamedTuple):
    """Whole batches in one file: bytes [position, position + length) of `file.fd`, for `os.sendfile`.

    Holding the slice keeps the descriptor open, also when the segment is deleted meanwhile. An empty slice has length 0 and
    no file. `next_offset` is where to go on, or -1 when that is not known without reading.
    """

    file: SegmentFile | None
    position: int
    length: int
    next_offset: int

    @property
    def fd(self) -> int:
        return self.file.fd if self.file is not None else -1

    def read(self) -> bytes:
        """The bytes themselves, for callers that want no `sendfile`."""
        return os.pread(self.file.fd, self.length, self.position) if self.file is not None else b""


EMPTY_SLICE = LogSlice(None, 0, 0, -1)


class LogState(NamedTuple):
    """What recovery hands to a log."""

    segments: list[Segment]
    log_start_offset: int
    log_end_offset: int
    producers: ProducerState
    leader_epoch: int
    leader_epochs: LeaderEpochs
