"""DeleteRecords (key 21), versions 0 to 2.

Moves the log start of a partition up; -1 stands for the high watermark. The new start is on disk when the answer goes
out. An offset above the high watermark is OFFSET_OUT_OF_RANGE; one below the log start changes nothing.

Left out: `timeout_ms`, since nothing waits. Compacted and internal topics refuse with POLICY_VIOLATION.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_records import (
    DeleteRecordsRequest,
    DeleteRecordsRequestPartition,
    DeleteRecordsResponse,
    DeleteRecordsResponsePartition,
    DeleteRecordsResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)

HIGH_WATERMARK = -1
UNKNOWN = -1


def handle(context: RequestContext, request: DeleteRecordsRequest) -> DeleteRecordsResponse:
    """Delete in each partition on its own."""
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsResponseTopic(topic.name, [_delete(context, topic.name, row) for row in topic.partitions])
            for topic in request.topics
        ]
    )


def _delete(context: RequestContext, name: str, row: DeleteRecordsRequestPartition) -> DeleteRecordsResponsePartition:
    index = row.partition_index
    if not context.allows(Operation.DELETE, Resource.TOPIC, name):
        return DeleteRecordsResponsePartition(index, UNKNOWN, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    topic = context.broker.catalog.topics.get(name)
    if topic is None or not 0 <= index < len(topic.partitions):
        return DeleteRecordsResponsePartition(index, UNKNOWN, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    log = topic.partitions[index]
    if topic.internal or (log.config.compacts and not log.config.deletes):
        return DeleteRecordsResponsePartition(index, UNKNOWN, ErrorCode.POLICY_VIOLATION)
    offset = log.high_watermark if row.offset == HIGH_WATERMARK else row.offset
    try:
        start = log.delete_records_before(offset)
    except StorageError as failure:
        if failure.fault != "client":
            logger.error("delete records of %s-%d: %s", name, index, failure)
        return DeleteRecordsResponsePartition(index, UNKNOWN, failure.error_code)
    return DeleteRecordsResponsePartition(index, start, ErrorCode.NONE)


API = Api(21, "DeleteRecords", 0, 2, DeleteRecordsRequest, handle)
