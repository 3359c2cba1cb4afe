"""DescribeShareGroupOffsets (KIP-932), versions 0 and 1: 1 adds the lag (KIP-1226).

Where a group begins in a partition is -1 until its first fetch, and wherever there is no state: for other partitions,
topics and groups too, as in Apache Kafka.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.share.partition import UNRESOLVED
from harness.pylog_broker.share.state_records import Key

NO_LAG = -1


def handle(context: RequestContext, request: DescribeShareGroupOffsetsRequest) -> DescribeShareGroupOffsetsResponse:
    """Describe each group asked for."""
    return DescribeShareGroupOffsetsResponse(groups=[_describe(context, group) for group in request.groups])


def _describe(
    context: RequestContext, asked: DescribeShareGroupOffsetsRequestGroup
) -> DescribeShareGroupOffsetsResponseGroup:
    group_id = asked.group_id
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, group_id):
        return DescribeShareGroupOffsetsResponseGroup(
            group_id=group_id, error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED
        )
    if asked.topics is None:
        wanted: Mapping[str, Sequence[int]] = _all_topics(context, group_id)
        wanted = {
            name: rows for name, rows in wanted.items() if context.allows(Operation.DESCRIBE, Resource.TOPIC, name)
        }
    else:
        wanted = {topic.topic_name: topic.partitions for topic in asked.topics}
    return DescribeShareGroupOffsetsResponseGroup(
        group_id=group_id, topics=[_topic(context, group_id, name, rows) for name, rows in wanted.items()]
    )


def _all_topics(context: RequestContext, group_id: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for topic_id, partition in sorted(context.broker.share.store.of_group(group_id)):
        topic = context.broker.catalog.by_id(topic_id)
        if topic is not None:
            found.setdefault(topic.name, []).append(partition)
    return found


def _topic(
    context: RequestContext, group_id: str, name: str, partitions: Sequence[int]
) -> DescribeShareGroupOffsetsResponseTopic:
    topic = context.broker.catalog.topics.get(name)
    is_allowed = context.allows(Operation.DESCRIBE, Resource.TOPIC, name)
    if topic is None or not is_allowed:
        error = ErrorCode.NONE if is_allowed else ErrorCode.TOPIC_AUTHORIZATION_FAILED
        rows = [
            DescribeShareGroupOffsetsResponsePartition(
                partition_index=number, start_offset=UNRESOLVED, error_code=error
            )
            for number in partitions
        ]
        return DescribeShareGroupOffsetsResponseTopic(topic_name=name, topic_id=ZERO_UUID, partitions=rows)
    keys = [Key(group_id, topic.topic_id, number) for number in partitions]
    return DescribeShareGroupOffsetsResponseTopic(
        topic_name=name, topic_id=topic.topic_id, partitions=[_partition(context, key) for key in keys]
    )


def _partition(context: RequestContext, key: Key) -> DescribeShareGroupOffsetsResponsePartition:
    share = context.broker.share
    partition, log = share.store.find(key), share.log(key.topic_id, key.partition)
    row = DescribeShareGroupOffsetsResponsePartition(partition_index=key.partition, start_offset=UNRESOLVED, lag=NO_LAG)
    if partition is None or log is None or partition.start_offset == UNRESOLVED:
        return row
    row.start_offset = partition.start_offset
    row.leader_epoch = log.leader_epoch
    row.lag = max(log.high_watermark - partition.start_offset - partition.completed_count, 0)
    return row


API = Api(90, "DescribeShareGroupOffsets", 0, 1, DescribeShareGroupOffsetsRequest, handle)
