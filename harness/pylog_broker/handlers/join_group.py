"""JoinGroup, versions 0 to 9: 1 rebalance timeout, 4 required member id (KIP-394), 5 static members (KIP-345),
7 protocol type, 8 reason (KIP-800, not kept), 9 skip assignment (KIP-814).

The answer is held until the generation is formed; see `groups/classic.py`. In a group of the consumer protocol it comes at
once; see `groups/mixed_group.py`.
"""

from __future__ import annotations

from harness.pylog_broker.groups.messages import JoinReply, JoinRequest, ProtocolOffer
from harness.pylog_broker.handlers.api import Api, Deferred, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.join_group import (
    JoinGroupRequest,
    JoinGroupResponse,
    JoinGroupResponseMember,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: JoinGroupRequest) -> JoinGroupResponse | Deferred:
    """Pass the join on; a rebalance timeout that is missing (version 0) or not positive is the session timeout."""
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return JoinGroupResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    service = context.broker.groups
    client_id = context.client_id or ""
    join = JoinRequest(
        member_id=request.member_id,
        fresh_member_id=service.fresh_member_id(request.group_instance_id or client_id),
        instance_id=request.group_instance_id,
        client_id=client_id,
        client_host=context.client_host,
        session_timeout_ms=request.session_timeout_ms,
        rebalance_timeout_ms=max(request.rebalance_timeout_ms, 0) or request.session_timeout_ms,
        protocol_type=request.protocol_type,
        protocols=tuple(ProtocolOffer(offer.name, offer.metadata) for offer in request.protocols),
        requires_known_member_id=context.version >= 4,
        supports_skip_assignment=context.version >= 9,
    )
    version = context.version
    deferred: Deferred = service.join(request.group_id, join, lambda reply: _response(reply, version))
    return deferred


def _response(reply: JoinReply, version: int) -> JoinGroupResponse:
    no_protocol = None if version >= 7 else ""
    return JoinGroupResponse(
        error_code=reply.error,
        generation_id=reply.generation,
        protocol_type=reply.protocol_type,
        protocol_name=no_protocol if reply.protocol_name is None else reply.protocol_name,
        leader=reply.leader_id,
        skip_assignment=reply.skip_assignment,
        member_id=reply.member_id,
        members=[JoinGroupResponseMember(*row) for row in reply.members],
    )


API = Api(11, "JoinGroup", 0, 9, JoinGroupRequest, handle)
