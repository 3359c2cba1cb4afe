"""Metadata (key 3), versions 0 to 13.

Which broker leads which partition: this one leads all. A null list of topics means all of them, as does an empty one
in version 0; an empty list in later versions means none. Version 10 and later know topic ids, version 12 asks by them
(before it that is INVALID_REQUEST).
A missing topic is created where the broker's `auto.create.topics.enable` and the request both allow it; the creating
answer is LEADER_NOT_AVAILABLE, clients ask again. Answers are kept as bytes until metadata changes.

Left out: nothing for one node.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource
from harness.pylog_broker.storage.catalog import Topic
from harness.pylog_broker.storage.errors import StorageError, TopicExists

IDS_FROM = 12  # before it, topics are asked for by name

logger = logging.getLogger(__name__)


def handle(context: RequestContext, body: memoryview) -> bytes:
    """Answer from the cache, or build the answer and keep it unless it is about to change."""
    broker, version = context.broker, context.version
    listener = context.connection.listener.name
    same_for_all = not broker.security.authorizer.enabled
    if same_for_all:
        cached = broker.cached_metadata(version, listener, body)
        if cached is not None:
            return cached
    request = MetadataRequest.decode(body, version)
    image_before = broker.catalog.image_version
    response = _answer(context, request)
    encoded = bytes(response.encode(version))
    if same_for_all and broker.catalog.image_version == image_before:
        broker.cache_metadata(version, listener, body, encoded)
    return encoded


def _answer(context: RequestContext, request: MetadataRequest) -> MetadataResponse:
    broker, version, endpoint = context.broker, context.version, context.endpoint
    operations = bool(request.include_topic_authorized_operations)
    if request.topics is None or (version == 0 and not request.topics):
        topics = [
            _describe(context, topic, operations)
            for topic in broker.catalog.topics.values()
            if context.allows(Operation.DESCRIBE, Resource.TOPIC, topic.name)
        ]
    else:
        may_create = broker.config.auto_create_topics_enable and request.allow_auto_topic_creation
        topics = [_look_up(context, asked, may_create, operations) for asked in request.topics]
    return MetadataResponse(
        brokers=[MetadataResponseBroker(broker.node_id, endpoint.host, endpoint.port, None)],
        cluster_id=broker.catalog.cluster_id,
        controller_id=broker.node_id,
        topics=topics,
        cluster_authorized_operations=context.operations(
            Resource.CLUSTER, CLUSTER_NAME, asked=bool(request.include_cluster_authorized_operations)
        ),
    )


def _look_up(
    context: RequestContext, asked: MetadataRequestTopic, may_create: bool, operations: bool
) -> MetadataResponseTopic:
    broker = context.broker
    if context.version < IDS_FROM and (asked.name is None or asked.topic_id != ZERO_UUID):
        # the field is there from version 10 on; an answer without a name could not be read
        return MetadataResponseTopic(ErrorCode.INVALID_REQUEST, asked.name or "", asked.topic_id)
    if asked.topic_id != ZERO_UUID:
        topic = broker.catalog.by_id(asked.topic_id)
        if topic is None or not context.allows(Operation.DESCRIBE, Resource.TOPIC, topic.name):
            return MetadataResponseTopic(ErrorCode.UNKNOWN_TOPIC_ID, None, asked.topic_id)
        return _describe(context, topic, operations)
    name = asked.name or ""
    if not context.allows(Operation.DESCRIBE, Resource.TOPIC, name):
        return MetadataResponseTopic(ErrorCode.TOPIC_AUTHORIZATION_FAILED, name)
    topic = broker.catalog.topics.get(name)
    if topic is not None:
        return _describe(context, topic, operations)
    if not may_create:
        return MetadataResponseTopic(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name)
    if not may_create_topic(context, name):
        return MetadataResponseTopic(ErrorCode.TOPIC_AUTHORIZATION_FAILED, name)
    return _create(broker, name)


def may_create_topic(context: RequestContext, name: str) -> bool:
    """Whether the client may create topics at all, or this one."""
    return context.allows(Operation.CREATE, Resource.CLUSTER, CLUSTER_NAME) or context.allows(
        Operation.CREATE, Resource.TOPIC, name
    )


def _create(broker: Broker, name: str) -> MetadataResponseTopic:
    try:
        broker.catalog.create_topic(name, broker.config.num_partitions, {})
    except TopicExists:
        pass  # named twice in one request
    except StorageError as error:
        logger.warning("cannot create topic %r for a client that asked for its metadata: %s", name, error)
        return MetadataResponseTopic(error.error_code, name)
    return MetadataResponseTopic(ErrorCode.LEADER_NOT_AVAILABLE, name)


def _describe(context: RequestContext, topic: Topic, operations: bool) -> MetadataResponseTopic:
    broker = context.broker
    node = [broker.node_id]
    partitions = [
        MetadataResponsePartition(ErrorCode.NONE, index, broker.node_id, log.leader_epoch, node, node)
        for index, log in enumerate(topic.partitions)
    ]
    return MetadataResponseTopic(
        ErrorCode.NONE,
        topic.name,
        topic.topic_id,
        topic.internal,
        partitions,
        context.operations(Resource.TOPIC, topic.name, asked=operations),
    )


API = Api(3, "Metadata", 0, 13, None, handle)
