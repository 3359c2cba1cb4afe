"""ListPartitionReassignments (key 46), version 0: what is being moved to other brokers (KIP-455).

With one broker nothing ever is, so the list is empty, as it is for partitions that do not exist.

Left out: nothing for one node.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource


def handle(context: RequestContext, _request: ListPartitionReassignmentsRequest) -> ListPartitionReassignmentsResponse:
    """List nothing."""
    if not context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME):
        return ListPartitionReassignmentsResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    return ListPartitionReassignmentsResponse(error_code=ErrorCode.NONE)


API = Api(46, "ListPartitionReassignments", 0, 0, ListPartitionReassignmentsRequest, handle)
