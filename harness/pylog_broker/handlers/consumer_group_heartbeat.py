"""ConsumerGroupHeartbeat (KIP-848), versions 0 and 1: 1 subscription by pattern, and members bring their own ids.

The heart of the next-generation group protocol; see `groups/consumer_group.py`. A classic group of consumers changes its
protocol with the first such member, and back with the last; see `groups/migration.py`. Left out: racks in assignments
(there is one).
"""

from __future__ import annotations

from harness.pylog_broker.groups.assignors import Partitions, partitions_by_topic
from harness.pylog_broker.groups.consumer_member import JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    ConsumerGroupHeartbeatResponseAssignment,
    ConsumerGroupHeartbeatResponseTopicPartitions,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse:
    """Pass a well-formed heartbeat on."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return ConsumerGroupHeartbeatResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    fault = _fault(request, context.version)
    if fault is not None:
        return ConsumerGroupHeartbeatResponse(error_code=ErrorCode.INVALID_REQUEST, error_message=fault)
    service = context.broker.groups
    names = request.subscribed_topic_names
    if not all(_may_see(context, name) for name in names or ()):
        return ConsumerGroupHeartbeatResponse(error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    reply = service.consumer_heartbeat(
        request.group_id,
        ConsumerHeartbeat(
            member_id=request.member_id or service.fresh_consumer_member_id(),
            epoch=request.member_epoch,
            instance_id=request.instance_id,
            rack_id=request.rack_id,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            topic_names=tuple(names) if names is not None else None,
            topic_pattern=request.subscribed_topic_regex,
            assignor=request.server_assignor,
            owned=_owned(request),
            client_id=context.client_id or "",
            client_host=context.client_host,
            may_see=lambda name: _may_see(context, name),
        ),
    )
    return ConsumerGroupHeartbeatResponse(
        error_code=reply.error,
        error_message=reply.message,
        member_id=reply.member_id,
        member_epoch=reply.epoch,
        heartbeat_interval_ms=reply.heartbeat_interval_ms,
        assignment=_assignment(reply.assignment) if reply.assignment is not None else None,
    )


def _may_see(context: RequestContext, topic: str) -> bool:
    return context.allows(Operation.DESCRIBE, Resource.TOPIC, topic)


def _fault(request: ConsumerGroupHeartbeatRequest, version: int) -> str | None:
    """Say what is wrong with the request, in Apache Kafka's words; None when nothing is."""
    if not request.member_id and (version >= 1 or request.member_epoch > 0 or request.member_epoch == LEAVE_EPOCH):
        return "MemberId can't be empty."
    for name, value in (
        ("GroupId", request.group_id),
        ("InstanceId", request.instance_id),
        ("RackId", request.rack_id),
    ):
        if value is not None and not value.strip():
            return f"{name} can't be empty."
    if request.member_epoch == JOIN_EPOCH:
        return _fault_of_join(request)
    if request.member_epoch == LEAVE_STATIC_EPOCH and request.instance_id is None:
        return "InstanceId can't be null."
    if request.member_epoch < LEAVE_STATIC_EPOCH:
        return f"MemberEpoch is invalid: {request.member_epoch}."
    return None


def _fault_of_join(request: ConsumerGroupHeartbeatRequest) -> str | None:
    if request.rebalance_timeout_ms == -1:
        return "RebalanceTimeoutMs must be provided in first request."
    if request.topic_partitions is None or request.topic_partitions:
        return "TopicPartitions must be empty when (re-)joining."
    if request.subscribed_topic_names is None and request.subscribed_topic_regex is None:
        return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    return None


def _owned(request: ConsumerGroupHeartbeatRequest) -> Partitions | None:
    if request.topic_partitions is None:
        return None
    return frozenset((row.topic_id, partition) for row in request.topic_partitions for partition in row.partitions)


def _assignment(partitions: Partitions) -> ConsumerGroupHeartbeatResponseAssignment:
    rows = [
        ConsumerGroupHeartbeatResponseTopicPartitions(topic_id, numbers)
        for topic_id, numbers in partitions_by_topic(partitions).items()
    ]
    return ConsumerGroupHeartbeatResponseAssignment(rows)


API = Api(68, "ConsumerGroupHeartbeat", 0, 1, ConsumerGroupHeartbeatRequest, handle)
