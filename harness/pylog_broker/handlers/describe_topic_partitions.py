"""DescribeTopicPartitions (key 75), version 0: topics page by page (KIP-966).

Topics come in the order of their names, all of them where none is named. A page has at most `response_partition_limit`
partitions (2000 at most); the cursor says where the next one begins. Topics that the client may not describe are left out where
none is named, and TOPIC_AUTHORIZATION_FAILED where they are.

Left out: eligible leader replicas; there are none beside the leader.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseNextCursor,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.catalog import Topic

PARTITIONS_MAX = 2_000  # max.request.partition.size.limit of Apache Kafka


def handle(context: RequestContext, request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse:
    """Fill one page."""
    topics = context.broker.catalog.topics
    cursor = request.cursor
    everything = not request.topics
    names = sorted(topics if everything else {topic.name for topic in request.topics})
    if cursor is not None:
        names = [name for name in names if name >= cursor.topic_name]
    left = min(max(request.response_partition_limit, 1), PARTITIONS_MAX)
    rows: list[DescribeTopicPartitionsResponseTopic] = []
    for name in names:
        allowed = context.allows(Operation.DESCRIBE, Resource.TOPIC, name)
        topic = topics.get(name)
        if not allowed or topic is None:
            if not everything:
                error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if allowed else ErrorCode.TOPIC_AUTHORIZATION_FAILED
                rows.append(DescribeTopicPartitionsResponseTopic(error, name, ZERO_UUID))
            continue
        first = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        if left == 0:
            return _page(rows, name, first)
        end = min(len(topic.partitions), max(first, 0) + left)
        rows.append(_topic(context, topic, range(max(first, 0), end)))
        left -= max(0, end - max(first, 0))
        if end < len(topic.partitions):
            return _page(rows, name, end)
    return DescribeTopicPartitionsResponse(topics=rows)


def _page(
    rows: list[DescribeTopicPartitionsResponseTopic], name: str, partition: int
) -> DescribeTopicPartitionsResponse:
    return DescribeTopicPartitionsResponse(
        topics=rows, next_cursor=DescribeTopicPartitionsResponseNextCursor(name, partition)
    )


def _topic(context: RequestContext, topic: Topic, numbers: range) -> DescribeTopicPartitionsResponseTopic:
    node = [context.broker.node_id]
    partitions = [
        DescribeTopicPartitionsResponsePartition(
            error_code=ErrorCode.NONE,
            partition_index=number,
            leader_id=node[0],
            leader_epoch=topic.partitions[number].leader_epoch,
            replica_nodes=node,
            isr_nodes=node,
            eligible_leader_replicas=[],
            last_known_elr=[],
        )
        for number in numbers
    ]
    return DescribeTopicPartitionsResponseTopic(
        ErrorCode.NONE,
        topic.name,
        topic.topic_id,
        topic.internal,
        partitions,
        context.operations(Resource.TOPIC, topic.name, asked=True),
    )


API = Api(75, "DescribeTopicPartitions", 0, 0, DescribeTopicPartitionsRequest, handle)
