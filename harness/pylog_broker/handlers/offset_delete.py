"""OffsetDelete, version 0: forget committed offsets of topics that the group does not read at present (KIP-496)."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: OffsetDeleteRequest) -> OffsetDeleteResponse:
    """Delete what belongs to existing partitions; answer the rest with an error of its own."""
    if not context.allows(Operation.DELETE, Resource.GROUP, request.group_id):
        return OffsetDeleteResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    catalog = context.broker.catalog
    keys: list[tuple[str, int]] = []
    slots: list[OffsetDeleteResponsePartition] = []
    rows: list[OffsetDeleteResponseTopic] = []
    for asked in request.topics:
        topic = catalog.topics.get(asked.name)
        may_read = context.allows(Operation.READ, Resource.TOPIC, asked.name)
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if may_read else ErrorCode.TOPIC_AUTHORIZATION_FAILED
        partitions: list[OffsetDeleteResponsePartition] = []
        for partition in asked.partitions:
            index = partition.partition_index
            slot = OffsetDeleteResponsePartition(index, unknown)
            partitions.append(slot)
            if may_read and topic is not None and 0 <= index < len(topic.partitions):
                keys.append((asked.name, index))
                slots.append(slot)
        rows.append(OffsetDeleteResponseTopic(asked.name, partitions))
    errors = context.broker.groups.delete_offsets(request.group_id, keys)
    if isinstance(errors, ErrorCode):
        return OffsetDeleteResponse(error_code=errors)
    for slot, error in zip(slots, errors, strict=True):
        slot.error_code = error
    return OffsetDeleteResponse(topics=rows)


API = Api(47, "OffsetDelete", 0, 0, OffsetDeleteRequest, handle)
