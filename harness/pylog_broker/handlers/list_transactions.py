"""ListTransactions (key 66), versions 0 to 2: transactional ids by state and producer id (KIP-664), from version 1 on by
how long the transaction has been running (KIP-994), from version 2 on by a pattern (KIP-1152).
"""

from __future__ import annotations

from harness.pylog_broker.groups.topic_pattern import InvalidPattern, matching_names
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
    ListTransactionsResponseState,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.transactions.states import TransactionState


def handle(context: RequestContext, request: ListTransactionsRequest) -> ListTransactionsResponse:
    """List what passes every filter; an empty filter passes all. States that nobody knows are named in the answer."""
    by_name = {state.value: state for state in TransactionState}
    unknown = [name for name in request.state_filters if name not in by_name]
    states = {by_name[name] for name in request.state_filters if name in by_name}
    if request.state_filters and not states:
        return ListTransactionsResponse(unknown_state_filters=unknown)
    coordinator, now_ms = context.broker.transactions.coordinator, context.broker.now_ms()
    found = [
        transaction
        for transaction in coordinator.all()
        if (not states or transaction.state in states)
        and (not request.producer_id_filters or transaction.producer_id in request.producer_id_filters)
        and context.allows(Operation.DESCRIBE, Resource.TRANSACTIONAL_ID, transaction.transactional_id)
        and (request.duration_filter < 0 or now_ms - transaction.started_ms > request.duration_filter)
    ]
    if request.transactional_id_pattern:
        try:
            matching = matching_names(request.transactional_id_pattern, [row.transactional_id for row in found])
        except InvalidPattern:
            return ListTransactionsResponse(error_code=ErrorCode.INVALID_REGULAR_EXPRESSION)
        found = [row for row in found if row.transactional_id in matching]
    rows = [ListTransactionsResponseState(row.transactional_id, row.producer_id, row.state.value) for row in found]
    return ListTransactionsResponse(unknown_state_filters=unknown, transaction_states=rows)


API = Api(66, "ListTransactions", 0, 2, ListTransactionsRequest, handle)
