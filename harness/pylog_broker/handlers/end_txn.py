"""EndTxn (key 26), versions 0 to 5.

Commits or aborts a producer's transaction: the decision is in `__transaction_state` and every partition has its marker when
the answer goes out. From version 5 on (KIP-890) the answer brings the next epoch, and a repeated request the same answer. A
fenced producer is told PRODUCER_FENCED, before version 2 INVALID_PRODUCER_EPOCH; an outcome that contradicts the one decided,
or an end without a transaction, INVALID_TXN_STATE.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.end_txn import EndTxnRequest, EndTxnResponse
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.transactions.transaction import EPOCH_BUMP_FROM, ProducerIdentity

EPOCH_BUMP_FROM_VERSION = 5


def handle(context: RequestContext, request: EndTxnRequest) -> EndTxnResponse:
    """End the transaction."""
    if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, request.transactional_id):
        return EndTxnResponse(error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    error, identity = context.broker.transactions.end(
        request.transactional_id,
        ProducerIdentity(request.producer_id, request.producer_epoch),
        commit=request.committed,
        client_version=EPOCH_BUMP_FROM if context.version >= EPOCH_BUMP_FROM_VERSION else 0,
    )
    if error is ErrorCode.PRODUCER_FENCED and context.version < 2:
        error = ErrorCode.INVALID_PRODUCER_EPOCH
    return EndTxnResponse(error_code=error, producer_id=identity.producer_id, producer_epoch=identity.epoch)


API = Api(26, "EndTxn", 0, 5, EndTxnRequest, handle)
