"""OffsetForLeaderEpoch (key 23), versions 2 to 4.

Where the log of a leader epoch ends (KIP-101, KIP-279, KIP-320), so that a consumer can see that its log was truncated. The
answer is the largest epoch not above the one asked for, and where the next one starts; the present epoch ends at the log
end. An epoch later than any answers -1 for both. Every start after anything but a clean shutdown is a new epoch.

Left out: the replica id, since there are no replicas.
"""

from __future__ import annotations

from harness.pylog_broker.broker import leader_epoch_error
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochRequestPartition,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderEpochResponsePartition,
    OffsetForLeaderEpochResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
    """Answer for each partition."""
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderEpochResponseTopic(
                topic.topic, [_end_of_epoch(context, topic.topic, row) for row in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _end_of_epoch(
    context: RequestContext, name: str, row: OffsetForLeaderEpochRequestPartition
) -> OffsetForLeaderEpochResponsePartition:
    if not context.allows(Operation.DESCRIBE, Resource.TOPIC, name):
        return OffsetForLeaderEpochResponsePartition(ErrorCode.TOPIC_AUTHORIZATION_FAILED, row.partition)
    topic = context.broker.catalog.topics.get(name)
    if topic is None or not 0 <= row.partition < len(topic.partitions):
        return OffsetForLeaderEpochResponsePartition(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, row.partition)
    log = topic.partitions[row.partition]
    error = leader_epoch_error(row.current_leader_epoch, log.leader_epoch)
    if error:
        return OffsetForLeaderEpochResponsePartition(error, row.partition)
    epoch, end = log.leader_epochs.end_of(row.leader_epoch, log.log_end_offset)
    return OffsetForLeaderEpochResponsePartition(ErrorCode.NONE, row.partition, epoch, end)


API = Api(23, "OffsetForLeaderEpoch", 2, 4, OffsetForLeaderEpochRequest, handle)
