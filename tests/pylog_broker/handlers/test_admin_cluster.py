"""Dynamic settings and their effect, and the admin APIs about the cluster itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated import (
    alter_partition_reassignments,
    alter_replica_log_dirs,
    api_versions,
    create_topics,
    delete_topics,
    describe_configs,
    describe_quorum,
    describe_topic_partitions,
    elect_leaders,
    incremental_alter_configs,
    list_config_resources,
    list_partition_reassignments,
    metadata,
    update_features,
)
from harness.pylog_broker.protocol.generated.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsRequestUpsertion,
)
from harness.pylog_broker.protocol.generated.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID

from .local_broker import LocalBroker

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def alter(local: LocalBroker, kind: int, name: str, *changes: tuple[str, int, str | None]) -> int:
    config = incremental_alter_configs.IncrementalAlterConfigsRequestConfig
    resource = incremental_alter_configs.IncrementalAlterConfigsRequestResource(
        kind, name, [config(*change) for change in changes]
    )
    request = incremental_alter_configs.IncrementalAlterConfigsRequest([resource], False)
    error: int = local.call(request, 1).responses[0].error_code
    return error


def described(local: LocalBroker, kind: int, name: str) -> dict[str, Any]:
    resource = describe_configs.DescribeConfigsRequestResource(kind, name, None)
    result = local.call(describe_configs.DescribeConfigsRequest([resource], True, True), 4).results[0]
    assert result.error_code == 0, result.error_message
    return {row.name: row for row in result.configs}


def synonyms(row: Any) -> list[tuple[str, str, int]]:
    return [(item.name, item.value, item.source) for item in row.synonyms]


def test_dynamic_settings_are_in_force_at_once_and_after_a_restart(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path, log_retention_hours="1")
    topic = local.catalog.create_topic("t", 1)
    other = local.catalog.create_topic("u", 1, {"retention.ms": "7"})
    assert alter(local, BROKER, "", ("log.retention.ms", SET, "5000"), ("log.cleaner.backoff.ms", SET, "77")) == 0
    assert alter(local, BROKER, "1", ("log.retention.ms", SET, "6000")) == 0
    for _ in range(2):
        assert [log.config.retention_ms for log in (*topic.partitions, *other.partitions)] == [6000, 7]
        assert local.catalog.cleaner.settings.backoff_ms == 77
        row = described(local, TOPIC, "t")["retention.ms"]
        assert (row.value, row.config_source) == ("6000", 2)
        assert synonyms(row) == [
            ("log.retention.ms", "6000", 2),
            ("log.retention.ms", "5000", 3),
            ("log.retention.hours", "1", 4),
            ("log.retention.ms", "604800000", 5),
        ]
        assert synonyms(described(local, TOPIC, "u")["retention.ms"])[0] == ("retention.ms", "7", 1)
        assert {name: row.value for name, row in described(local, BROKER, "").items()} == {
            "log.retention.ms": "5000",
            "log.cleaner.backoff.ms": "77",
            "min.insync.replicas": "1",
        }
        assert described(local, BROKER, "1")["log.cleaner.backoff.ms"].config_source == 3
        local.close()
        local = LocalBroker(tmp_path, log_retention_hours="1")
        topic, other = local.catalog.topics["t"], local.catalog.topics["u"]
    assert alter(local, BROKER, "1", ("log.retention.ms", DELETE, None)) == 0
    assert topic.partitions[0].config.retention_ms == 5000
    assert alter(local, BROKER, "", ("log.retention.ms", DELETE, None)) == 0
    assert topic.partitions[0].config.retention_ms == 3_600_000
    local.close()


@pytest.mark.parametrize(
    ("kind", "name", "change", "error"),
    [
        (BROKER, "", ("num.partitions", SET, "3"), ErrorCode.INVALID_REQUEST),
        (BROKER, "", ("log.retention.ms", SET, "soon"), ErrorCode.INVALID_REQUEST),
        (BROKER, "", ("log.retention.mss", SET, "1"), ErrorCode.INVALID_REQUEST),
        (BROKER, "7", ("log.retention.ms", SET, "1"), ErrorCode.INVALID_REQUEST),
        (BROKER, "", ("log.retention.ms", APPEND, "1"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("consumer.session.timeout.ms", SET, "0"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("consumer.session.timeout.ms", SET, "44999"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("consumer.session.timeout.ms", SET, "60001"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("consumer.heartbeat.interval.ms", SET, "4999"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("consumer.heartbeat.interval.ms", SET, "15001"), ErrorCode.INVALID_CONFIG),
        (GROUP, "g", ("share.colour", SET, "1"), ErrorCode.INVALID_CONFIG),
        (GROUP, "", ("consumer.session.timeout.ms", SET, "50000"), ErrorCode.INVALID_REQUEST),
        (METRICS, "m", ("interval.ms", SET, "1"), ErrorCode.INVALID_CONFIG),
        (LOGGER, "1", ("root", SET, "DEBUG"), ErrorCode.INVALID_REQUEST),
    ],
)
def test_settings_that_are_refused(
    local: LocalBroker, kind: int, name: str, change: tuple[str, int, str], error: int
) -> None:
    assert alter(local, kind, name, change) == error
    assert dict(local.catalog.image.configs) == {}


def test_a_setting_without_effect_here_is_kept_as_kafka_keeps_it(local: LocalBroker) -> None:
    assert alter(local, BROKER, "1", ("sasl.kerberos.min.time.before.relogin", SET, "58000")) == 0
    assert local.broker.config.sasl_kerberos_min_time_before_relogin == 58_000


def test_users_with_scram_credentials_are_listed(local: LocalBroker) -> None:
    def change(*mechanisms: int) -> int:
        rows = [AlterUserScramCredentialsRequestUpsertion("ann", kind, 4096, b"salt", b"p") for kind in mechanisms]
        request = AlterUserScramCredentialsRequest(deletions=[], upsertions=rows)
        return int(local.call(request, 0).results[0].error_code)

    assert change(1, 2) == ErrorCode.DUPLICATE_RESOURCE
    assert change(1) == change(2) == ErrorCode.NONE
    for users in (None, []):
        (row,) = local.call(DescribeUserScramCredentialsRequest(users), 0).results
        assert (row.user, row.error_code) == ("ann", ErrorCode.NONE)
        assert [info.mechanism for info in row.credential_infos] == [1, 2]


def test_groups_and_subscriptions_have_settings(local: LocalBroker) -> None:
    assert alter(local, GROUP, "g", ("consumer.session.timeout.ms", SET, "50000")) == 0
    assert alter(local, METRICS, "m", ("metrics", SET, "a"), ("interval.ms", SET, "1000")) == 0
    assert alter(local, METRICS, "m", ("metrics", APPEND, "b")) == 0
    row = described(local, GROUP, "g")["consumer.session.timeout.ms"]
    assert (row.value, row.config_source) == ("50000", 8)
    assert described(local, GROUP, "other")["consumer.session.timeout.ms"].config_source == 5
    assert described(local, METRICS, "m")["metrics"].value == "a,b"
    local.catalog.create_topic("t", 1)

    def listed(version: int, *kinds: int) -> list[tuple[int, str]]:
        request = list_config_resources.ListConfigResourcesRequest(list(kinds))
        rows = local.call(request, version).config_resources
        return [(row.resource_type, row.resource_name) for row in rows]

    assert listed(0) == [(METRICS, "m")]
    assert listed(1) == [(TOPIC, "t"), (BROKER, "1"), (METRICS, "m"), (GROUP, "g")]
    assert listed(1, GROUP) == [(GROUP, "g")]
    request = list_config_resources.ListConfigResourcesRequest([3])
    assert local.call(request, 1).error_code == ErrorCode.UNSUPPORTED_VERSION


def test_the_quorum_is_this_node(local: LocalBroker) -> None:
    partition = describe_quorum.DescribeQuorumRequestPartition
    topic = describe_quorum.DescribeQuorumRequestTopic
    request = describe_quorum.DescribeQuorumRequest(
        [topic("__cluster_metadata", [partition(0), partition(1)]), topic("t", [partition(0)])]
    )
    for version in range(3):
        answer = local.call(request, version)
        row, *missing = [row for found in answer.topics for row in found.partitions]
        assert (row.leader_id, [voter.replica_id for voter in row.current_voters]) == (1, [1])
        assert row.leader_epoch == local.catalog.controller.node.epoch > 0
        assert row.current_voters[0].log_end_offset == row.high_watermark > 0
        assert {row.error_code for row in missing} == {ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


@pytest.mark.parametrize("version", [3, 4])
def test_features_are_those_of_the_image(local: LocalBroker, version: int) -> None:
    answer = local.call(api_versions.ApiVersionsRequest("client", "1"), version)
    finalized = {row.name: row.max_version_level for row in answer.finalized_features}
    assert (
        finalized
        == local.catalog.image.features
        == {"metadata.version": 30, "group.version": 1, "share.version": 1, "transaction.version": 2}
    )
    supported = {row.name: (row.min_version, row.max_version) for row in answer.supported_features}
    assert supported["transaction.version"] == (0 if version == 4 else 1, 2)
    assert answer.finalized_features_epoch >= 0


@pytest.mark.parametrize("version", range(3))
def test_features_stay_where_they_are(local: LocalBroker, version: int) -> None:
    update = update_features.UpdateFeaturesRequestUpdate

    def ask(*updates: Any) -> list[int]:
        answer = local.call(update_features.UpdateFeaturesRequest(60_000, list(updates)), version)
        return [row.error_code for row in answer.results] if version < 2 else [answer.error_code]

    assert ask(update("transaction.version", 2)) == [0]
    assert ask(update("transaction.version", 1)) == [ErrorCode.INVALID_UPDATE_VERSION]
    assert ask(update("colour", 1)) == [ErrorCode.INVALID_UPDATE_VERSION]


def test_elections_and_reassignments_of_one_node(local: LocalBroker) -> None:
    local.catalog.create_topic("t", 2)
    request = elect_leaders.ElectLeadersRequest(0, [elect_leaders.ElectLeadersRequestTopic("t", [0, 2])])
    for version in range(3):
        (topic,) = local.call(request, version).replica_election_results
        codes = [row.error_code for row in topic.partition_result]
        assert codes == [ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    partition = alter_partition_reassignments.AlterPartitionReassignmentsRequestPartition
    row = alter_partition_reassignments.AlterPartitionReassignmentsRequestTopic(
        "t", [partition(0, [1]), partition(0, [2]), partition(0, None), partition(5, [1])]
    )
    answer = local.call(alter_partition_reassignments.AlterPartitionReassignmentsRequest(60_000, True, [row]), 1)
    assert [row.error_code for row in answer.responses[0].partitions] == [
        0,
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]
    listed = local.call(list_partition_reassignments.ListPartitionReassignmentsRequest(60_000, None), 0)
    assert (listed.error_code, listed.topics) == (0, [])


def test_in_sync_replicas_are_set_for_all_brokers(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path, min_insync_replicas="2")
    local.catalog.create_topic("t", 1)
    static = ("min.insync.replicas", "2", 4), ("min.insync.replicas", "1", 5)
    row = described(local, TOPIC, "t")["min.insync.replicas"]
    assert (row.value, row.config_source, synonyms(row)) == ("2", 3, [("min.insync.replicas", "2", 3), *static])
    assert alter(local, BROKER, "", ("min.insync.replicas", SET, "1")) == 0
    assert alter(local, BROKER, "", ("min.insync.replicas", DELETE, None)) == ErrorCode.INVALID_CONFIG
    assert alter(local, BROKER, "1", ("min.insync.replicas", SET, "1")) == ErrorCode.INVALID_CONFIG
    assert alter(local, BROKER, "1", ("min.insync.replicas", DELETE, None)) == ErrorCode.INVALID_CONFIG
    assert alter(local, TOPIC, "t", ("min.insync.replicas", SET, "1")) == 0
    row = described(local, BROKER, "1")["min.insync.replicas"]
    assert (row.value, row.config_source, synonyms(row)) == ("1", 3, [("min.insync.replicas", "1", 3), *static])
    local.close()


@pytest.mark.parametrize("version", [1, 2])
def test_replicas_stay_in_the_one_folder(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("t", 1)
    asked = alter_replica_log_dirs.AlterReplicaLogDirsRequestTopic
    folders = [
        alter_replica_log_dirs.AlterReplicaLogDirsRequestDir(path, [asked("t", [0, 1]), asked("missing", [0])])
        for path in (local.catalog.data_dir, "/elsewhere")
    ]
    answer = local.call(alter_replica_log_dirs.AlterReplicaLogDirsRequest(folders), version)
    unknown, nowhere = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.LOG_DIR_NOT_FOUND
    assert [
        (topic.topic_name, [(row.partition_index, row.error_code) for row in topic.partitions])
        for topic in answer.results
    ] == [
        ("t", [(0, 0), (1, unknown), (0, nowhere), (1, nowhere)]),
        ("missing", [(0, unknown), (0, nowhere)]),
    ]


def test_topics_are_described_page_by_page(local: LocalBroker) -> None:
    for name, count in (("b", 3), ("a", 2), ("c", 1)):
        local.catalog.create_topic(name, count)
    request = describe_topic_partitions.DescribeTopicPartitionsRequest([], 2, None)
    pages = []
    for _ in range(10):
        answer = local.call(request, 0)
        pages.append([(topic.name, row.partition_index) for topic in answer.topics for row in topic.partitions])
        if answer.next_cursor is None:
            break
        cursor = answer.next_cursor
        request.cursor = describe_topic_partitions.DescribeTopicPartitionsRequestCursor(
            cursor.topic_name, cursor.partition_index
        )
    assert pages == [[("a", 0), ("a", 1)], [("b", 0), ("b", 1)], [("b", 2), ("c", 0)]]
    asked = [describe_topic_partitions.DescribeTopicPartitionsRequestTopic(name) for name in ("missing", "c")]
    answer = local.call(describe_topic_partitions.DescribeTopicPartitionsRequest(asked, 2000, None), 0)
    assert [(topic.name, topic.error_code) for topic in answer.topics] == [
        ("c", 0),
        ("missing", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ]


def test_trap_26_a_recreated_topic_has_another_id_and_the_old_one_is_unknown(local: LocalBroker) -> None:
    def create() -> Any:
        topic = create_topics.CreateTopicsRequestTopic("t", 1, 1, [], [])
        return local.call(create_topics.CreateTopicsRequest([topic], 60_000, False), 7).topics[0].topic_id

    first = create()
    by_id = delete_topics.DeleteTopicsRequestTopic(None, first)
    request = delete_topics.DeleteTopicsRequest([by_id], [], 60_000)
    assert local.call(request, 6).responses[0].error_code == 0
    second = create()
    assert first != second != ZERO_UUID
    assert local.call(request, 6).responses[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID
    asked = [metadata.MetadataRequestTopic(topic_id, None) for topic_id in (first, second)]
    rows = local.call(metadata.MetadataRequest(asked, False), 12).topics
    assert [(row.error_code, row.name) for row in rows] == [(ErrorCode.UNKNOWN_TOPIC_ID, None), (0, "t")]


def test_trap_27_auto_creation_answers_leader_not_available_and_honours_the_request(local: LocalBroker) -> None:
    def ask(name: str, allow: bool) -> int:
        request = metadata.MetadataRequest([metadata.MetadataRequestTopic(ZERO_UUID, name)], allow)
        error: int = local.call(request, 12).topics[0].error_code
        return error

    assert ask("t", False) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert "t" not in local.catalog.topics
    assert ask("t", True) == ErrorCode.LEADER_NOT_AVAILABLE
    assert ask("t", True) == 0
    assert ask("a/b", True) == ErrorCode.INVALID_TOPIC_EXCEPTION
