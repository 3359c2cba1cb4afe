"""DescribeClientQuotas (key 48), versions 0 to 1: the byte rates that bind users and client ids (KIP-546).

A component asks for a type of entity by exact name (0), by its default (1) or by any name (2); `strict` leaves out entities
that have other types as well.
"""

from __future__ import annotations

from harness.pylog_broker.controller.image import Entity
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_client_quotas import (
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    DescribeClientQuotasResponseEntity,
    DescribeClientQuotasResponseEntry,
    DescribeClientQuotasResponseValue,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource
from harness.pylog_broker.security.quotas import CLIENT_ID, USER

EXACT, DEFAULT, ANY = 0, 1, 2


def handle(context: RequestContext, request: DescribeClientQuotasRequest) -> DescribeClientQuotasResponse:
    """Every entity that all components take."""
    if not context.allows(Operation.DESCRIBE_CONFIGS, Resource.CLUSTER, CLUSTER_NAME):
        return _failed(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, CLUSTER_REFUSED)
    for component in request.components:
        if component.entity_type not in (USER, CLIENT_ID) or component.match_type not in (EXACT, DEFAULT, ANY):
            return _failed(ErrorCode.UNSUPPORTED_VERSION, f"entities are of type {USER} or {CLIENT_ID}")
    if len({component.entity_type for component in request.components}) < len(request.components):
        return _failed(ErrorCode.INVALID_REQUEST, "a type of entity is named twice")
    return DescribeClientQuotasResponse(
        entries=[
            DescribeClientQuotasResponseEntry(
                [DescribeClientQuotasResponseEntity(*pair) for pair in entity],
                [DescribeClientQuotasResponseValue(key, value) for key, value in bounds.items()],
            )
            for entity, bounds in context.broker.catalog.image.quotas.items()
            if _takes(request, entity)
        ]
    )


def _takes(request: DescribeClientQuotasRequest, entity: Entity) -> bool:
    names = dict(entity)
    if request.strict and len(names) != len(request.components):
        return False
    for component in request.components:
        if component.entity_type not in names:
            return False
        wanted = component.match if component.match_type == EXACT else None
        if component.match_type != ANY and names[component.entity_type] != wanted:
            return False
    return True


def _failed(error: int, message: str | None) -> DescribeClientQuotasResponse:
    return DescribeClientQuotasResponse(error_code=error, error_message=message, entries=None)


API = Api(48, "DescribeClientQuotas", 0, 1, DescribeClientQuotasRequest, handle)
