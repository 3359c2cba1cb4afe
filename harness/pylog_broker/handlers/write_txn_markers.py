"""WriteTxnMarkers (key 27), versions 1 and 2.

Ends a producer's transaction in single partitions. Between brokers it is how a coordinator reaches other leaders; here it
serves administrators who abort a transaction that hangs (`kafka-transactions abort`). A marker with an epoch that is past is
INVALID_PRODUCER_EPOCH, one of a coordinator that is past TRANSACTION_COORDINATOR_FENCED.

Left out: the transaction version of version 2, which only makes the check of the epoch stricter.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.write_txn_markers import (
    WriteTxnMarkersRequest,
    WriteTxnMarkersRequestMarker,
    WriteTxnMarkersResponse,
    WriteTxnMarkersResponseMarker,
    WriteTxnMarkersResponsePartition,
    WriteTxnMarkersResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource
from harness.pylog_broker.transactions.transaction import ProducerIdentity


def handle(context: RequestContext, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse:
    """Write each marker on its own."""
    return WriteTxnMarkersResponse(markers=[_write(context, marker) for marker in request.markers])


def _write(context: RequestContext, marker: WriteTxnMarkersRequestMarker) -> WriteTxnMarkersResponseMarker:
    identity = ProducerIdentity(marker.producer_id, marker.producer_epoch)
    topics = []
    may_act = any(
        context.allows(operation, Resource.CLUSTER, CLUSTER_NAME)
        for operation in (Operation.CLUSTER_ACTION, Operation.ALTER)  # ALTER since KIP-1037
    )
    for topic in marker.topics:
        rows = []
        for index in topic.partition_indexes:
            if not may_act:
                rows.append(WriteTxnMarkersResponsePartition(index, ErrorCode.CLUSTER_AUTHORIZATION_FAILED))
                continue
            error = context.broker.transactions.write_marker(
                (topic.name, index),
                identity,
                committed=marker.transaction_result,
                coordinator_epoch=marker.coordinator_epoch,
            )
            rows.append(WriteTxnMarkersResponsePartition(index, error))
        topics.append(WriteTxnMarkersResponseTopic(topic.name, rows))
    return WriteTxnMarkersResponseMarker(marker.producer_id, topics)


API = Api(27, "WriteTxnMarkers", 1, 2, WriteTxnMarkersRequest, handle)
