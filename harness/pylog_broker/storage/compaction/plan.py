"""What of a log can be cleaned, and whether that is worth it: a pure decision over facts of its segments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from harness.pylog_broker.storage.topic_config import INT64_MAX, TopicConfig


class SegmentFact(NamedTuple):
    """What the plan needs to know of a segment, oldest first; the last one is active."""

    base_offset: int
    size: int  # bytes
    newest_ms: int  # largest timestamp of its records
    oldest_ms: int = -1  # timestamp of its first batch, where `max.compaction.lag.ms` asks for it


class Plan(NamedTuple):
    """Clean up to `end_offset`, a segment's base; records below `first_dirty` have been through it before."""

    first_dirty: int
    end_offset: int
    dirty_ratio: float
    overdue: bool
    """A record has waited longer than `max.compaction.lag.ms` allows."""

    def worth_it(self, config: TopicConfig) -> bool:
        """Whether the log should be cleaned now."""
        return self.end_offset > self.first_dirty and (
            self.overdue or self.dirty_ratio > config.min_cleanable_dirty_ratio
        )


def make_plan(
    segments: Sequence[SegmentFact], *, clean_to: int, last_stable_offset: int, config: TopicConfig, now_ms: int
) -> Plan:
    """The cleanable part of a log: closed segments, whole below the last stable offset, old enough for the minimal lag."""
    first_dirty = max(clean_to, segments[0].base_offset)
    end = first_dirty
    clean_bytes = dirty_bytes = 0
    overdue = False
    for segment, following in itertools.pairwise(segments):
        too_young = config.min_compaction_lag_ms > 0 and segment.newest_ms > now_ms - config.min_compaction_lag_ms
        if following.base_offset > last_stable_offset or (too_young and following.base_offset > first_dirty):
            break
        if following.base_offset <= first_dirty:
            clean_bytes += segment.size
            continue
        dirty_bytes += segment.size
        end = following.base_offset
        waited = config.max_compaction_lag_ms < INT64_MAX and now_ms - segment.oldest_ms > config.max_compaction_lag_ms
        overdue = overdue or (waited and segment.oldest_ms >= 0)
    total = clean_bytes + dirty_bytes
    return Plan(first_dirty, end, dirty_bytes / total if total else 0.0, overdue)


def group_segments(segments: Sequence[SegmentFact], end_offset: int, *, segment_bytes: int, span_max: int) -> list[int]:
    """How many segments go into each cleaned one: neighbours, together no larger than a segment may be.

    The sum over all groups is the number of segments below `end_offset`. `span_max` bounds the offsets of one segment.
    """
    groups: list[int] = []
    size = first = 0
    for segment, following in itertools.pairwise(segments):
        if segment.base_offset >= end_offset:
            break
        if groups and size + segment.size <= segment_bytes and following.base_offset - first <= span_max:
            groups[-1] += 1
            size += segment.size
        else:
            groups.append(1)
            size, first = segment.size, segment.base_offset
    return groups
