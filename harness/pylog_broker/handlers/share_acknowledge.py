"""ShareAcknowledge (KIP-932), versions 1 and 2: 2 renews locks (KIP-1222).

What a member says of records that it has acquired, within its share session. All that is said of one partition is taken
over, or nothing. With the final epoch the session ends, and what is still acquired is given back.
"""

from __future__ import annotations

from uuid import UUID

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.share_acknowledge import (
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeResponseLeader,
    ShareAcknowledgeResponsePartition,
    ShareAcknowledgeResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.share.requests import acknowledge_all, acknowledgements
from harness.pylog_broker.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, SessionKey


def handle(context: RequestContext, request: ShareAcknowledgeRequest) -> ShareAcknowledgeResponse:
    """Take over what is said, partition by partition."""
    group_id, member_id = request.group_id or "", request.member_id or ""
    if not context.allows(Operation.READ, Resource.GROUP, group_id):
        return ShareAcknowledgeResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if request.share_session_epoch == INITIAL_EPOCH:
        return ShareAcknowledgeResponse(error_code=ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    share = context.broker.share
    key = SessionKey(group_id, member_id)
    session = share.sessions.find(key, request.share_session_epoch)
    if isinstance(session, ErrorCode):
        return ShareAcknowledgeResponse(error_code=session)
    results = acknowledge_all(context, key, acknowledgements(request.topics), renews=request.is_renew_ack)
    if request.share_session_epoch == FINAL_EPOCH:
        share.close_session(key)
    else:
        session.advance()
    topics: dict[UUID, list[ShareAcknowledgeResponsePartition]] = {}
    for (topic_id, partition), (error, message) in results.items():
        topics.setdefault(topic_id, []).append(
            ShareAcknowledgeResponsePartition(
                partition_index=partition,
                error_code=error,
                error_message=message,
                current_leader=ShareAcknowledgeResponseLeader(),
            )
        )
    return ShareAcknowledgeResponse(
        error_code=ErrorCode.NONE,
        acquisition_lock_timeout_ms=share.rules(group_id).lock_duration_ms,
        responses=[ShareAcknowledgeResponseTopic(*row) for row in topics.items()],
    )


API = Api(79, "ShareAcknowledge", 1, 2, ShareAcknowledgeRequest, handle)
