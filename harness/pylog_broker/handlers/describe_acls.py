"""DescribeAcls (key 29), versions 1 to 3: the access rules that a filter takes.

Rules of `acl.file` are shown as well. SECURITY_DISABLED where access rules are off.
"""

from __future__ import annotations

from itertools import groupby

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_acls import (
    DescribeAclsRequest,
    DescribeAclsResponse,
    DescribeAclsResponseAcl,
    DescribeAclsResponseResource,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource
from harness.pylog_broker.security.acl_codes import parse_filter


def handle(context: RequestContext, request: DescribeAclsRequest) -> DescribeAclsResponse:
    """One group of rows for each resource pattern."""
    authorizer = context.broker.security.authorizer
    if not context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME):
        return DescribeAclsResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED, error_message=CLUSTER_REFUSED)
    if not authorizer.enabled:
        return DescribeAclsResponse(error_code=ErrorCode.SECURITY_DISABLED, error_message="access rules are off")
    asked = parse_filter(request)
    if asked is None:
        return DescribeAclsResponse(
            error_code=ErrorCode.INVALID_REQUEST, error_message="a code of the filter is unknown"
        )
    rules = sorted(rule for rule in authorizer.rules if asked.takes(rule))
    return DescribeAclsResponse(
        resources=[
            DescribeAclsResponseResource(
                *pattern,
                [DescribeAclsResponseAcl(rule.principal, rule.host, rule.operation, rule.permission) for rule in rows],
            )
            for pattern, rows in groupby(rules, key=lambda rule: (rule.resource, rule.name, rule.pattern))
        ]
    )


API = Api(29, "DescribeAcls", 1, 3, DescribeAclsRequest, handle)
