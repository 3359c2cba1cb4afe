"""AlterClientQuotas (key 49), versions 0 to 1: sets and takes back byte rates of users and client ids (KIP-546).

Left out: entities of type `ip`, and the keys `request_percentage`, `controller_mutation_rate` and `connection_creation_rate`; all
are refused with INVALID_REQUEST.
"""

from __future__ import annotations

import logging
import math

from harness.pylog_broker.controller.records import ClientQuotaRecord, Record
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntry,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntity,
    AlterClientQuotasResponseEntry,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource
from harness.pylog_broker.security.quotas import CLIENT_ID, ENTITIES_MAX, KEYS, USER
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)


def handle(context: RequestContext, request: AlterClientQuotasRequest) -> AlterClientQuotasResponse:
    """Each entity on its own."""
    if not context.allows(Operation.ALTER_CONFIGS, Resource.CLUSTER, CLUSTER_NAME):
        return _answer(request, [(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, CLUSTER_REFUSED)] * len(request.entries))
    outcome: list[tuple[int, str | None]] = []
    records: list[Record] = []
    for entry in request.entries:
        error = _refuse(context, entry)
        if error is None:
            entity = tuple(sorted((row.entity_type, row.entity_name) for row in entry.entity))
            records += [ClientQuotaRecord(entity, op.key, None if op.remove else op.value) for op in entry.ops]
        outcome.append((ErrorCode.NONE, None) if error is None else (ErrorCode.INVALID_REQUEST, error))
    if not request.validate_only:
        try:
            context.broker.catalog.controller.record(records)
        except StorageError as failure:
            logger.error("quotas: %s", failure)
            return _answer(request, [(failure.error_code, str(failure))] * len(request.entries))
    return _answer(request, outcome)


def _refuse(context: RequestContext, entry: AlterClientQuotasRequestEntry) -> str | None:
    types = [row.entity_type for row in entry.entity]
    if not types or set(types) - {USER, CLIENT_ID} or len(set(types)) < len(types):
        return f"an entity has a {USER}, a {CLIENT_ID} or both, once each"
    if any(row.entity_name == "" for row in entry.entity):
        return "the name of an entity is not empty; null stands for the default"
    for op in entry.ops:
        if op.key not in KEYS:
            return f"{op.key} is not a quota of this broker; there are {', '.join(KEYS)}"
        if not op.remove and not (math.isfinite(op.value) and op.value > 0):
            return f"{op.key} must be a number above 0"
    if len(context.broker.catalog.image.quotas) >= ENTITIES_MAX:
        return f"at most {ENTITIES_MAX} entities have quotas"
    return None


def _answer(request: AlterClientQuotasRequest, outcome: list[tuple[int, str | None]]) -> AlterClientQuotasResponse:
    return AlterClientQuotasResponse(
        entries=[
            AlterClientQuotasResponseEntry(
                error,
                message,
                [AlterClientQuotasResponseEntity(row.entity_type, row.entity_name) for row in entry.entity],
            )
            for entry, (error, message) in zip(request.entries, outcome, strict=True)
        ]
    )


API = Api(49, "AlterClientQuotas", 0, 1, AlterClientQuotasRequest, handle)
