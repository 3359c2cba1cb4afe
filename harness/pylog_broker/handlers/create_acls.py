"""CreateAcls (key 30), versions 1 to 3: adds access rules; one that is there already stays as it is.

SECURITY_DISABLED where access rules are off.
"""

from __future__ import annotations

import logging
from uuid import uuid4

from harness.pylog_broker.controller.records import AclRecord, Record
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.create_acls import (
    CreateAclsRequest,
    CreateAclsRequestCreation,
    CreateAclsResponse,
    CreateAclsResponseResult,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, RULES_MAX, Operation, Resource, Rule
from harness.pylog_broker.security.acl_codes import parse_rule
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: CreateAclsRequest) -> CreateAclsResponse:
    """Each rule on its own; those that can be made are made together."""
    authorizer = context.broker.security.authorizer
    if not authorizer.enabled:
        return _all(
            request, ErrorCode.SECURITY_DISABLED, "access rules are off; see acl.file and authorizer.class.name"
        )
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        return _all(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, CLUSTER_REFUSED)
    results: list[CreateAclsResponseResult] = []
    records: list[Record] = []
    known = set(authorizer.rules)
    for row in request.creations:
        error = _check(row, known, records)
        results.append(CreateAclsResponseResult(*error))
    try:
        context.broker.catalog.controller.record(records)
    except StorageError as failure:
        logger.error("access rules: %s", failure)
        return _all(request, failure.error_code, str(failure))
    return CreateAclsResponse(results=results)


def _check(row: CreateAclsRequestCreation, known: set[Rule], records: list[Record]) -> tuple[int, str | None]:
    rule = parse_rule(row)
    if isinstance(rule, str):
        return ErrorCode.INVALID_REQUEST, rule
    if rule not in known:
        if len(known) >= RULES_MAX:
            return ErrorCode.POLICY_VIOLATION, f"there are {RULES_MAX} rules; that is the most this broker keeps"
        known.add(rule)
        records.append(
            AclRecord(
                uuid4(),
                rule.resource,
                rule.name,
                rule.pattern,
                rule.principal,
                rule.host,
                rule.operation,
                rule.permission,
            )
        )
    return ErrorCode.NONE, None


def _all(request: CreateAclsRequest, error: int, message: str | None) -> CreateAclsResponse:
    return CreateAclsResponse(results=[CreateAclsResponseResult(error, message) for _ in request.creations])


API = Api(30, "CreateAcls", 1, 3, CreateAclsRequest, handle)
