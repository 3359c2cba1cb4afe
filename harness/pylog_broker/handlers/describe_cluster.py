"""DescribeCluster (key 60), versions 0 to 2.

Cluster id, the one broker, and that broker as the controller. Version 1 may ask for controllers' endpoints (type 2),
which a broker does not have: MISMATCHED_ENDPOINT_TYPE.

Left out: fenced brokers (version 2); the one broker that answers is not fenced.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
    DescribeClusterResponseBroker,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Resource

BROKERS, CONTROLLERS = 1, 2


def handle(context: RequestContext, request: DescribeClusterRequest) -> DescribeClusterResponse:
    """Describe the cluster of one."""
    broker = context.broker
    if request.endpoint_type != BROKERS:
        known = request.endpoint_type == CONTROLLERS
        error = ErrorCode.MISMATCHED_ENDPOINT_TYPE if known else ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
        return DescribeClusterResponse(error_code=error, error_message="this is a broker's endpoint (type 1)")
    asked = request.include_cluster_authorized_operations
    return DescribeClusterResponse(
        error_code=ErrorCode.NONE,
        cluster_id=broker.catalog.cluster_id,
        controller_id=broker.node_id,
        brokers=[DescribeClusterResponseBroker(broker.node_id, context.endpoint.host, context.endpoint.port)],
        cluster_authorized_operations=context.operations(Resource.CLUSTER, CLUSTER_NAME, asked=asked),
    )


API = Api(60, "DescribeCluster", 0, 2, DescribeClusterRequest, handle)
