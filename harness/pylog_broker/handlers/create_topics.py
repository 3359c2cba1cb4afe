"""CreateTopics (key 19), versions 2 to 7.

A topic is on disk when its answer goes out. -1 partitions or replicas take the broker's default; one node holds one
replica, more are INVALID_REPLICATION_FACTOR. A manual assignment may name this node only. Version 5 and later return the
settings, version 7 the topic id. `validate_only` checks without creating. A topic named twice in one request is
INVALID_REQUEST, and answered once.

Left out: `timeout_ms`, since nothing waits.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.config_entries import config_entries
from harness.pylog_broker.handlers.metadata import may_create_topic
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.create_topics import (
    CreateTopicsRequest,
    CreateTopicsRequestTopic,
    CreateTopicsResponse,
    CreateTopicsResponseConfig,
    CreateTopicsResponseTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.topic_config import TopicConfig

DEFAULT = -1


def handle(context: RequestContext, request: CreateTopicsRequest) -> CreateTopicsResponse:
    """Create each topic on its own."""
    names = Counter(topic.name for topic in request.topics)
    return CreateTopicsResponse(
        topics=[
            _create(context, topic, validate_only=request.validate_only)
            if names[topic.name] == 1
            else _refused(topic, ErrorCode.INVALID_REQUEST, f"topic '{topic.name}' is named more than once")
            for topic in {topic.name: topic for topic in request.topics}.values()
        ]
    )


def _create(
    context: RequestContext, asked: CreateTopicsRequestTopic, *, validate_only: bool
) -> CreateTopicsResponseTopic:
    broker = context.broker
    if not may_create_topic(context, asked.name):
        return _refused(asked, ErrorCode.TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")
    count = asked.num_partitions
    if asked.assignments:
        refusal = _refuse_assignments(broker, asked)
        if refusal is not None:
            return refusal
        count = len(asked.assignments)
    elif asked.replication_factor not in (DEFAULT, 1):
        message = f"replication factor {asked.replication_factor}; this cluster has one broker"
        return _refused(asked, ErrorCode.INVALID_REPLICATION_FACTOR, message)
    count = broker.config.num_partitions if count == DEFAULT else count
    nameless = next((config.name for config in asked.configs if config.value is None), None)
    if nameless is not None:
        return _refused(asked, ErrorCode.INVALID_CONFIG, f"setting '{nameless}' has no value")
    overrides = {config.name: config.value for config in asked.configs if config.value is not None}
    topic_id = ZERO_UUID
    try:
        typed = broker.catalog.check_new_topic(asked.name, count, overrides)
        if not validate_only:
            topic_id = broker.catalog.create_topic(asked.name, count, overrides).topic_id
    except StorageError as error:
        return _refused(asked, error.error_code, str(error))
    return _created(context, asked.name, topic_id, count, typed, overrides)


def _created(
    context: RequestContext, name: str, topic_id: UUID, partitions: int, typed: TopicConfig, overrides: dict[str, str]
) -> CreateTopicsResponseTopic:
    if not context.allows(Operation.DESCRIBE_CONFIGS, Resource.TOPIC, name):  # KIP-525: then nothing of how it was made
        hidden = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return CreateTopicsResponseTopic(
            name=name, topic_id=topic_id, error_message=None, topic_config_error_code=hidden, configs=None
        )
    configs = [
        CreateTopicsResponseConfig(entry.name, entry.value, entry.read_only, entry.source)
        for entry in config_entries(context.broker, typed, overrides)
    ]
    return CreateTopicsResponseTopic(
        name=name,
        topic_id=topic_id,
        error_message=None,
        num_partitions=partitions,
        replication_factor=1,
        configs=configs,
    )


def _refuse_assignments(broker: Broker, asked: CreateTopicsRequestTopic) -> CreateTopicsResponseTopic | None:
    if asked.num_partitions != DEFAULT or asked.replication_factor != DEFAULT:
        message = "partitions and replication factor must both be -1 where replicas are assigned by hand"
        return _refused(asked, ErrorCode.INVALID_REQUEST, message)
    if sorted(row.partition_index for row in asked.assignments) != list(range(len(asked.assignments))):
        message = "the assigned partitions are not numbered from 0 without gaps"
        return _refused(asked, ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    if any(list(row.broker_ids) != [broker.node_id] for row in asked.assignments):
        message = f"a partition is assigned to something other than the one broker, {broker.node_id}"
        return _refused(asked, ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    return None


def _refused(asked: CreateTopicsRequestTopic, error: int, message: str) -> CreateTopicsResponseTopic:
    return CreateTopicsResponseTopic(name=asked.name, error_code=error, error_message=message)


API = Api(19, "CreateTopics", 2, 7, CreateTopicsRequest, handle)
