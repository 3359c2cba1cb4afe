"""DeleteTopics (key 20), versions 1 to 6.

By name, from version 6 on also by id. The topic is gone when the answer goes out; its files are removed in the
background, and fetches that wait for it are answered. A topic that is created again under the name has another id.

Left out: `timeout_ms`, since nothing waits. Internal topics cannot be deleted (INVALID_TOPIC_EXCEPTION).
"""

from __future__ import annotations

import logging
from uuid import UUID

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_topics import (
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: DeleteTopicsRequest) -> DeleteTopicsResponse:
    """Delete each topic on its own."""
    if context.version < 6:
        asked: list[tuple[str | None, UUID]] = [(name, ZERO_UUID) for name in request.topic_names]
    else:
        asked = [(topic.name, topic.topic_id) for topic in request.topics]
    return DeleteTopicsResponse(responses=[_delete(context, name, topic_id) for name, topic_id in asked])


def _delete(context: RequestContext, name: str | None, topic_id: UUID) -> DeleteTopicsResponseTopic:
    broker = context.broker
    if (name is None) == (topic_id == ZERO_UUID):
        message = "a topic is named either by its name or by its id"
        return DeleteTopicsResponseTopic(name, topic_id, ErrorCode.INVALID_REQUEST, message)
    topic = broker.catalog.by_id(topic_id) if name is None else broker.catalog.topics.get(name)
    may_see = context.allows(Operation.DESCRIBE, Resource.TOPIC, topic.name if topic is not None else name or "")
    if name is not None and not may_see:
        return DeleteTopicsResponseTopic(name, topic_id, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if topic is None or not may_see:
        error = ErrorCode.UNKNOWN_TOPIC_ID if name is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return DeleteTopicsResponseTopic(name, topic_id, error)
    if not context.allows(Operation.DELETE, Resource.TOPIC, topic.name):
        return DeleteTopicsResponseTopic(topic.name, topic.topic_id, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if not broker.config.delete_topic_enable:
        return DeleteTopicsResponseTopic(topic.name, topic.topic_id, ErrorCode.TOPIC_DELETION_DISABLED)
    if topic.internal:
        message = f"'{topic.name}' is internal"
        return DeleteTopicsResponseTopic(topic.name, topic.topic_id, ErrorCode.INVALID_TOPIC_EXCEPTION, message)
    try:
        broker.delete_topic(topic)
    except StorageError as failure:
        logger.error("delete topic %s: %s", topic.name, failure)
        return DeleteTopicsResponseTopic(topic.name, topic.topic_id, failure.error_code, str(failure))
    return DeleteTopicsResponseTopic(topic.name, topic.topic_id)


API = Api(20, "DeleteTopics", 1, 6, DeleteTopicsRequest, handle)
