"""ListOffsets (key 2), versions 1 to 11.

The offset for a time: the first record stamped at or after it, found inside its batch too (KIP-79). Special times: -1
the high watermark (the last stable offset for read_committed), -2 the log start, -3 the record with the largest
timestamp (version 7, KIP-734), -4 the start of the local log (version 8: the log start). -5 and -6 ask for tiered
storage, which does not exist here: offset -1. Without a match offset and timestamp are -1, and there is no error.

Left out: replicas' view of the log end; `timeout_ms`, since nothing is remote.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from harness.pylog_broker.broker import leader_epoch_error
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.list_offsets import (
    ListOffsetsRequest,
    ListOffsetsRequestPartition,
    ListOffsetsResponse,
    ListOffsetsResponsePartition,
    ListOffsetsResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import PartitionLog

logger = logging.getLogger(__name__)

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = -1, -2, -3, -4, -5, -6
FIRST_VERSION = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
READ_COMMITTED = 1
NO_MATCH = (-1, -1)


def handle(context: RequestContext, request: ListOffsetsRequest) -> ListOffsetsResponse:
    """Look up one offset for each partition."""
    topics = []
    for asked in request.topics:
        topic = context.broker.catalog.topics.get(asked.name)
        logs: Sequence[PartitionLog] = topic.partitions if topic is not None else ()
        if context.allows(Operation.DESCRIBE, Resource.TOPIC, asked.name):
            rows = [_look_up(context.version, request.isolation_level, logs, row) for row in asked.partitions]
        else:
            refused = ErrorCode.TOPIC_AUTHORIZATION_FAILED
            rows = [ListOffsetsResponsePartition(row.partition_index, refused) for row in asked.partitions]
        topics.append(ListOffsetsResponseTopic(asked.name, rows))
    return ListOffsetsResponse(topics=topics)


def _look_up(
    version: int, isolation_level: int, logs: Sequence[PartitionLog], row: ListOffsetsRequestPartition
) -> ListOffsetsResponsePartition:
    index = row.partition_index
    if not 0 <= index < len(logs):
        return ListOffsetsResponsePartition(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    error = leader_epoch_error(row.current_leader_epoch, logs[index].leader_epoch)
    if error:
        return ListOffsetsResponsePartition(index, error)
    if row.timestamp < 0 and version < FIRST_VERSION.get(row.timestamp, version + 1):
        return ListOffsetsResponsePartition(index, ErrorCode.UNSUPPORTED_VERSION)
    try:
        offset, timestamp = _find(logs[index], row.timestamp, isolation_level)
    except StorageError as failure:
        logger.error("offset lookup in %s-%d: %s", logs[index].topic, index, failure)
        return ListOffsetsResponsePartition(index, failure.error_code)
    epoch = logs[index].leader_epochs.epoch_at(offset) if offset >= 0 else -1
    return ListOffsetsResponsePartition(index, ErrorCode.NONE, timestamp, offset, epoch)


def _find(log: PartitionLog, timestamp_ms: int, isolation_level: int) -> tuple[int, int]:
    """(offset, timestamp in ms) for one of the special times or a real one."""
    limit = log.last_stable_offset if isolation_level == READ_COMMITTED else log.high_watermark
    if timestamp_ms == LATEST:
        return limit, -1
    if timestamp_ms in (EARLIEST, EARLIEST_LOCAL):
        return log.log_start_offset, -1
    if timestamp_ms in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NO_MATCH
    found = log.offset_of_max_timestamp() if timestamp_ms == MAX_TIMESTAMP else log.offset_for_timestamp(timestamp_ms)
    return found if found is not None and found[0] < limit else NO_MATCH


API = Api(2, "ListOffsets", 1, 11, ListOffsetsRequest, handle)
