"""ListGroups, versions 0 to 5: 4 states and a filter by them (KIP-518), 5 types and a filter by them (KIP-848).

Filters compare without regard to case, as in Apache Kafka.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.generated.list_groups import (
    ListGroupsRequest,
    ListGroupsResponse,
    ListGroupsResponseGroup,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource


def handle(context: RequestContext, request: ListGroupsRequest) -> ListGroupsResponse:
    """List the groups that pass the filters; an empty filter passes all."""
    states = {state.lower() for state in request.states_filter}
    types = {kind.lower() for kind in request.types_filter}
    sees_all = context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME)
    rows = [
        ListGroupsResponseGroup(
            group_id=group.group_id,
            protocol_type=group.protocol_type or "",
            group_state=group.state.value,
            group_type=group.group_type,
        )
        for group in context.broker.groups.coordinator.groups()
        if (not states or group.state.value.lower() in states)
        and (not types or group.group_type in types)
        and (sees_all or context.allows(Operation.DESCRIBE, Resource.GROUP, group.group_id))
    ]
    return ListGroupsResponse(groups=rows)


API = Api(16, "ListGroups", 0, 5, ListGroupsRequest, handle)
