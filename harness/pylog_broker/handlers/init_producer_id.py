"""InitProducerId (key 22), versions 0 to 5.

Gives an idempotent producer an id that was never given before, with epoch 0; ids are handed out from blocks on disk. A
producer that asks again with its id and epoch (version 3, KIP-360) gets a fresh id as well, which is always right.

Left out: transactional ids; they are refused with UNSUPPORTED_VERSION until transactions are here.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)

NO_ID, NO_EPOCH, FIRST_EPOCH = -1, -1, 0


def handle(context: RequestContext, request: InitProducerIdRequest) -> InitProducerIdResponse:
    """Hand out a producer id."""
    if request.transactional_id is not None:
        return _failed(ErrorCode.UNSUPPORTED_VERSION)
    if (request.producer_id == NO_ID) != (request.producer_epoch == NO_EPOCH):
        return _failed(ErrorCode.INVALID_REQUEST)
    try:
        producer_id = context.broker.catalog.next_producer_id()
    except StorageError as failure:
        logger.error("next producer id: %s", failure)
        return _failed(failure.error_code)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=FIRST_EPOCH)


def _failed(error: int) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error, producer_id=NO_ID, producer_epoch=NO_EPOCH)


API = Api(22, "InitProducerId", 0, 5, InitProducerIdRequest, handle)
