"""What several traces ask: topics that are ready, batches in and out, offsets by time."""

from __future__ import annotations

from typing import Any

from harness.pylog_broker.storage.batch import build_batch
from tests.conformance.trace import Trace

NOW_MS = 1_700_000_000_000


def batch(count: int = 1, *, timestamp_ms: int = NOW_MS, **how: Any) -> bytes:
    return bytes(
        build_batch([(b"k", b"value %d" % number) for number in range(count)], timestamp_ms=timestamp_ms, **how)
    )


def create(trace: Trace, topic: str, partitions: int = 1, **configs: str) -> None:
    """Make a topic and wait until it has leaders."""
    rows = [{"name": name.replace("_", "."), "value": value} for name, value in configs.items()]
    wanted = {"name": topic, "num_partitions": partitions, "replication_factor": 1, "configs": rows}
    trace.call(f"create {topic}", "CreateTopics", 5, topics=[wanted], timeout_ms=5000)
    trace.call(
        f"find {topic}",
        "Metadata",
        9,
        topics=[{"name": topic}],
        allow_auto_topic_creation=False,
        until=lambda answer: (
            not answer.topics[0].error_code
            and len(answer.topics[0].partitions) == partitions
            and not any(each.error_code for each in answer.topics[0].partitions)
        ),
    )


def produce(trace: Trace, step: str, topic: str, records: bytes, *, version: int = 9, acks: int = 1, **how: Any) -> Any:
    partition = how.pop("partition", 0)
    rows = [{"name": topic, "partition_data": [{"index": partition, "records": records}]}]
    return trace.call(step, "Produce", version, acks=acks, timeout_ms=2000, topic_data=rows, **how)


def fetch(trace: Trace, step: str, topic: str, offset: int, *, isolation: int = 0, bytes_max: int = 1 << 20) -> Any:
    row = {"partition": 0, "fetch_offset": offset, "partition_max_bytes": bytes_max, "current_leader_epoch": -1}
    return trace.call(
        *(step, "Fetch", 11),
        max_wait_ms=10,
        min_bytes=0,
        max_bytes=1 << 20,
        isolation_level=isolation,
        session_id=0,
        session_epoch=-1,
        topics=[{"topic": topic, "partitions": [row]}],
    )


def list_offset(trace: Trace, step: str, topic: str, timestamp: int, *, isolation: int = 0, partition: int = 0) -> Any:
    row = {"partition_index": partition, "timestamp": timestamp, "current_leader_epoch": -1}
    topics = [{"name": topic, "partitions": [row]}]
    return trace.call(step, "ListOffsets", 7, replica_id=-1, isolation_level=isolation, topics=topics)
