"""ConsumerGroupHeartbeat and ConsumerGroupDescribe at the door: malformed requests, and what may not be seen."""

from __future__ import annotations

from typing import Any

import pytest

from harness.pylog_broker.controller.image import GROUP_RESOURCE
from harness.pylog_broker.handlers import RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.consumer_group_describe import ConsumerGroupDescribeRequest
from harness.pylog_broker.protocol.generated.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from tests.pylog_broker.handlers.local_broker import LocalBroker


def beat(local: LocalBroker, *, version: int = 1, **fields: Any) -> Any:
    full = {"group_id": "g", "member_id": "m", "rebalance_timeout_ms": 5_000, "topic_partitions": [], **fields}
    return local.call(ConsumerGroupHeartbeatRequest(**full), version)


@pytest.mark.parametrize(
    "fields",
    [
        {"member_id": "", "subscribed_topic_names": ["t"]},
        {"group_id": "", "subscribed_topic_names": ["t"]},
        {"instance_id": "", "subscribed_topic_names": ["t"]},
        {"subscribed_topic_names": None},
        {"subscribed_topic_names": ["t"], "rebalance_timeout_ms": -1},
        {"subscribed_topic_names": ["t"], "topic_partitions": None},
        {"member_epoch": -2},
        {"member_epoch": -3},
    ],
)
def test_malformed_requests_are_refused(local: LocalBroker, fields: dict[str, Any]) -> None:
    assert beat(local, **fields).error_code == ErrorCode.INVALID_REQUEST
    assert local.broker.groups.coordinator.find("g") is None


def test_version_0_gives_the_member_an_id(local: LocalBroker) -> None:
    reply = beat(local, version=0, member_id="", subscribed_topic_names=["t"])
    assert (reply.error_code, len(reply.member_id)) == (0, 22)


def test_topics_that_may_not_be_described(local: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {"secret"}
    for name in ("open", "secret"):
        local.catalog.create_topic(name, 1)
    monkeypatch.setattr(RequestContext, "allows", lambda _self, _operation, _resource, name: name not in hidden)
    assert beat(local, subscribed_topic_names=["secret"]).error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
    rows = beat(local, subscribed_topic_regex=".*").assignment.topic_partitions
    assert [row.topic_id for row in rows] == [local.catalog.topics["open"].topic_id]
    asked = ConsumerGroupDescribeRequest(["g"])
    (group,) = local.call(asked, 1).groups
    (member,) = group.members
    assert [row.topic_name for row in member.assignment.topic_partitions] == ["open"]
    hidden.add("open")
    (group,) = local.call(asked, 1).groups
    assert (group.error_code, group.members) == (ErrorCode.TOPIC_AUTHORIZATION_FAILED, [])


def test_a_pattern_matches_internal_topics_too(local: LocalBroker) -> None:
    topic = local.catalog.create_topic("__consumer_offsets", 1, internal=True)
    rows = beat(local, subscribed_topic_regex="__consumer.*").assignment.topic_partitions
    assert [row.topic_id for row in rows] == [topic.topic_id]


def test_the_settings_of_a_group_are_obeyed(local: LocalBroker) -> None:
    local.catalog.create_topic("t", 1)
    assert beat(local, subscribed_topic_names=["t"]).heartbeat_interval_ms == 5000
    values = {"consumer.heartbeat.interval.ms": "9000", "consumer.session.timeout.ms": "46000"}
    local.catalog.controller.set_config(GROUP_RESOURCE, "g", values)
    assert beat(local, member_epoch=2, rebalance_timeout_ms=-1, topic_partitions=None).heartbeat_interval_ms == 9000
    local.advance(45.5)
    group = local.broker.groups.coordinator.find("g")
    assert group is not None
    assert not group.is_empty
    local.advance(1)
    assert group.is_empty
