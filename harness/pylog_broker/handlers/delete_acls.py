"""DeleteAcls (key 31), versions 1 to 3: takes back the access rules that filters take, and tells which.

A rule of `acl.file` is not deleted here: its row says INVALID_REQUEST and where it stands. SECURITY_DISABLED where access
rules are off.
"""

from __future__ import annotations

import logging
from uuid import UUID

from harness.pylog_broker.controller.records import RemoveAclRecord
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_acls import (
    DeleteAclsRequest,
    DeleteAclsRequestFilter,
    DeleteAclsResponse,
    DeleteAclsResponseFilterResult,
    DeleteAclsResponseMatchingAcl,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource
from harness.pylog_broker.security.acl_codes import parse_filter
from harness.pylog_broker.security.service import rule_of
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: DeleteAclsRequest) -> DeleteAclsResponse:
    """All filters are applied to the rules of now; what they take goes together."""
    if not context.broker.security.authorizer.enabled:
        return _all(
            request, ErrorCode.SECURITY_DISABLED, "access rules are off; see acl.file and authorizer.class.name"
        )
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        return _all(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, CLUSTER_REFUSED)
    doomed: dict[UUID, None] = {}
    results = [_match(context, row, doomed) for row in request.filters]
    try:
        context.broker.catalog.controller.record([RemoveAclRecord(acl_id) for acl_id in doomed])
    except StorageError as failure:
        logger.error("access rules: %s", failure)
        return _all(request, failure.error_code, str(failure))
    return DeleteAclsResponse(filter_results=results)


def _match(
    context: RequestContext, row: DeleteAclsRequestFilter, doomed: dict[UUID, None]
) -> DeleteAclsResponseFilterResult:
    asked = parse_filter(row)
    if asked is None:
        return DeleteAclsResponseFilterResult(ErrorCode.INVALID_REQUEST, "a code of the filter is unknown", [])
    security = context.broker.security
    matching = []
    for acl_id, record in context.broker.catalog.image.acls.items():
        rule = rule_of(record)
        if asked.takes(rule):
            doomed[acl_id] = None
            matching.append(DeleteAclsResponseMatchingAcl(ErrorCode.NONE, None, *rule))
    matching += [
        DeleteAclsResponseMatchingAcl(ErrorCode.INVALID_REQUEST, f"it stands in {security.settings.acl_file}", *rule)
        for rule in sorted(security.file_rules)
        if asked.takes(rule)
    ]
    return DeleteAclsResponseFilterResult(ErrorCode.NONE, None, matching)


def _all(request: DeleteAclsRequest, error: int, message: str | None) -> DeleteAclsResponse:
    return DeleteAclsResponse(
        filter_results=[DeleteAclsResponseFilterResult(error, message, []) for _ in request.filters]
    )


API = Api(31, "DeleteAcls", 1, 3, DeleteAclsRequest, handle)
