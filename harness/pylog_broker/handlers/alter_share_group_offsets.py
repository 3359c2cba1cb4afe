"""AlterShareGroupOffsets (KIP-932), version 0: where a group without members begins to read anew.

A group that does not exist yet is made, so that it can be given its place before its first member comes.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestTopic,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.share.requests import refuse_administration
from harness.pylog_broker.share.state_records import Key


def handle(context: RequestContext, request: AlterShareGroupOffsetsRequest) -> AlterShareGroupOffsetsResponse:
    """Move the start of each partition asked for, or say why not."""
    error, message = refuse_administration(context, request.group_id, Operation.READ)
    if error is ErrorCode.GROUP_ID_NOT_FOUND and context.broker.groups.coordinator.find(request.group_id) is None:
        error, message = context.broker.groups.establish_share_group(request.group_id), None
    if error is not ErrorCode.NONE:
        return AlterShareGroupOffsetsResponse(error_code=error, error_message=message)
    return AlterShareGroupOffsetsResponse(
        responses=[_topic(context, request.group_id, topic) for topic in request.topics]
    )


def _topic(
    context: RequestContext, group_id: str, asked: AlterShareGroupOffsetsRequestTopic
) -> AlterShareGroupOffsetsResponseTopic:
    topic = context.broker.catalog.topics.get(asked.topic_name)
    results: list[tuple[int, ErrorCode]] = []
    for row in asked.partitions:
        if not context.allows(Operation.READ, Resource.TOPIC, asked.topic_name):
            error = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        elif topic is None or not 0 <= row.partition_index < len(topic.partitions):
            error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        elif row.start_offset < 0:
            error = ErrorCode.INVALID_REQUEST
        else:
            key = Key(group_id, topic.topic_id, row.partition_index)
            moved = context.broker.share.store.move(key, row.start_offset)
            error = ErrorCode.NONE if moved else ErrorCode.KAFKA_STORAGE_ERROR
        results.append((row.partition_index, error))
    return AlterShareGroupOffsetsResponseTopic(
        topic_name=asked.topic_name,
        topic_id=topic.topic_id if topic is not None else ZERO_UUID,
        partitions=_rows(results),
    )


def _rows(results: Sequence[tuple[int, ErrorCode]]) -> list[AlterShareGroupOffsetsResponsePartition]:
    return [
        AlterShareGroupOffsetsResponsePartition(
            partition_index=partition, error_code=error, error_message=None if error is ErrorCode.NONE else error.name
        )
        for partition, error in results
    ]


API = Api(91, "AlterShareGroupOffsets", 0, 0, AlterShareGroupOffsetsRequest, handle)
