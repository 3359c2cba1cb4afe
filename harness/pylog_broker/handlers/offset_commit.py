"""OffsetCommit, versions 2 to 10: 2-4 retention time of the commit, 6 leader epoch, 7 static members, 9 member epochs
of consumer-protocol groups (KIP-848), 10 topic ids.

Offsets are in the internal topic before the answer goes out. A commit with an epoch that has passed still counts for
partitions that its sender had got by then and has kept (KIP-1251).
"""

from __future__ import annotations

from harness.pylog_broker.groups.coordinator import CommitRequest, PartitionCommit
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.catalog import Topic

NO_RETENTION = -1


def handle(context: RequestContext, request: OffsetCommitRequest) -> OffsetCommitResponse:
    """Commit what belongs to existing partitions; answer the rest with an error of its own."""
    offsets: list[PartitionCommit] = []
    slots: list[OffsetCommitResponsePartition] = []
    rows: list[OffsetCommitResponseTopic] = []
    for asked in request.topics:
        topic, unknown = _find(context, asked)
        partitions: list[OffsetCommitResponsePartition] = []
        for partition in asked.partitions:
            slot = OffsetCommitResponsePartition(partition.partition_index, unknown)
            partitions.append(slot)
            if topic is not None and 0 <= partition.partition_index < len(topic.partitions):
                slots.append(slot)
                offsets.append(
                    PartitionCommit(
                        topic.name,
                        partition.partition_index,
                        partition.committed_offset,
                        partition.committed_leader_epoch,
                        partition.committed_metadata or "",
                    )
                )
        rows.append(OffsetCommitResponseTopic(asked.name, asked.topic_id, partitions))
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        for topic_row in rows:
            for slot in topic_row.partitions:
                slot.error_code = ErrorCode.GROUP_AUTHORIZATION_FAILED
        return OffsetCommitResponse(topics=rows)
    commit = CommitRequest(
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id_or_member_epoch,
        retention_ms=request.retention_time_ms if context.version <= 4 else NO_RETENTION,
        offsets=offsets,
        knows_epochs=context.version >= 9,
    )
    errors = context.broker.groups.commit(request.group_id, commit)
    for slot, error in zip(slots, errors, strict=True):
        slot.error_code = error
    return OffsetCommitResponse(topics=rows)


def _find(context: RequestContext, asked: OffsetCommitRequestTopic) -> tuple[Topic | None, ErrorCode]:
    """Return the topic, and the error for each partition of it that does not exist."""
    if context.version >= 10:
        topic = context.broker.catalog.by_id(asked.topic_id)
        if topic is None:
            return None, ErrorCode.UNKNOWN_TOPIC_ID
        if not context.allows(Operation.READ, Resource.TOPIC, topic.name):
            return None, ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if not context.allows(Operation.READ, Resource.TOPIC, asked.name):
        return None, ErrorCode.TOPIC_AUTHORIZATION_FAILED
    return context.broker.catalog.topics.get(asked.name), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


API = Api(8, "OffsetCommit", 2, 10, OffsetCommitRequest, handle)
