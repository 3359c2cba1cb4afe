"""DescribeGroups, versions 0 to 6: 3 authorized operations, 4 static members, 6 an unknown group is an error (KIP-1043).

Up to version 5 an unknown group is described as "Dead".
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_groups import (
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    DescribeGroupsResponseGroup,
    DescribeGroupsResponseMember,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    """Describe each group asked for."""
    asked = request.include_authorized_operations
    return DescribeGroupsResponse(groups=[_describe(context, name, asked) for name in request.groups])


def _describe(context: RequestContext, group_id: str, asked: bool) -> DescribeGroupsResponseGroup:
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, group_id):
        return DescribeGroupsResponseGroup(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    operations = context.operations(Resource.GROUP, group_id, asked=asked)
    group = context.broker.groups.coordinator.describe(group_id)
    if group is None:
        row = DescribeGroupsResponseGroup(group_id=group_id, group_state="Dead", authorized_operations=operations)
        if context.version >= 6:
            row.error_code = ErrorCode.GROUP_ID_NOT_FOUND
            other = context.broker.groups.coordinator.find(group_id) is not None
            row.error_message = f"Group {group_id} {'is not a classic group' if other else 'not found'}."
        return row
    return DescribeGroupsResponseGroup(
        error_code=ErrorCode.NONE,
        group_id=group_id,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol_name,
        members=[DescribeGroupsResponseMember(*member) for member in group.members],
        authorized_operations=operations,
    )


API = Api(15, "DescribeGroups", 0, 6, DescribeGroupsRequest, handle)
