"""AddOffsetsToTxn (key 25), versions 0 to 4.

Adds the partition of `__consumer_offsets` that keeps a group's offsets to a producer's transaction. A fenced producer is told
PRODUCER_FENCED, before version 2 INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.transactions.transaction import ProducerIdentity

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse:
    """Add the group's partition."""
    if not request.transactional_id:
        return AddOffsetsToTxnResponse(error_code=ErrorCode.INVALID_REQUEST)
    if not request.group_id:
        return AddOffsetsToTxnResponse(error_code=ErrorCode.INVALID_GROUP_ID)
    if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, request.transactional_id):
        return AddOffsetsToTxnResponse(error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not context.allows(Operation.READ, Resource.GROUP, request.group_id):
        return AddOffsetsToTxnResponse(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    try:
        partition = context.broker.groups.offsets_partition(request.group_id)
    except StorageError as failure:
        logger.error("the topic of committed offsets cannot be made: %s", failure)
        return AddOffsetsToTxnResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    identity = ProducerIdentity(request.producer_id, request.producer_epoch)
    error = context.broker.transactions.add_partitions(request.transactional_id, identity, [partition])
    if error is ErrorCode.PRODUCER_FENCED and context.version < 2:
        error = ErrorCode.INVALID_PRODUCER_EPOCH
    return AddOffsetsToTxnResponse(error_code=error)


API = Api(25, "AddOffsetsToTxn", 0, 4, AddOffsetsToTxnRequest, handle)
