"""FindCoordinator, versions 0 to 6 (4 and later ask for several keys at once).

On one node this broker coordinates every group, every transactional id, and (key type 2, version 6) every partition of a
share group, which only brokers ask for.
"""

from __future__ import annotations

import re

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.find_coordinator import (
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    FindCoordinatorResponseCoordinator,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

GROUP = 0
TRANSACTION = 1
SHARE = 2
SHARE_FROM = 6
_SHARE_KEY = re.compile(r".+:[A-Za-z0-9_-]{22}:\d+", re.DOTALL)
"""Group, topic id and partition."""
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
    if key_type == SHARE and context.version >= SHARE_FROM:
        return _share_coordinator(context, key)
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
    return _this_broker(context, key)


def _share_coordinator(context: RequestContext, key: str) -> FindCoordinatorResponseCoordinator:
    error = ErrorCode.NONE
    if not context.allows(Operation.CLUSTER_ACTION, Resource.CLUSTER, CLUSTER_NAME):
        error = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    elif not _SHARE_KEY.fullmatch(key):
        error = ErrorCode.INVALID_REQUEST
    if error is not ErrorCode.NONE:
        return FindCoordinatorResponseCoordinator(key=key, node_id=NO_NODE, host="", port=-1, error_code=error)
    return _this_broker(context, key)


def _this_broker(context: RequestContext, key: str) -> FindCoordinatorResponseCoordinator:
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
