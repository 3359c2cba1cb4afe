"""TxnOffsetCommit (key 28), versions 0 to 5.

Offsets that count when the producer's transaction is committed, and never when it is aborted; until then they are pending.
The group's partition of `__consumer_offsets` has to be in the transaction (AddOffsetsToTxn), or is added by version 5 (KIP-890):
otherwise INVALID_TXN_STATE, TRANSACTION_ABORTABLE from version 4 on. From version 3 on (KIP-447) generation, member and static
member are checked as for OffsetCommit. A fenced producer is told INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.groups.coordinator import CommitRequest, PartitionCommit
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.transactions.transaction import EPOCH_BUMP_FROM, ProducerIdentity

logger = logging.getLogger(__name__)

ABORTABLE_FROM, IMPLICIT_FROM = 4, 5
NO_RETENTION = -1


def handle(context: RequestContext, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse:
    """Keep what belongs to existing partitions; answer the rest with an error of its own."""
    offsets: list[PartitionCommit] = []
    slots: list[TxnOffsetCommitResponsePartition] = []
    rows: list[TxnOffsetCommitResponseTopic] = []
    for asked in request.topics:
        partitions: list[TxnOffsetCommitResponsePartition] = []
        may_read = context.allows(Operation.READ, Resource.TOPIC, asked.name)
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if may_read else ErrorCode.TOPIC_AUTHORIZATION_FAILED
        for row in asked.partitions:
            slot = TxnOffsetCommitResponsePartition(row.partition_index, unknown)
            partitions.append(slot)
            if may_read and context.broker.has_partition(asked.name, row.partition_index):
                slots.append(slot)
                metadata = row.committed_metadata or ""
                offsets.append(
                    PartitionCommit(
                        asked.name, row.partition_index, row.committed_offset, row.committed_leader_epoch, metadata
                    )
                )
        rows.append(TxnOffsetCommitResponseTopic(asked.name, partitions))
    errors = _commit(context, request, offsets) if offsets else []
    for slot, error in zip(slots, errors, strict=True):
        slot.error_code = error
    return TxnOffsetCommitResponse(topics=rows)


def _commit(
    context: RequestContext, request: TxnOffsetCommitRequest, offsets: list[PartitionCommit]
) -> list[ErrorCode]:
    identity = ProducerIdentity(request.producer_id, request.producer_epoch)
    error = _admit(context, request, identity)
    if error is not ErrorCode.NONE:
        return [error] * len(offsets)
    commit = CommitRequest(
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
        retention_ms=NO_RETENTION,
        offsets=offsets,
        knows_epochs=True,
        producer=identity,
    )
    errors: list[ErrorCode] = context.broker.groups.commit(request.group_id, commit)
    return errors


def _admit(context: RequestContext, request: TxnOffsetCommitRequest, identity: ProducerIdentity) -> ErrorCode:
    """Say whether the producer's transaction holds the group's partition of the offsets topic, by now."""
    transactions = context.broker.transactions
    if not request.transactional_id:
        return ErrorCode.INVALID_REQUEST
    if not request.group_id:
        return ErrorCode.INVALID_GROUP_ID
    if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, request.transactional_id):
        return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return ErrorCode.GROUP_AUTHORIZATION_FAILED
    try:
        partition = context.broker.groups.offsets_partition(request.group_id)
    except StorageError as failure:
        logger.error("the topic of committed offsets cannot be made: %s", failure)
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if context.version >= IMPLICIT_FROM:
        error: ErrorCode = transactions.add_partitions(
            request.transactional_id, identity, [partition], client_version=EPOCH_BUMP_FROM
        )
    else:
        error = transactions.coordinator.verify_partition(request.transactional_id, identity, partition)
    if error is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if error is ErrorCode.INVALID_TXN_STATE and context.version >= ABORTABLE_FROM:
        return ErrorCode.TRANSACTION_ABORTABLE
    return error


API = Api(28, "TxnOffsetCommit", 0, 5, TxnOffsetCommitRequest, handle)
