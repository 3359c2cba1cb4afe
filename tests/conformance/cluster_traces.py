"""Traces of the broker itself: what it advertises, and requests that name topics by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.conformance.batches import batch, create
from tests.conformance.trace import Trace

NOBODY = UUID(int=77)


def advertised(trace: Trace) -> None:
    """ApiVersions, and what else tells clients who they speak to."""
    software = {"client_software_name": "conform", "client_software_version": "1"}
    trace.call("version 0", "ApiVersions", 0)
    trace.call("version 4", "ApiVersions", 4, **software)
    del trace.answers["version 4"]["finalized_features_epoch"]
    trace.call("bad software", "ApiVersions", 3, client_software_name="a b", client_software_version="")
    trace.call("cluster", "DescribeCluster", 1, endpoint_type=1)
    trace.call("cluster of controllers", "DescribeCluster", 1, endpoint_type=2)
    for name in ("1", "99", ""):
        keys = ["log.retention.hours", "group.max.session.timeout.ms", "offsets.retention.minutes", "num.partitions"]
        resource = {"resource_type": 4, "resource_name": name, "configuration_keys": keys}
        trace.call(f"settings of broker {name!r}", "DescribeConfigs", 4, resources=[resource], include_synonyms=False)
    trace.call("coordinators", "FindCoordinator", 4, key_type=0, coordinator_keys=["a", "b"])


def topic_ids(trace: Trace) -> None:
    """KIP-516: the right id, the id of nothing, no id."""
    topic, group = trace.topic("a"), trace.topic("g")
    create(trace, topic)
    trace.call("coordinator", "FindCoordinator", 3, key=group, key_type=0)
    asked = {"topics": [{"name": topic}], "allow_auto_topic_creation": False}
    topic_id = trace.call("metadata", "Metadata", 12, **asked).topics[0].topic_id
    for name, each in {"its id": topic_id, "no such id": NOBODY, "no id": UUID(int=0)}.items():
        by_id = {"topics": [{"topic_id": each, "name": None}], "allow_auto_topic_creation": False}
        trace.call(f"metadata by {name}", "Metadata", 12, **by_id)
        _data(trace, name, each)
        _offsets(trace, name, each, group)
    for name, each in {"no such id": NOBODY, "its id": topic_id}.items():
        trace.call(f"delete by {name}", "DeleteTopics", 6, topics=[{"topic_id": each, "name": None}], timeout_ms=5000)


def _data(trace: Trace, name: str, topic_id: UUID) -> None:
    rows = [{"topic_id": topic_id, "partition_data": [{"index": 0, "records": batch()}]}]
    trace.call(f"produce by {name}", "Produce", 13, acks=-1, timeout_ms=2000, topic_data=rows)
    row = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20, "current_leader_epoch": -1}
    limits = {"max_wait_ms": 10, "min_bytes": 0, "max_bytes": 1 << 20, "session_id": 0, "session_epoch": -1}
    trace.call(f"fetch by {name}", "Fetch", 13, **limits, topics=[{"topic_id": topic_id, "partitions": [row]}])


def _offsets(trace: Trace, name: str, topic_id: UUID, group: str) -> None:
    row = {"partition_index": 0, "committed_offset": 1, "committed_metadata": ""}
    rows: list[dict[str, Any]] = [{"topic_id": topic_id, "partitions": [row]}]
    outside = {"group_id": group, "member_id": "", "generation_id_or_member_epoch": -1}
    trace.call(f"commit by {name}", "OffsetCommit", 10, **outside, topics=rows)
    asked = [{"topic_id": topic_id, "partition_indexes": [0]}]
    wanted = {"group_id": group, "member_id": None, "member_epoch": -1, "topics": asked}
    trace.call(f"offsets by {name}", "OffsetFetch", 10, groups=[wanted], require_stable=False)


CLUSTER_TRACES: tuple[Callable[[Trace], None], ...] = (advertised, topic_ids)
