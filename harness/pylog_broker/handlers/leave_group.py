"""LeaveGroup, versions 0 to 5: one member up to 2, several from 3 on (KIP-345), 5 a reason (KIP-800, not kept)."""

from __future__ import annotations

from harness.pylog_broker.groups.messages import MemberIdentity
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    LeaveGroupResponseMember,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: LeaveGroupRequest) -> LeaveGroupResponse:
    """Let members go; an administrator removes static members by their instance id alone."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return LeaveGroupResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    service = context.broker.groups
    if context.version < 3:
        (error,) = service.leave(request.group_id, [MemberIdentity(request.member_id, None)])
        return LeaveGroupResponse(error_code=error)
    if not request.group_id:
        return LeaveGroupResponse(error_code=ErrorCode.INVALID_GROUP_ID)
    identities = [MemberIdentity(row.member_id, row.group_instance_id) for row in request.members]
    errors = service.leave(request.group_id, identities)
    rows = [
        LeaveGroupResponseMember(identity.member_id, identity.instance_id, error)
        for identity, error in zip(identities, errors, strict=True)
    ]
    return LeaveGroupResponse(members=rows)


API = Api(13, "LeaveGroup", 0, 5, LeaveGroupRequest, handle)
