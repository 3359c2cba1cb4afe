"""DescribeProducers (key 61), version 0: what a partition remembers of its producers (KIP-664)."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    DescribeProducersResponsePartition,
    DescribeProducersResponseProducer,
    DescribeProducersResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: DescribeProducersRequest) -> DescribeProducersResponse:
    """List the producers of each partition."""
    return DescribeProducersResponse(
        topics=[
            DescribeProducersResponseTopic(
                topic.name, [_partition(context, topic.name, index) for index in topic.partition_indexes]
            )
            for topic in request.topics
        ]
    )


def _partition(context: RequestContext, name: str, index: int) -> DescribeProducersResponsePartition:
    if not context.allows(Operation.READ, Resource.TOPIC, name):
        return DescribeProducersResponsePartition(index, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if not context.broker.has_partition(name, index):
        return DescribeProducersResponsePartition(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    log = context.broker.catalog.topics[name].partitions[index]
    rows = [DescribeProducersResponseProducer(*producer) for producer in log.producers]
    return DescribeProducersResponsePartition(index, ErrorCode.NONE, None, rows)


API = Api(61, "DescribeProducers", 0, 0, DescribeProducersRequest, handle)
