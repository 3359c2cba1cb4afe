"""Heartbeat, versions 0 to 4 (3: static members, KIP-345)."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.generated.heartbeat import HeartbeatRequest, HeartbeatResponse


def handle(context: RequestContext, request: HeartbeatRequest) -> HeartbeatResponse:
    """Prove a member alive, and tell it of a rebalance."""
    error = context.broker.groups.heartbeat(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return HeartbeatResponse(error_code=error)


API = Api(12, "Heartbeat", 0, 4, HeartbeatRequest, handle)
