"""SyncGroup, versions 0 to 5: 3 static members (KIP-345), 5 protocol type and name are checked (KIP-559).

A follower's answer is held until the leader's assignment is there.
"""

from __future__ import annotations

from harness.pylog_broker.groups.messages import SyncReply, SyncRequest
from harness.pylog_broker.handlers.api import Api, Deferred, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.sync_group import SyncGroupRequest, SyncGroupResponse
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: SyncGroupRequest) -> SyncGroupResponse | Deferred:
    """Pass the sync on."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return SyncGroupResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    sync = SyncRequest(
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
        protocol_type=request.protocol_type,
        protocol_name=request.protocol_name,
        assignments={row.member_id: row.assignment for row in request.assignments},
    )
    deferred: Deferred = context.broker.groups.sync(request.group_id, sync, _response)
    return deferred


def _response(reply: SyncReply) -> SyncGroupResponse:
    return SyncGroupResponse(
        error_code=reply.error,
        protocol_type=reply.protocol_type,
        protocol_name=reply.protocol_name,
        assignment=reply.assignment,
    )


API = Api(14, "SyncGroup", 0, 5, SyncGroupRequest, handle)
