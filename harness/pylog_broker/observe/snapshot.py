"""One consistent look at a broker, as data that JSON can carry. Bounded: a broker with many partitions shows the first ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Protocol

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.segment import Segment
from harness.pylog_broker.storage.topic import Topic

PARTITIONS_MAX = 500
SEGMENTS_MAX = 64  # of one partition, the newest
GROUPS_MAX = 200
OFFSETS_MAX = 500  # of one group
SHOWN_SETTINGS = ("cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes", "segment.ms", "flush.messages")

Snapshot = dict[str, Any]


class Traffic(Protocol):
    """What the server has counted since it started."""

    bytes_in: int
    bytes_out: int

    @property
    def connection_count(self) -> int:
        """Open connections."""
        ...

    def requests(self) -> Mapping[str, int]:
        """Requests answered, by API."""
        ...


def take(broker: Broker, traffic: Traffic, started_s: float) -> Snapshot:
    """Only on the broker's own thread."""
    topics = list(broker.catalog.topics.values())
    shown, left = [], PARTITIONS_MAX
    for topic in topics:
        if left <= 0:
            break
        shown.append(_topic(topic, left))
        left -= len(topic.partitions)
    partitions = sum(len(topic.partitions) for topic in topics)
    return {
        "broker": {
            "node_id": broker.node_id,
            "cluster_id": broker.catalog.cluster_id,
            "uptime_s": round(broker.now_s() - started_s, 3),
            "now_ms": broker.now_ms(),
            "connections": traffic.connection_count,
            "bytes_in": traffic.bytes_in,
            "bytes_out": traffic.bytes_out,
            "requests": dict(traffic.requests()),
            "topics": len(topics),
            "partitions": partitions,
            "log_bytes": sum(log.size_bytes for topic in topics for log in topic.partitions),
        },
        "topics": shown,
        "groups": _groups(broker),
        "truncated": partitions > PARTITIONS_MAX,
    }


def _topic(topic: Topic, partitions_max: int) -> dict[str, Any]:
    return {
        "name": topic.name,
        "id": str(topic.topic_id),
        "internal": topic.internal,
        "settings": dict(topic.config_overrides),
        "partitions": [_partition(log) for log in topic.partitions[:partitions_max]],
    }


def _partition(log: PartitionLog) -> dict[str, Any]:
    segments = log.segments
    return {
        "partition": log.partition,
        "leader_epoch": log.leader_epoch,
        "log_start": log.log_start_offset,
        "last_stable": log.last_stable_offset,
        "high_watermark": log.high_watermark,
        "log_end": log.log_end_offset,
        "bytes": log.size_bytes,
        "synced": log.synced_offset,
        "segment_count": len(segments),
        "segments": [_segment(segment, segment is segments[-1]) for segment in segments[-SEGMENTS_MAX:]],
    }


def _segment(segment: Segment, active: bool) -> dict[str, Any]:
    return {
        "base": segment.base_offset,
        "bytes": segment.size,
        "index_entries": None if segment.index is None else len(segment.index.positions),
        "newest_ms": segment.max_timestamp if segment.max_timestamp >= 0 else None,
        "created_ms": segment.created_ms,
        "active": active,
    }


def _groups(broker: Broker) -> list[dict[str, Any]]:
    coordinator = broker.groups.coordinator
    groups = []
    states = {group.group_id: group.state.value for group in coordinator.groups()}
    for group_id in sorted(states)[:GROUPS_MAX]:
        described = coordinator.describe(group_id)
        groups.append(
            {
                "id": group_id,
                "state": states[group_id],
                "assignor": "" if described is None else described.protocol_name,
                "members": []
                if described is None
                else [
                    {
                        "id": member.member_id,
                        "client": member.client_id,
                        "host": member.client_host,
                        "partitions": assigned_partitions(member.assignment),
                    }
                    for member in described.members
                ],
                "offsets": _offsets(broker, group_id),
            }
        )
    return groups


def _offsets(broker: Broker, group_id: str) -> list[dict[str, Any]]:
    rows = []
    for name, partitions in broker.groups.coordinator.committed(group_id).items():
        topic = broker.catalog.topics.get(name)
        for partition, committed in sorted(partitions.items()):
            log = topic.partitions[partition] if topic is not None and partition < len(topic.partitions) else None
            lag = None if log is None else max(0, log.high_watermark - max(committed.offset, log.log_start_offset))
            rows.append({"topic": name, "partition": partition, "committed": committed.offset, "lag": lag})
            if len(rows) >= OFFSETS_MAX:
                return rows
    return rows


def assigned_partitions(assignment: bytes) -> list[list[Any]]:
    """[[topic, [partition, ...]], ...] of a consumer's assignment (ConsumerProtocolAssignment); [] for anything else."""
    try:
        (count,) = struct.unpack_from(">i", assignment, 2)
        position, topics = 6, []
        for _ in range(min(count, 1000)):
            (length,) = struct.unpack_from(">h", assignment, position)
            name = assignment[position + 2 : position + 2 + length].decode()
            position += 2 + length
            (partitions,) = struct.unpack_from(">i", assignment, position)
            numbers = list(struct.unpack_from(f">{partitions}i", assignment, position + 4))
            position += 4 + 4 * partitions
            topics.append([name, numbers])
    except (struct.error, UnicodeDecodeError):
        return []
    return topics
