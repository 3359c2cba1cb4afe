"""Heartbeat, versions 0 to 4 (3: static members, KIP-345)."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.heartbeat import HeartbeatRequest, HeartbeatResponse
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: HeartbeatRequest) -> HeartbeatResponse:
    """Prove a member alive, and tell it of a rebalance."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return HeartbeatResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    error = context.broker.groups.heartbeat(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return HeartbeatResponse(error_code=error)


API = Api(12, "Heartbeat", 0, 4, HeartbeatRequest, handle)
