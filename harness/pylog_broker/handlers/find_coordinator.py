"""FindCoordinator, versions 0 to 6 (4 and later ask for several keys at once).

On one node this broker coordinates every group and every transactional id. Left out: share groups (key type 2).
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.find_coordinator import (
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    FindCoordinatorResponseCoordinator,
)
from harness.pylog_broker.security.acl import Operation, Resource

GROUP = 0
TRANSACTION = 1
NO_NODE = -1


def handle(context: RequestContext, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
    """Name this broker as the coordinator of every key asked for."""
    keys = request.coordinator_keys if context.version >= 4 else [request.key]
    rows = [_coordinator(context, key, request.key_type) for key in keys]
    if context.version >= 4:
        return FindCoordinatorResponse(coordinators=rows)
    (row,) = rows
    return FindCoordinatorResponse(
        error_code=row.error_code,
        error_message=row.error_message,
        node_id=row.node_id,
        host=row.host,
        port=row.port,
    )


def _coordinator(context: RequestContext, key: str, key_type: int) -> FindCoordinatorResponseCoordinator:
    if key_type not in (GROUP, TRANSACTION):
        return FindCoordinatorResponseCoordinator(
            key=key,
            node_id=NO_NODE,
            host="",
            port=-1,
            error_code=ErrorCode.INVALID_REQUEST,
            error_message=f"key type {key_type} is neither a group (0) nor a transactional id (1)",
        )
    resource = Resource.GROUP if key_type == GROUP else Resource.TRANSACTIONAL_ID
    if not context.allows(Operation.DESCRIBE, resource, key):
        error = (
            ErrorCode.GROUP_AUTHORIZATION_FAILED
            if key_type == GROUP
            else ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        )
        return FindCoordinatorResponseCoordinator(key=key, node_id=NO_NODE, host="", port=-1, error_code=error)
    endpoint = context.endpoint
    return FindCoordinatorResponseCoordinator(
        key=key,
        node_id=context.broker.node_id,
        host=endpoint.host,
        port=endpoint.port,
        error_code=ErrorCode.NONE,
        error_message=None,
    )


API = Api(10, "FindCoordinator", 0, 6, FindCoordinatorRequest, handle)
