"""DeleteShareGroupOffsets (KIP-932), version 0: a group without members forgets whole topics."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.share.requests import refuse_administration


def handle(context: RequestContext, request: DeleteShareGroupOffsetsRequest) -> DeleteShareGroupOffsetsResponse:
    """Drop the state of each topic asked for, or say why not."""
    error, message = refuse_administration(context, request.group_id, Operation.DELETE)
    if error is not ErrorCode.NONE:
        return DeleteShareGroupOffsetsResponse(error_code=error, error_message=message)
    names = [topic.topic_name for topic in request.topics]
    return DeleteShareGroupOffsetsResponse(responses=[_topic(context, request.group_id, name) for name in names])


def _topic(context: RequestContext, group_id: str, name: str) -> DeleteShareGroupOffsetsResponseTopic:
    topic = context.broker.catalog.topics.get(name)
    error, message = ErrorCode.NONE, None
    if not context.allows(Operation.READ, Resource.TOPIC, name):
        error, message = ErrorCode.TOPIC_AUTHORIZATION_FAILED, None
    elif topic is None:
        error, message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "There is no such topic."
    elif not context.broker.share.delete_offsets(group_id, topic.topic_id):
        error, message = ErrorCode.KAFKA_STORAGE_ERROR, "The change could not be stored."
    return DeleteShareGroupOffsetsResponseTopic(
        topic_name=name,
        topic_id=topic.topic_id if topic is not None else ZERO_UUID,
        error_code=error,
        error_message=message,
    )


API = Api(92, "DeleteShareGroupOffsets", 0, 0, DeleteShareGroupOffsetsRequest, handle)
