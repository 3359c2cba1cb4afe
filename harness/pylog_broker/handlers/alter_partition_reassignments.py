"""AlterPartitionReassignments (key 45), versions 0 and 1: move replicas to other brokers (KIP-455).

A partition whose replicas are to be this node has them there already, which is a success. Any other broker is
INVALID_REPLICA_ASSIGNMENT. To take back a reassignment (null replicas) finds none: NO_REASSIGNMENT_IN_PROGRESS.

Left out: `timeout_ms`, since nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    AlterPartitionReassignmentsResponsePartition,
    AlterPartitionReassignmentsResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource


def handle(context: RequestContext, request: AlterPartitionReassignmentsRequest) -> AlterPartitionReassignmentsResponse:
    """Judge each partition on its own."""
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        return AlterPartitionReassignmentsResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    return AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change,
        error_code=ErrorCode.NONE,
        responses=[
            AlterPartitionReassignmentsResponseTopic(
                topic.name,
                [
                    AlterPartitionReassignmentsResponsePartition(
                        row.partition_index, *_reassign(context, topic.name, row.partition_index, row.replicas)
                    )
                    for row in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )


def _reassign(
    context: RequestContext, name: str, partition: int, replicas: Sequence[int] | None
) -> tuple[int, str | None]:
    topic = context.broker.catalog.topics.get(name)
    if topic is None or not 0 <= partition < len(topic.partitions):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {partition} of a topic '{name}'"
    if replicas is None:
        return ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, None
    if list(replicas) != [context.broker.node_id]:
        message = f"this cluster has one broker, {context.broker.node_id}; replicas cannot be {list(replicas)}"
        return ErrorCode.INVALID_REPLICA_ASSIGNMENT, message
    return ErrorCode.NONE, None


API = Api(45, "AlterPartitionReassignments", 0, 1, AlterPartitionReassignmentsRequest, handle)
