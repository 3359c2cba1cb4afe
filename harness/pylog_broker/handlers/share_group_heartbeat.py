"""ShareGroupHeartbeat (KIP-932), version 1: members of share groups join, stay and leave.

See `groups/share_group.py`. A member's assignment comes with its first answer, because state for what it reads is made
there and then. Left out: racks in assignments (there is one).
"""

from __future__ import annotations

from harness.pylog_broker.groups.assignors import Partitions, partitions_by_topic
from harness.pylog_broker.groups.consumer_member import JOIN_EPOCH, LEAVE_EPOCH
from harness.pylog_broker.groups.share_messages import ShareHeartbeat
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
    ShareGroupHeartbeatResponseAssignment,
    ShareGroupHeartbeatResponseTopicPartitions,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: ShareGroupHeartbeatRequest) -> ShareGroupHeartbeatResponse:
    """Pass a well-formed heartbeat on."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return ShareGroupHeartbeatResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    fault = _fault(request)
    if fault is not None:
        return ShareGroupHeartbeatResponse(error_code=ErrorCode.INVALID_REQUEST, error_message=fault)
    names = request.subscribed_topic_names
    if not all(context.allows(Operation.DESCRIBE, Resource.TOPIC, name) for name in names or ()):
        return ShareGroupHeartbeatResponse(error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    reply = context.broker.groups.share_heartbeat(
        request.group_id,
        ShareHeartbeat(
            member_id=request.member_id,
            epoch=request.member_epoch,
            rack_id=request.rack_id,
            topic_names=tuple(names) if names is not None else None,
            client_id=context.client_id or "",
            client_host=context.client_host,
        ),
    )
    if reply.assignment and not context.broker.share.prepare(request.group_id):
        return ShareGroupHeartbeatResponse(
            error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE, error_message="The state of the group could not be stored."
        )
    return ShareGroupHeartbeatResponse(
        error_code=reply.error,
        error_message=reply.message,
        member_id=reply.member_id,
        member_epoch=reply.epoch,
        heartbeat_interval_ms=reply.heartbeat_interval_ms,
        assignment=_assignment(reply.assignment) if reply.assignment is not None else None,
    )


def _fault(request: ShareGroupHeartbeatRequest) -> str | None:
    """Say what is wrong with the request, in Apache Kafka's words; None when nothing is."""
    if not request.member_id.strip():
        return "MemberId can't be empty."
    if not request.group_id.strip():
        return "GroupId can't be empty."
    if request.rack_id is not None and not request.rack_id.strip():
        return "RackId can't be empty."
    if request.member_epoch == JOIN_EPOCH and not request.subscribed_topic_names:
        return "SubscribedTopicNames must be set in first request."
    if request.member_epoch < LEAVE_EPOCH:
        return "MemberEpoch is invalid."
    return None


def _assignment(partitions: Partitions) -> ShareGroupHeartbeatResponseAssignment:
    rows = [
        ShareGroupHeartbeatResponseTopicPartitions(topic_id, numbers)
        for topic_id, numbers in partitions_by_topic(partitions).items()
    ]
    return ShareGroupHeartbeatResponseAssignment(rows)


API = Api(76, "ShareGroupHeartbeat", 1, 1, ShareGroupHeartbeatRequest, handle)
