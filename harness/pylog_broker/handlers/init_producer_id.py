"""InitProducerId (key 22), versions 0 to 5.

Without a transactional id: an id that was never given before, with epoch 0; ids are handed out from blocks on disk. A
producer that asks again with its id and epoch (version 3, KIP-360) gets a fresh id as well, which is always right.

With a transactional id: the next epoch of its producer id, which fences the producer that had the one before; an open
transaction is aborted first. A producer that names its present identity (KIP-360) is refused with PRODUCER_FENCED when
another has taken over (INVALID_PRODUCER_EPOCH before version 4), and gets the same answer when it repeats the request. A
timeout above `transaction.max.timeout.ms` is INVALID_TRANSACTION_TIMEOUT.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.transactions.transaction import ProducerIdentity

logger = logging.getLogger(__name__)

NO_ID, NO_EPOCH, FIRST_EPOCH = -1, -1, 0


def handle(context: RequestContext, request: InitProducerIdRequest) -> InitProducerIdResponse:
    """Hand out a producer id, or the next epoch of a transactional producer."""
    if (request.producer_id == NO_ID) != (request.producer_epoch == NO_EPOCH):
        return _failed(ErrorCode.INVALID_REQUEST)
    if request.transactional_id is not None:
        if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, request.transactional_id):
            return _failed(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        return _register(context, request, request.transactional_id)
    if not _may_be_idempotent(context):
        return _failed(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    try:
        producer_id = context.broker.catalog.next_producer_id()
    except StorageError as failure:
        logger.error("next producer id: %s", failure)
        return _failed(failure.error_code)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=FIRST_EPOCH)


def _may_be_idempotent(context: RequestContext) -> bool:
    """Whoever may write to any topic may do so idempotently (KIP-679)."""
    if context.allows(Operation.IDEMPOTENT_WRITE, Resource.CLUSTER, CLUSTER_NAME):
        return True
    authorizer = context.broker.security.authorizer
    return authorizer.allows_any(context.principal, context.client_host[1:], Operation.WRITE, Resource.TOPIC)


def _register(context: RequestContext, request: InitProducerIdRequest, transactional_id: str) -> InitProducerIdResponse:
    expected = ProducerIdentity(request.producer_id, request.producer_epoch) if request.producer_id != NO_ID else None
    error, identity = context.broker.transactions.register(transactional_id, request.transaction_timeout_ms, expected)
    if error is ErrorCode.PRODUCER_FENCED and context.version < 4:
        error = ErrorCode.INVALID_PRODUCER_EPOCH
    if error is not ErrorCode.NONE:
        return _failed(error)
    return InitProducerIdResponse(producer_id=identity.producer_id, producer_epoch=identity.epoch)


def _failed(error: int) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error, producer_id=NO_ID, producer_epoch=NO_EPOCH)


API = Api(22, "InitProducerId", 0, 5, InitProducerIdRequest, handle)
