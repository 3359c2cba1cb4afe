"""OffsetForLeaderEpoch (key 23), versions 2 to 4.

Where the log of a leader epoch ends (KIP-101, KIP-320), so that a consumer can see that its log was truncated. There is
one epoch so far, and it ends at the log end; an epoch that never was answers -1 for both.

Left out: nothing for one epoch.
"""

from __future__ import annotations

from harness.pylog_broker.broker import LEADER_EPOCH, Broker, leader_epoch_error
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochRequestPartition,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderEpochResponsePartition,
    OffsetForLeaderEpochResponseTopic,
)


def handle(context: RequestContext, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
    """Answer for each partition."""
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderEpochResponseTopic(
                topic.topic, [_end_of_epoch(context.broker, topic.topic, row) for row in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _end_of_epoch(
    broker: Broker, name: str, row: OffsetForLeaderEpochRequestPartition
) -> OffsetForLeaderEpochResponsePartition:
    topic = broker.catalog.topics.get(name)
    if topic is None or not 0 <= row.partition < len(topic.partitions):
        return OffsetForLeaderEpochResponsePartition(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, row.partition)
    error = leader_epoch_error(row.current_leader_epoch)
    if error:
        return OffsetForLeaderEpochResponsePartition(error, row.partition)
    if row.leader_epoch != LEADER_EPOCH:
        return OffsetForLeaderEpochResponsePartition(ErrorCode.NONE, row.partition)
    end = topic.partitions[row.partition].log_end_offset
    return OffsetForLeaderEpochResponsePartition(ErrorCode.NONE, row.partition, LEADER_EPOCH, end)


API = Api(23, "OffsetForLeaderEpoch", 2, 4, OffsetForLeaderEpochRequest, handle)
