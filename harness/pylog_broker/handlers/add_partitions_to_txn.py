"""AddPartitionsToTxn (key 24), versions 0 to 5.

Adds partitions to a producer's transaction, which begins with the first. Up to version 3 one transaction, all partitions or
none: where one does not exist it is UNKNOWN_TOPIC_OR_PARTITION, and OPERATION_NOT_ATTEMPTED for the others. From version 4 on
(between brokers, KIP-890) several transactions, each of which may only ask whether its partitions are in already; one that
is not is INVALID_TXN_STATE, TRANSACTION_ABORTABLE from version 5 on. A fenced producer is told PRODUCER_FENCED, before version
2 INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnRequestTransaction,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResponsePartition,
    AddPartitionsToTxnResponseResult,
    AddPartitionsToTxnResponseResultPartition,
    AddPartitionsToTxnResponseResultTopic,
    AddPartitionsToTxnResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource
from harness.pylog_broker.transactions.transaction import Partition, ProducerIdentity

BETWEEN_BROKERS_FROM = 4  # whoever asks so needs CLUSTER_ACTION, as in Kafka


def handle(context: RequestContext, request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnResponse:
    """Answer for every partition."""
    if context.version >= BETWEEN_BROKERS_FROM:
        if not context.allows(Operation.CLUSTER_ACTION, Resource.CLUSTER, CLUSTER_NAME):
            return AddPartitionsToTxnResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        return AddPartitionsToTxnResponse(
            results_by_transaction=[_transaction(context, asked) for asked in request.transactions]
        )
    partitions = [(topic.name, index) for topic in request.topics for index in topic.partitions]
    identity = ProducerIdentity(request.producer_id, request.producer_epoch)
    errors = _add(context, request.transactional_id, identity, partitions)
    return AddPartitionsToTxnResponse(
        results_by_topic=[
            AddPartitionsToTxnResponseTopic(
                topic.name,
                [AddPartitionsToTxnResponsePartition(index, errors[topic.name, index]) for index in topic.partitions],
            )
            for topic in request.topics
        ]
    )


def _transaction(
    context: RequestContext, asked: AddPartitionsToTxnRequestTransaction
) -> AddPartitionsToTxnResponseResult:
    partitions = [(topic.name, index) for topic in asked.topics for index in topic.partitions]
    identity = ProducerIdentity(asked.producer_id, asked.producer_epoch)
    answer = _verify if asked.verify_only else _add
    errors = answer(context, asked.transactional_id, identity, partitions)
    return AddPartitionsToTxnResponseResult(
        asked.transactional_id,
        [
            AddPartitionsToTxnResponseResultTopic(
                topic.name,
                [
                    AddPartitionsToTxnResponseResultPartition(index, errors[topic.name, index])
                    for index in topic.partitions
                ],
            )
            for topic in asked.topics
        ],
    )


def _add(
    context: RequestContext, transactional_id: str, identity: ProducerIdentity, partitions: Sequence[Partition]
) -> dict[Partition, ErrorCode]:
    if not transactional_id:
        return dict.fromkeys(partitions, ErrorCode.INVALID_REQUEST)
    if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return dict.fromkeys(partitions, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    refused = {name for name, _ in partitions if not context.allows(Operation.WRITE, Resource.TOPIC, name)}
    if refused:
        return {
            partition: ErrorCode.TOPIC_AUTHORIZATION_FAILED
            if partition[0] in refused
            else ErrorCode.OPERATION_NOT_ATTEMPTED
            for partition in partitions
        }
    unknown = {partition for partition in partitions if not context.broker.has_partition(*partition)}
    if unknown:
        return {
            partition: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            if partition in unknown
            else ErrorCode.OPERATION_NOT_ATTEMPTED
            for partition in partitions
        }
    error = context.broker.transactions.add_partitions(transactional_id, identity, partitions)
    if error is ErrorCode.PRODUCER_FENCED and context.version < 2:
        error = ErrorCode.INVALID_PRODUCER_EPOCH
    return dict.fromkeys(partitions, error)


def _verify(
    context: RequestContext, transactional_id: str, identity: ProducerIdentity, partitions: Sequence[Partition]
) -> dict[Partition, ErrorCode]:
    if not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return dict.fromkeys(partitions, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    errors = {}
    for partition in partitions:
        error = context.broker.transactions.coordinator.verify_partition(transactional_id, identity, partition)
        if error is ErrorCode.INVALID_TXN_STATE and context.version >= 5:
            error = ErrorCode.TRANSACTION_ABORTABLE
        errors[partition] = error
    return errors


API = Api(24, "AddPartitionsToTxn", 0, 5, AddPartitionsToTxnRequest, handle)
