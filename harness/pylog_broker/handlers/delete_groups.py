"""DeleteGroups, versions 0 to 2 (KIP-229): groups of every type without members, and what is kept for them."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_groups import (
    DeleteGroupsRequest,
    DeleteGroupsResponse,
    DeleteGroupsResponseGroup,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: DeleteGroupsRequest) -> DeleteGroupsResponse:
    """Delete each group asked for, or say why not."""
    results = [
        DeleteGroupsResponseGroup(
            name,
            context.broker.delete_group(name)
            if context.allows(Operation.DELETE, Resource.GROUP, name)
            else ErrorCode.GROUP_AUTHORIZATION_FAILED,
        )
        for name in request.groups_names
    ]
    return DeleteGroupsResponse(results=results)


API = Api(42, "DeleteGroups", 0, 2, DeleteGroupsRequest, handle)
