from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest, MetadataRequestTopic
from tests.pylog_broker.handlers.local_broker import LocalBroker

VERSIONS = range(14)


def ask(local: LocalBroker, version: int, *names: str, create: bool = False) -> Any:
    topics = [MetadataRequestTopic(name=name) for name in names]
    return local.call(MetadataRequest(topics=topics, allow_auto_topic_creation=create), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_topic_and_its_leader(local: LocalBroker, version: int) -> None:
    topic = local.catalog.create_topic("topic", 3)
    response = ask(local, version, "topic")
    (broker,) = response.brokers
    assert (broker.node_id, broker.host, broker.port) == (1, "broker.example", 9092)
    (row,) = response.topics
    assert (row.name, row.error_code, row.is_internal) == ("topic", 0, False)
    assert [partition.partition_index for partition in row.partitions] == [0, 1, 2]
    for partition in row.partitions:
        assert (partition.error_code, partition.leader_id) == (0, 1)
        assert (partition.replica_nodes, partition.isr_nodes) == ([1], [1])
        assert partition.leader_epoch == (0 if version >= 7 else -1)
    if version >= 10:
        assert row.topic_id == topic.topic_id
    if version >= 2:
        assert response.cluster_id == local.catalog.cluster_id


@pytest.mark.parametrize("version", VERSIONS)
def test_all_topics_and_none(local: LocalBroker, version: int) -> None:
    for name in ("one", "two"):
        local.catalog.create_topic(name, 1)
    empty = local.call(MetadataRequest(topics=[]), version)
    assert {topic.name for topic in empty.topics} == ({"one", "two"} if version == 0 else set())
    if version >= 1:
        every = local.call(MetadataRequest(topics=None), version)
        assert {topic.name for topic in every.topics} == {"one", "two"}


def test_missing_topics_are_created_only_where_both_sides_agree(local: LocalBroker, tmp_path: Path) -> None:
    assert ask(local, 12, "new", create=False).topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert "new" not in local.catalog.topics
    assert ask(local, 12, "new", "new", create=True).topics[0].error_code == ErrorCode.LEADER_NOT_AVAILABLE
    assert ask(local, 12, "new", create=True).topics[0].error_code == 0
    assert ask(local, 3, "before-version-4").topics[0].error_code == ErrorCode.LEADER_NOT_AVAILABLE
    assert ask(local, 12, "bad name", create=True).topics[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert ask(local, 12, "", create=True).topics[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    strict = LocalBroker(tmp_path / "strict", auto_create_topics_enable="false")
    assert ask(strict, 12, "new", create=True).topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    strict.close()


def test_auto_created_topics_have_the_brokers_partitions(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", num_partitions="4")
    ask(local, 12, "new", create=True)
    assert len(local.catalog.topics["new"].partitions) == 4
    local.close()


def test_by_id(local: LocalBroker) -> None:
    topic = local.catalog.create_topic("topic", 1)
    unknown = UUID(int=5)
    asked = [MetadataRequestTopic(topic.topic_id, None), MetadataRequestTopic(unknown, None)]
    found, missing = local.call(MetadataRequest(topics=asked), 12).topics
    assert (found.error_code, found.name) == (0, "topic")
    assert (missing.error_code, missing.topic_id, missing.name) == (ErrorCode.UNKNOWN_TOPIC_ID, unknown, None)


def test_the_cache_follows_the_image(local: LocalBroker) -> None:
    first = local.catalog.create_topic("topic", 1)
    assert len(ask(local, 12, "topic").topics[0].partitions) == 1
    assert local.broker.metadata_cache
    local.catalog.add_partitions("topic", 2)
    assert len(ask(local, 12, "topic").topics[0].partitions) == 2
    local.broker.delete_topic(first)
    assert ask(local, 12, "topic").topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    second = local.catalog.create_topic("topic", 1)
    assert ask(local, 12, "topic").topics[0].topic_id == second.topic_id != first.topic_id


def test_the_cache_is_bounded(local: LocalBroker) -> None:
    for index in range(600):
        ask(local, 12, f"missing-{index}")
    assert len(local.broker.metadata_cache) <= 256


def test_authorized_operations_only_when_asked(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    topics = [MetadataRequestTopic(name="topic")]
    plain = local.call(MetadataRequest(topics=topics), 10)
    assert plain.topics[0].topic_authorized_operations == plain.cluster_authorized_operations == -(2**31)
    asked = MetadataRequest(topics, False, True, True)
    told = local.call(asked, 10)
    assert told.topics[0].topic_authorized_operations == 0b1101_1111_1000
    assert told.cluster_authorized_operations > 0
