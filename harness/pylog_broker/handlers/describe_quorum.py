"""DescribeQuorum (key 55), versions 0 to 2: the voters of the metadata log (KIP-595, KIP-836, KIP-853).

The one topic that is known here is `__cluster_metadata`, partition 0. This node is its only voter and its leader, in the epoch
that the image's log is written with.

Left out: replica directory ids (zero), observers and endpoints of controllers; there are none.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponseNode,
    DescribeQuorumResponsePartition,
    DescribeQuorumResponseTopic,
    DescribeQuorumResponseVoter,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

METADATA_TOPIC, METADATA_PARTITION = "__cluster_metadata", 0


def handle(context: RequestContext, request: DescribeQuorumRequest) -> DescribeQuorumResponse:
    """Describe each partition that is asked for."""
    if not context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME):
        return DescribeQuorumResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    topics = [
        DescribeQuorumResponseTopic(
            topic.topic_name, [_partition(context, topic.topic_name, row.partition_index) for row in topic.partitions]
        )
        for topic in request.topics
    ]
    nodes = [DescribeQuorumResponseNode(context.broker.node_id, [])]
    return DescribeQuorumResponse(error_code=ErrorCode.NONE, topics=topics, nodes=nodes)


def _partition(context: RequestContext, topic: str, partition: int) -> DescribeQuorumResponsePartition:
    if (topic, partition) != (METADATA_TOPIC, METADATA_PARTITION):
        return DescribeQuorumResponsePartition(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    broker = context.broker
    node, now_ms = broker.catalog.controller.node, broker.now_ms()
    return DescribeQuorumResponsePartition(
        partition_index=partition,
        error_code=ErrorCode.NONE,
        leader_id=broker.node_id,
        leader_epoch=node.epoch,
        high_watermark=node.high_watermark,
        current_voters=[DescribeQuorumResponseVoter(broker.node_id, ZERO_UUID, node.end_offset, now_ms, now_ms)],
    )


API = Api(55, "DescribeQuorum", 0, 2, DescribeQuorumRequest, handle)
