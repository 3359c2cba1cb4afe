"""CreatePartitions (key 37), versions 0 to 3.

`count` is the new total; a topic never shrinks. A manual assignment may name this node only, once for each new
partition. `validate_only` checks without extending. Internal topics have a fixed number of partitions.

Left out: `timeout_ms`, since nothing waits.
"""

from __future__ import annotations

from collections import Counter

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsRequestTopic,
    CreatePartitionsResponse,
    CreatePartitionsResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError


def handle(context: RequestContext, request: CreatePartitionsRequest) -> CreatePartitionsResponse:
    """Extend each topic on its own."""
    names = Counter(topic.name for topic in request.topics)
    results = []
    for topic in request.topics:
        if names[topic.name] > 1:
            message = f"topic '{topic.name}' is named more than once"
            results.append(CreatePartitionsResponseTopic(topic.name, ErrorCode.INVALID_REQUEST, message))
        else:
            error, reason = _extend(context, topic, validate_only=request.validate_only)
            results.append(CreatePartitionsResponseTopic(topic.name, error, reason))
    return CreatePartitionsResponse(results=results)


def _extend(
    context: RequestContext, asked: CreatePartitionsRequestTopic, *, validate_only: bool
) -> tuple[int, str | None]:
    broker = context.broker
    if not context.allows(Operation.ALTER, Resource.TOPIC, asked.name):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED, "The topic authorization is failed."
    topic = broker.catalog.topics.get(asked.name)
    if topic is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic '{asked.name}'"
    if topic.internal:
        return ErrorCode.INVALID_TOPIC_EXCEPTION, f"'{asked.name}' is internal"
    added = asked.count - len(topic.partitions)
    if added <= 0:
        message = f"topic '{asked.name}' has {len(topic.partitions)} partitions already; {asked.count} adds none"
        return ErrorCode.INVALID_PARTITIONS, message
    if asked.assignments is not None and (
        len(asked.assignments) != added or any(list(row.broker_ids) != [broker.node_id] for row in asked.assignments)
    ):
        message = f"{added} new partitions need {added} assignments, each to the one broker {broker.node_id}"
        return ErrorCode.INVALID_REPLICA_ASSIGNMENT, message
    try:
        if not validate_only:
            broker.catalog.add_partitions(asked.name, asked.count)
    except StorageError as failure:
        return failure.error_code, str(failure)
    return ErrorCode.NONE, None


API = Api(37, "CreatePartitions", 0, 3, CreatePartitionsRequest, handle)
