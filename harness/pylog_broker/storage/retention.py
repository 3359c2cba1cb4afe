"""Which segments a partition no longer keeps: a pure decision over facts of its segments, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.pylog_broker.storage.topic_config import TopicConfig


class SegmentFacts(NamedTuple):
    """What retention needs to know of a closed segment."""

    size: int  # bytes
    next_offset: int  # base offset of the segment that follows
    timestamp_ms: int  # largest timestamp of its records


def expired_segments(
    closed: Sequence[SegmentFacts], *, active_size: int, log_start_offset: int, config: TopicConfig, now_ms: int
) -> int:
    """How many of the oldest closed segments go: below the log start, too old, or beyond the size limit.

    As in Apache Kafka the size limit is a floor: a segment goes only when what remains still reaches `retention.bytes`.
    """
    excess = sum(segment.size for segment in closed) + active_size - config.retention_bytes
    count = 0
    for segment in closed:
        below_start = segment.next_offset <= log_start_offset
        too_old = config.deletes and config.retention_ms >= 0 and now_ms - segment.timestamp_ms > config.retention_ms
        too_much = config.deletes and config.retention_bytes >= 0 and excess >= segment.size
        if not (below_start or too_old or too_much):
            break
        excess -= segment.size
        count += 1
    return count
