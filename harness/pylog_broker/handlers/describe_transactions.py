"""DescribeTransactions (key 65), version 0: what the coordinator knows of transactional ids (KIP-664)."""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    DescribeTransactionsResponseState,
    DescribeTransactionsResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: DescribeTransactionsRequest) -> DescribeTransactionsResponse:
    """Describe each transactional id."""
    return DescribeTransactionsResponse(
        transaction_states=[_describe(context, transactional_id) for transactional_id in request.transactional_ids]
    )


def _describe(context: RequestContext, transactional_id: str) -> DescribeTransactionsResponseState:
    if not transactional_id:
        return DescribeTransactionsResponseState(ErrorCode.INVALID_REQUEST, transactional_id)
    if not context.allows(Operation.DESCRIBE, Resource.TRANSACTIONAL_ID, transactional_id):
        error = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        return DescribeTransactionsResponseState(error, transactional_id)
    found = context.broker.transactions.coordinator.find(transactional_id)
    if found is None:
        return DescribeTransactionsResponseState(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, transactional_id)
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(found.partitions):
        if not context.allows(Operation.DESCRIBE, Resource.TOPIC, topic):
            continue
        topics.setdefault(topic, []).append(partition)
    return DescribeTransactionsResponseState(
        ErrorCode.NONE,
        transactional_id,
        found.state.value,
        found.timeout_ms,
        found.started_ms,
        found.producer_id,
        found.epoch,
        [DescribeTransactionsResponseTopic(*row) for row in topics.items()],
    )


API = Api(65, "DescribeTransactions", 0, 0, DescribeTransactionsRequest, handle)
