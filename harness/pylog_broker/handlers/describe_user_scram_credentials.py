"""DescribeUserScramCredentials (key 50), version 0: which users have SCRAM credentials, never what they are.

Users of `sasl.users.file` have passwords, not stored credentials, and are not listed.
"""

from __future__ import annotations

from collections import Counter

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResponseCredentialInfo,
    DescribeUserScramCredentialsResponseResult,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource

Rows = dict[str, list[DescribeUserScramCredentialsResponseCredentialInfo]]


def handle(
    context: RequestContext, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    """The users asked for; all of them for a null or an empty list."""
    if not context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME):
        return DescribeUserScramCredentialsResponse(
            error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED, error_message=CLUSTER_REFUSED
        )
    rows: Rows = {}
    for (user, mechanism), record in sorted(context.broker.catalog.image.scram.items()):
        info = DescribeUserScramCredentialsResponseCredentialInfo(mechanism, record.iterations)
        rows.setdefault(user, []).append(info)
    asked = Counter(row.name for row in request.users or ()) or Counter(iter(rows))
    return DescribeUserScramCredentialsResponse(results=[_row(user, times, rows) for user, times in asked.items()])


def _row(user: str, times: int, rows: Rows) -> DescribeUserScramCredentialsResponseResult:
    if times > 1:
        message = f"user {user} is asked for twice"
        return DescribeUserScramCredentialsResponseResult(user, ErrorCode.DUPLICATE_RESOURCE, message, [])
    if user not in rows:
        message = f"user {user} has no SCRAM credential"
        return DescribeUserScramCredentialsResponseResult(user, ErrorCode.RESOURCE_NOT_FOUND, message, [])
    return DescribeUserScramCredentialsResponseResult(user, ErrorCode.NONE, None, rows[user])


API = Api(50, "DescribeUserScramCredentials", 0, 0, DescribeUserScramCredentialsRequest, handle)
