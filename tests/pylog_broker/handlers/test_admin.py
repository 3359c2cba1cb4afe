"""Topics, settings, records, folders, cluster: the APIs of administration clients."""

from __future__ import annotations

from typing import Any

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated import (
    alter_configs,
    create_partitions,
    create_topics,
    delete_records,
    delete_topics,
    describe_cluster,
    describe_configs,
    describe_log_dirs,
    incremental_alter_configs,
    init_producer_id,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.storage.batch import build_batch, verify_produced
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker

TOPIC, BROKER = 2, 4


# --- topics --------------------------------------------------------------------------------------------------------


def create(local: LocalBroker, version: int, *topics: create_topics.CreateTopicsRequestTopic, **fields: Any) -> Any:
    return local.call(create_topics.CreateTopicsRequest(list(topics), **fields), version).topics


def new(name: str, partitions: int = 1, replicas: int = 1, **fields: Any) -> create_topics.CreateTopicsRequestTopic:
    return create_topics.CreateTopicsRequestTopic(name, partitions, replicas, **fields)


def setting(name: str, value: str | None) -> create_topics.CreateTopicsRequestConfig:
    return create_topics.CreateTopicsRequestConfig(name, value)


@pytest.mark.parametrize("version", range(2, 8))
def test_create_topics(local: LocalBroker, version: int) -> None:
    (row,) = create(local, version, new("topic", 3, configs=[setting("retention.ms", "5000")]))
    topic = local.catalog.topics["topic"]
    assert (row.name, row.error_code, row.error_message) == ("topic", 0, None)
    assert (len(topic.partitions), topic.config_overrides) == (3, {"retention.ms": "5000"})
    if version >= 5:
        assert (row.num_partitions, row.replication_factor) == (3, 1)
        assert {(config.name, config.value, config.config_source) for config in row.configs} >= {
            ("retention.ms", "5000", 1),
            ("cleanup.policy", "delete", 5),
        }
    if version >= 7:
        assert row.topic_id == topic.topic_id


def test_create_topics_refusals(local: LocalBroker) -> None:
    local.catalog.create_topic("there", 1)
    assignment = create_topics.CreateTopicsRequestAssignment
    rows = create(
        local,
        7,
        new("there"),
        new("bad/name"),
        new("none", 0),
        new("replicated", 1, 3),
        new("twice"),
        new("twice"),
        new("config", configs=[setting("retention.mss", "1")]),
        new("value", configs=[setting("retention.ms", "soon")]),
        new("null", configs=[setting("retention.ms", None)]),
        new("elsewhere", -1, -1, assignments=[assignment(0, [2])]),
        new("gap", -1, -1, assignments=[assignment(1, [1])]),
        new("both", 1, 1, assignments=[assignment(0, [1])]),
        new("default", -1, -1),
        new("assigned", -1, -1, assignments=[assignment(1, [1]), assignment(0, [1])]),
    )
    assert [row.error_code for row in rows] == [
        ErrorCode.TOPIC_ALREADY_EXISTS,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        ErrorCode.INVALID_PARTITIONS,
        ErrorCode.INVALID_REPLICATION_FACTOR,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_CONFIG,
        ErrorCode.INVALID_CONFIG,
        ErrorCode.INVALID_CONFIG,
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        ErrorCode.INVALID_REQUEST,
        0,
        0,
    ]
    assert all(row.error_message for row in rows if row.error_code)
    assert set(local.catalog.topics) == {"there", "default", "assigned"}
    assert len(local.catalog.topics["assigned"].partitions) == 2


def test_create_topics_validate_only(local: LocalBroker) -> None:
    good, bad = create(local, 7, new("topic"), new("bad/name"), validate_only=True)
    assert (good.error_code, good.topic_id) == (0, ZERO_UUID)
    assert bad.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert not local.catalog.topics


@pytest.mark.parametrize("version", range(1, 7))
def test_delete_topics(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("topic", 1)
    other = local.catalog.create_topic("other", 1)
    local.catalog.create_topic("__inside", 1, internal=True)
    names = ["topic", "missing", "__inside"]
    row = delete_topics.DeleteTopicsRequestTopic
    request = delete_topics.DeleteTopicsRequest([row(name) for name in names], names)
    response = local.call(request, version)
    assert [topic.error_code for topic in response.responses] == [
        0,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
    ]
    assert set(local.catalog.topics) == {"other", "__inside"}
    if version >= 6:
        asked = [row(None, other.topic_id), row(None, other.topic_id), row("other", other.topic_id), row(None)]
        response = local.call(delete_topics.DeleteTopicsRequest(asked), version)
        assert [topic.error_code for topic in response.responses] == [
            0,
            ErrorCode.UNKNOWN_TOPIC_ID,
            ErrorCode.INVALID_REQUEST,
            ErrorCode.INVALID_REQUEST,
        ]
        assert response.responses[0].name == "other"


@pytest.mark.parametrize("version", range(4))
def test_create_partitions(local: LocalBroker, version: int) -> None:
    for name in ("topic", "assigned", "elsewhere"):
        local.catalog.create_topic(name, 1)
    local.catalog.create_topic("__inside", 1, internal=True)
    row, assignment = (
        create_partitions.CreatePartitionsRequestTopic,
        create_partitions.CreatePartitionsRequestAssignment,
    )
    request = create_partitions.CreatePartitionsRequest(
        [
            row("topic", 4, None),
            row("missing", 4, None),
            row("__inside", 4, None),
            row("assigned", 2, [assignment([1])]),
            row("elsewhere", 2, [assignment([2])]),
        ]
    )
    assert [result.error_code for result in local.call(request, version).results] == [
        0,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        0,
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]
    assert len(local.catalog.topics["topic"].partitions) == 4
    fewer = create_partitions.CreatePartitionsRequest([row("topic", 4, None)])
    assert local.call(fewer, version).results[0].error_code == ErrorCode.INVALID_PARTITIONS
    dry = create_partitions.CreatePartitionsRequest([row("topic", 9, None)], validate_only=True)
    assert local.call(dry, version).results[0].error_code == 0
    assert len(local.catalog.topics["topic"].partitions) == 4


@pytest.mark.parametrize("version", range(3))
def test_delete_records(local: LocalBroker, version: int) -> None:
    logs = local.catalog.create_topic("topic", 2, {"cleanup.policy": ""} if version else None).partitions
    local.catalog.create_topic("compacted", 1, {"cleanup.policy": "compact"})
    for log in logs:
        batch = build_batch([(None, b"v")] * 5, timestamp_ms=NOW_MS)
        log.append(batch, verify_produced(batch), now_ms=NOW_MS)
    row = delete_records.DeleteRecordsRequestPartition
    topics = [
        delete_records.DeleteRecordsRequestTopic("topic", [row(0, 3), row(1, -1), row(2, 0), row(0, 99), row(0, 1)]),
        delete_records.DeleteRecordsRequestTopic("compacted", [row(0, 0)]),
    ]
    response = local.call(delete_records.DeleteRecordsRequest(topics), version)
    found = [(one.low_watermark, one.error_code) for topic in response.topics for one in topic.partitions]
    assert found == [
        (3, 0),
        (5, 0),
        (-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (-1, ErrorCode.OFFSET_OUT_OF_RANGE),
        (3, 0),
        (-1, ErrorCode.POLICY_VIOLATION),
    ]


# --- settings ------------------------------------------------------------------------------------------------------


def describe(local: LocalBroker, kind: int, name: str, version: int = 4, **fields: Any) -> Any:
    keys = fields.pop("keys", None)
    resource = describe_configs.DescribeConfigsRequestResource(kind, name, keys)
    return local.call(describe_configs.DescribeConfigsRequest([resource], **fields), version).results[0]


@pytest.mark.parametrize("version", range(1, 5))
def test_describe_configs_of_a_topic(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("topic", 1, {"retention.ms": "5000"})
    result = describe(local, TOPIC, "topic", version, include_synonyms=True, include_documentation=True)
    rows = {row.name: row for row in result.configs}
    assert (result.error_code, result.error_message) == (0, None)
    retention = rows["retention.ms"]
    assert (retention.value, retention.config_source, retention.read_only) == ("5000", 1, False)
    synonyms = [(synonym.name, synonym.value, synonym.source) for synonym in retention.synonyms]
    assert synonyms == [("retention.ms", "5000", 1), ("log.retention.ms", "604800000", 5)]
    assert rows["cleanup.policy"].config_source == 5
    if version >= 3:
        assert retention.documentation
        assert retention.config_type == 5
    only = describe(local, TOPIC, "topic", version, keys=["segment.ms", "nonsense"])
    assert [(row.name, list(row.synonyms), not row.documentation) for row in only.configs] == [("segment.ms", [], True)]


def test_describe_configs_of_the_broker(local: LocalBroker) -> None:
    rows = {row.name: row for row in describe(local, BROKER, "1").configs}
    assert rows["num.partitions"].value == "1"
    assert rows["log.retention.hours"].value == "168"
    assert rows["group.min.session.timeout.ms"].value == "6000"
    assert rows["num.partitions"].read_only
    assert not rows["log.retention.ms"].read_only
    assert [row.name for row in describe(local, BROKER, "").configs] == ["min.insync.replicas"]
    assert describe(local, BROKER, "2").error_code == ErrorCode.INVALID_REQUEST
    assert describe(local, 8, "1").error_code == ErrorCode.INVALID_REQUEST
    assert describe(local, TOPIC, "missing").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize("version", range(3))
def test_alter_configs_replaces_everything(local: LocalBroker, version: int) -> None:
    topic = local.catalog.create_topic("topic", 1, {"retention.ms": "5000"})
    config = alter_configs.AlterConfigsRequestConfig

    def alter(kind: int, name: str, *configs: Any, validate_only: bool = False) -> int:
        resource = alter_configs.AlterConfigsRequestResource(kind, name, list(configs))
        request = alter_configs.AlterConfigsRequest([resource], validate_only)
        return local.call(request, version).responses[0].error_code

    assert alter(TOPIC, "topic", config("segment.ms", "7000"), validate_only=True) == 0
    assert topic.config_overrides == {"retention.ms": "5000"}
    assert alter(TOPIC, "topic", config("segment.ms", "7000"), config("flush.ms", None)) == 0
    assert topic.config_overrides == {"segment.ms": "7000"}
    assert topic.partitions[0].config.segment_ms == 7000
    assert alter(TOPIC, "topic", config("segment.ms", "-7")) == ErrorCode.INVALID_CONFIG
    assert alter(TOPIC, "missing") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert alter(BROKER, "1") == 0
    assert alter(BROKER, "1", config("num.partitions", "2")) == ErrorCode.INVALID_REQUEST
    assert alter(BROKER, "2") == ErrorCode.INVALID_REQUEST
    assert topic.config_overrides == {"segment.ms": "7000"}


@pytest.mark.parametrize("version", range(2))
def test_incremental_alter_configs(local: LocalBroker, version: int) -> None:
    topic = local.catalog.create_topic("topic", 1, {"retention.ms": "5000"})
    config = incremental_alter_configs.IncrementalAlterConfigsRequestConfig

    def alter(*configs: Any, times: int = 1) -> int:
        resource = incremental_alter_configs.IncrementalAlterConfigsRequestResource(TOPIC, "topic", list(configs))
        request = incremental_alter_configs.IncrementalAlterConfigsRequest([resource] * times)
        return local.call(request, version).responses[0].error_code

    set_, delete, append, subtract = range(4)
    assert alter(config("segment.ms", set_, "7000"), config("cleanup.policy", append, "compact")) == 0
    assert topic.config_overrides == {
        "retention.ms": "5000",
        "segment.ms": "7000",
        "cleanup.policy": "delete,compact",
    }
    assert alter(config("cleanup.policy", subtract, "delete"), config("retention.ms", delete, None)) == 0
    assert topic.config_overrides == {"segment.ms": "7000", "cleanup.policy": "compact"}
    assert alter(config("cleanup.policy", subtract, "compact")) == 0
    assert topic.config_overrides["cleanup.policy"] == ""
    assert alter(config("cleanup.policy", append, "compact,compact")) == 0
    assert alter(config("cleanup.policy", append, "")) == 0
    assert topic.config_overrides == {"segment.ms": "7000", "cleanup.policy": "compact"}
    assert alter(config("retention.ms", append, "1")) == ErrorCode.INVALID_CONFIG
    assert alter(config("nonsense", set_, "1")) == ErrorCode.INVALID_CONFIG
    assert alter(config("retention.ms", set_, None)) == ErrorCode.INVALID_REQUEST
    assert alter(config("retention.ms", 9, "1")) == ErrorCode.INVALID_REQUEST
    twice = [config("retention.ms", set_, "1"), config("retention.ms", set_, "2")]
    assert alter(*twice) == ErrorCode.INVALID_REQUEST
    assert alter(config("retention.ms", set_, "1"), times=2) == ErrorCode.INVALID_REQUEST
    assert topic.config_overrides == {"segment.ms": "7000", "cleanup.policy": "compact"}


# --- the rest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(6))
def test_init_producer_id(local: LocalBroker, version: int) -> None:
    request = init_producer_id.InitProducerIdRequest(transactional_id=None)
    answers = [local.call(request, version) for _ in range(3)]
    assert len({answer.producer_id for answer in answers}) == 3
    assert {(answer.error_code, answer.producer_epoch) for answer in answers} == {(0, 0)}
    if version >= 3:
        known = init_producer_id.InitProducerIdRequest(None, 0, answers[0].producer_id, 0)
        assert local.call(known, version).producer_id not in {answer.producer_id for answer in answers}
        half = init_producer_id.InitProducerIdRequest(None, 0, answers[0].producer_id, -1)
        assert local.call(half, version).error_code == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("version", range(1, 6))
def test_describe_log_dirs(local: LocalBroker, version: int) -> None:
    log = local.catalog.create_topic("topic", 2).partitions[0]
    batch = build_batch([(None, b"v")], timestamp_ms=NOW_MS)
    log.append(batch, verify_produced(batch), now_ms=NOW_MS)
    (result,) = local.call(describe_log_dirs.DescribeLogDirsRequest(None), version).results
    assert result.log_dir == local.catalog.data_dir
    (topic,) = result.topics
    assert [(row.partition_index, row.partition_size) for row in topic.partitions] == [(0, len(batch)), (1, 0)]
    if version >= 4:
        assert result.total_bytes > result.usable_bytes > 0
    asked = [
        describe_log_dirs.DescribeLogDirsRequestTopic("topic", [1, 7]),
        describe_log_dirs.DescribeLogDirsRequestTopic("missing", [0]),
    ]
    (result,) = local.call(describe_log_dirs.DescribeLogDirsRequest(asked), version).results
    assert [(topic.name, [row.partition_index for row in topic.partitions]) for topic in result.topics] == [
        ("topic", [1])
    ]


@pytest.mark.parametrize("version", range(3))
def test_describe_cluster(local: LocalBroker, version: int) -> None:
    response = local.call(describe_cluster.DescribeClusterRequest(), version)
    assert (response.error_code, response.cluster_id, response.controller_id) == (0, local.catalog.cluster_id, 1)
    (broker,) = response.brokers
    assert (broker.broker_id, broker.host, broker.port) == (1, "broker.example", 9092)
    if version >= 1:
        controllers = describe_cluster.DescribeClusterRequest(endpoint_type=2)
        assert local.call(controllers, version).error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE
        nonsense = describe_cluster.DescribeClusterRequest(endpoint_type=9)
        assert local.call(nonsense, version).error_code == ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
