"""The traces: what is asked of both brokers. Each has topics and groups of its own, so that their order does not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.pylog_broker.storage.batch import build_batch
from tests.conformance.batches import NOW_MS, batch, create, fetch, list_offset, produce
from tests.conformance.cluster_traces import CLUSTER_TRACES
from tests.conformance.compaction_traces import COMPACTION_TRACES
from tests.conformance.group_traces import GROUP_TRACES
from tests.conformance.migration_traces import MIGRATION_TRACES
from tests.conformance.share_traces import SHARE_TRACES
from tests.conformance.trace import Trace
from tests.conformance.transaction_traces import TRANSACTION_TRACES

RUN = Callable[[Trace], None]
DAY_MS = 86_400_000


def topics(trace: Trace) -> None:
    """Topics: creation and its errors, extension, deletion."""
    topic = trace.topic("a")
    create(trace, topic, 2)
    wanted: list[dict[str, Any]] = [
        {"name": topic, "num_partitions": 1, "replication_factor": 1},
        {"name": "bad name", "num_partitions": 1, "replication_factor": 1},
        {"name": "", "num_partitions": 1, "replication_factor": 1},
        {"name": "x" * 250, "num_partitions": 1, "replication_factor": 1},
        {"name": trace.topic("none"), "num_partitions": 0, "replication_factor": 1},
        {"name": trace.topic("many"), "num_partitions": 1, "replication_factor": 3},
        {"name": trace.topic("config"), "num_partitions": 1, "replication_factor": 1}
        | {"configs": [{"name": "no.such.setting", "value": "1"}]},
        {"name": trace.topic("value"), "num_partitions": 1, "replication_factor": 1}
        | {"configs": [{"name": "retention.ms", "value": "soon"}]},
        {"name": trace.topic("placed"), "num_partitions": -1, "replication_factor": -1}
        | {"assignments": [{"partition_index": 0, "broker_ids": [99]}]},
    ]
    for number, row in enumerate(wanted):
        trace.call(f"create badly {number}", "CreateTopics", 5, topics=[row], timeout_ms=5000)
    twice = [{"name": trace.topic("twice"), "num_partitions": 1, "replication_factor": 1}] * 2
    trace.call("create twice in one request", "CreateTopics", 5, topics=twice, timeout_ms=5000)
    only = {"name": trace.topic("only"), "num_partitions": 3, "replication_factor": 1}
    trace.call("validate only", "CreateTopics", 5, topics=[only], timeout_ms=5000, validate_only=True)
    for number, (name, count) in enumerate([(topic, 1), (topic, 2), (topic, 3), ("nope", 3)]):
        rows = [{"name": name, "count": count, "assignments": None}]
        trace.call(f"extend {number}", "CreatePartitions", 1, topics=rows, timeout_ms=5000)
    for version in (4, 9, 12):
        trace.call(
            f"metadata of nothing, version {version}",
            *("Metadata", version),
            topics=[{"name": trace.topic("absent")}],
            allow_auto_topic_creation=False,
        )
    trace.call(
        "metadata makes a topic",
        *("Metadata", 1),
        topics=[{"name": trace.topic("made")}],
        until=lambda answer: not answer.topics[0].error_code and len(answer.topics[0].partitions) == 1,
    )
    trace.call("metadata of a bad name", "Metadata", 9, topics=[{"name": "a b"}], allow_auto_topic_creation=True)
    trace.call("delete", "DeleteTopics", 4, topic_names=[topic, "nope"], timeout_ms=5000)
    trace.call(
        "metadata of the deleted",
        *("Metadata", 9),
        topics=[{"name": topic}],
        allow_auto_topic_creation=False,
        until=lambda answer: answer.topics[0].error_code == 3,
    )


def configs(trace: Trace) -> None:
    """Settings of topics: read, set, deleted, refused."""
    topic = trace.topic("a")
    create(trace, topic, retention_ms="1000000", cleanup_policy="delete")
    keys = ["retention.ms", "cleanup.policy", "max.message.bytes", "min.insync.replicas", "segment.bytes"]
    described = [{"resource_type": 2, "resource_name": topic, "configuration_keys": keys}]
    trace.call("describe", "DescribeConfigs", 2, resources=described, include_synonyms=False)
    changes: list[tuple[str, int, str | None]] = [
        ("retention.ms", 0, "2000000"),
        ("max.message.bytes", 0, "-5"),
        ("no.such.setting", 0, "1"),
        ("cleanup.policy", 2, "compact"),
        ("cleanup.policy", 3, "delete"),
        ("retention.ms", 2, "1"),
        ("retention.ms", 1, None),
        ("compression.type", 0, "brotli"),
        ("min.insync.replicas", 0, "0"),
    ]
    for number, (name, operation, value) in enumerate(changes):
        rows = [{"name": name, "config_operation": operation, "value": value}]
        resource = {"resource_type": 2, "resource_name": topic, "configs": rows}
        trace.call(f"change {number}", "IncrementalAlterConfigs", 0, resources=[resource], validate_only=False)
    trace.call("describe again", "DescribeConfigs", 2, resources=described, include_synonyms=False)
    nowhere = [{"resource_type": 2, "resource_name": "nope", "configuration_keys": keys}]
    trace.call("describe nothing", "DescribeConfigs", 2, resources=nowhere, include_synonyms=False)
    bad = [{"resource_type": 77, "resource_name": "nope", "configuration_keys": None}]
    trace.call("describe a bad type", "DescribeConfigs", 2, resources=bad, include_synonyms=False)


def records(trace: Trace) -> None:
    """Produce, fetch and lookup of valid batches."""
    topic = trace.topic("a")
    create(trace, topic)
    produce(trace, "first", topic, batch(3))
    produce(trace, "second", topic, batch(2, timestamp_ms=NOW_MS + 1000), acks=-1)
    fetch(trace, "fetch from the start", topic, 0)
    fetch(trace, "fetch inside a batch", topic, 1)
    fetch(trace, "fetch a batch that is larger than the limit", topic, 0, bytes_max=1)
    fetch(trace, "fetch at the end", topic, 5)
    fetch(trace, "fetch past the end", topic, 6)
    fetch(trace, "fetch below the start", topic, -1)
    fetch(trace, "fetch from nowhere", trace.topic("absent"), 0)
    for timestamp in (-1, -2, -3, NOW_MS, NOW_MS + 1, NOW_MS + 1000, NOW_MS + 1001, 0, -9):
        list_offset(trace, f"offset of {timestamp}", topic, timestamp)
    produce(trace, "six days later", topic, batch(timestamp_ms=NOW_MS + 6 * DAY_MS))
    produce(trace, "eight days later", topic, batch(timestamp_ms=NOW_MS + 8 * DAY_MS))
    fetch(trace, "fetch up to the end of a segment, which is closed by the records' own time", topic, 0)
    fetch(trace, "fetch the segment behind", topic, 6)
    list_offset(trace, "offset of no partition", topic, -1, partition=7)
    list_offset(trace, "offset of no topic", trace.topic("absent"), -1)
    deleted = [{"name": topic, "partitions": [{"partition_index": 0, "offset": 3}]}]
    trace.call("delete records", "DeleteRecords", 1, topics=deleted, timeout_ms=2000)
    fetch(trace, "fetch what was deleted", topic, 0)
    fetch(trace, "fetch what was left", topic, 3)
    list_offset(trace, "earliest after deletion", topic, -2)
    for offset in (99, -2, -1):
        rows = [{"name": topic, "partitions": [{"partition_index": 0, "offset": offset}]}]
        trace.call(f"delete records before {offset}", "DeleteRecords", 1, topics=rows, timeout_ms=2000)
    nowhere = [{"name": trace.topic("absent"), "partitions": [{"partition_index": 0, "offset": 0}]}]
    trace.call("delete records of nothing", "DeleteRecords", 1, topics=nowhere, timeout_ms=2000)
    for epoch in (-1, 0, 5):
        row = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": epoch}
        asked = [{"topic": topic, "partitions": [row]}]
        trace.call(f"end of epoch {epoch}", "OffsetForLeaderEpoch", 3, replica_id=-2, topics=asked)


def broken_records(trace: Trace) -> None:
    """Batches that must be refused, and what is left afterwards."""
    topic, stamped, compacted = trace.topic("a"), trace.topic("stamped"), trace.topic("compacted")
    create(trace, topic, max_message_bytes="2000")
    create(trace, stamped, message_timestamp_type="LogAppendTime")
    create(trace, compacted, cleanup_policy="compact")
    good = batch(2)
    broken = {
        "a bad checksum": good[:17] + b"\0\0\0\0" + good[21:],
        "magic 1": good[:16] + b"\1" + good[17:],
        "magic 3": good[:16] + b"\3" + good[17:],
        "no bytes": b"",
        "a length past the end": good[:8] + b"\0\0\xff\xff" + good[12:],
        "a cut batch": good[:40],
        "two batches": good + good,
        "a base offset": b"\0\0\0\0\0\0\0\5" + good[8:],
        "too large": bytes(build_batch([(None, b"x" * 3000)], timestamp_ms=NOW_MS)),
        "a control batch": batch(1, attributes=0x20),
        "a far future": batch(1, timestamp_ms=4_000_000_000_000),
        "a negative count": good[:57] + b"\xff\xff\xff\xff" + good[61:],
    }
    for name, data in broken.items():
        produce(trace, name, topic, data)
    produce(trace, "no partition", topic, good, partition=9)
    produce(trace, "no topic", trace.topic("absent"), good)
    produce(trace, "acks of 2", topic, good, acks=2)
    produce(trace, "append time", stamped, good)
    fetch(trace, "append time as fetched", stamped, 0)
    keyless = bytes(build_batch([(None, b"x")], timestamp_ms=NOW_MS))
    produce(trace, "a record without a key into a compacted topic", compacted, keyless)
    list_offset(trace, "nothing came of it", topic, -1)


def idempotence(trace: Trace) -> None:
    """Producer ids: sequences, duplicates, gaps, epochs."""
    topic = trace.topic("a")
    create(trace, topic)
    made = trace.call("init", "InitProducerId", 3, transactional_id=None, transaction_timeout_ms=1000)
    who = {"producer_id": made.producer_id, "producer_epoch": 0}
    steps: list[tuple[str, int, int, int]] = [
        *(("first", 0, 1, 0), ("next", 1, 2, 0), ("the same again", 1, 2, 0), ("the first again", 0, 1, 0)),
        *(
            ("a gap", 9, 1, 0),
            ("overlap", 2, 2, 0),
            ("a younger epoch out of order", 5, 1, 1),
            ("a younger epoch", 0, 1, 1),
        ),
        *(("an older epoch", 1, 1, 0), ("after", 1, 1, 1)),
    ]
    for name, sequence, count, epoch in steps:
        produce(trace, name, topic, batch(count, **{**who, "producer_epoch": epoch}, base_sequence=sequence), acks=-1)
    unknown = batch(1, producer_id=987_654, producer_epoch=0, base_sequence=3)
    produce(trace, "an unknown producer in the middle", topic, unknown, acks=-1)
    produce(trace, "no sequence", topic, batch(1, **who, base_sequence=-1), acks=-1)
    fetch(trace, "what is stored", topic, 0)


def offsets(trace: Trace) -> None:
    """Committed offsets of consumers that are in no group, of groups that are not there, and their deletion."""
    topic, group = trace.topic("a"), trace.topic("g")
    create(trace, topic, 2)
    find = {"key": group, "key_type": 0}
    trace.call("coordinator", "FindCoordinator", 3, **find)
    trace.call("coordinator of a bad type", "FindCoordinator", 3, key=group, key_type=9)
    asked = [{"name": topic, "partition_indexes": [0, 1]}]
    trace.call("fetch of no group", "OffsetFetch", 7, group_id=group, topics=asked, require_stable=False)
    trace.call("fetch all of no group", "OffsetFetch", 7, group_id=group, topics=None, require_stable=False)

    def commit(step: str, *, version: int = 8, member: str = "", generation: int = -1, **how: Any) -> None:
        row = {
            "partition_index": how.get("partition", 0),
            "committed_offset": 7,
            "committed_metadata": how.get("text", "m"),
        }
        rows = [{"name": how.get("topic", topic), "partitions": [row]}]
        who = {"group_id": how.get("group", group), "member_id": member, "generation_id_or_member_epoch": generation}
        trace.call(step, "OffsetCommit", version, **who, topics=rows)

    commit("commit of a member of no group", generation=3, member="who")
    commit("commit of an epoch of no group", version=9, generation=3, member="who")
    commit("commit")
    commit("commit to no partition", partition=9)
    commit("commit to no topic", topic=trace.topic("absent"))
    commit("commit with long metadata", text="x" * 5000)
    commit("commit of an unknown member", generation=1, member="who")
    commit("commit to the empty group", group="")
    trace.call("fetch", "OffsetFetch", 7, group_id=group, topics=asked, require_stable=True)
    trace.call("fetch all", "OffsetFetch", 7, group_id=group, topics=None, require_stable=False)
    several = [{"group_id": group, "topics": asked}, {"group_id": trace.topic("other"), "topics": asked}]
    trace.call("fetch of several groups", "OffsetFetch", 8, groups=several, require_stable=False)
    trace.call("describe", "DescribeGroups", 5, groups=[group, trace.topic("other")])
    trace.call("describe, version 6", "DescribeGroups", 6, groups=[group, trace.topic("other")])
    trace.call("describe as the other kind", "ConsumerGroupDescribe", 1, group_ids=[group, trace.topic("other"), ""])
    rows = [{"name": topic, "partitions": [{"partition_index": 0}, {"partition_index": 1}, {"partition_index": 9}]}]
    trace.call("delete offsets", "OffsetDelete", 0, group_id=group, topics=rows)
    trace.call("delete offsets of no group", "OffsetDelete", 0, group_id=trace.topic("other"), topics=rows)
    commit("commit anew")
    trace.call("delete groups", "DeleteGroups", 2, groups_names=[group, trace.topic("other"), ""])
    trace.call("fetch after deletion", "OffsetFetch", 7, group_id=group, topics=asked, require_stable=False)


TRACES: dict[str, RUN] = {
    each.__name__: each
    for each in (
        topics,
        configs,
        records,
        broken_records,
        idempotence,
        offsets,
        *CLUSTER_TRACES,
        *COMPACTION_TRACES,
        *GROUP_TRACES,
        *MIGRATION_TRACES,
        *SHARE_TRACES,
        *TRANSACTION_TRACES,
    )
}
