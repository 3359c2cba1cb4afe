"""DescribeConfigs (key 32), versions 1 to 4.

Settings of topics (type 2), of this broker (type 4, by its node id; the empty name shows what is set for all brokers), of groups
(32) and of client metrics subscriptions (16), with their sources, synonyms (version 1) and documentation (version 3).

Left out: broker loggers as resources (INVALID_REQUEST).
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.config_entries import Entry
from harness.pylog_broker.handlers.config_resources import entries_of, refuse
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsRequestResource,
    DescribeConfigsResponse,
    DescribeConfigsResponseConfig,
    DescribeConfigsResponseResult,
    DescribeConfigsResponseSynonym,
)
from harness.pylog_broker.security.acl import Operation


def handle(context: RequestContext, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    """Describe each resource."""
    return DescribeConfigsResponse(results=[_describe(context, resource, request) for resource in request.resources])


def _describe(
    context: RequestContext, resource: DescribeConfigsRequestResource, request: DescribeConfigsRequest
) -> DescribeConfigsResponseResult:
    kind, name = resource.resource_type, resource.resource_name
    refusal = refuse(context, kind, name, Operation.DESCRIBE_CONFIGS)
    if refusal is not None:
        return DescribeConfigsResponseResult(*refusal, kind, name)
    entries = entries_of(context.broker, kind, name)
    wanted = None if resource.configuration_keys is None else set(resource.configuration_keys)
    rows = [_row(entry, request) for entry in entries if wanted is None or entry.name in wanted]
    return DescribeConfigsResponseResult(ErrorCode.NONE, None, kind, name, rows)


def _row(entry: Entry, request: DescribeConfigsRequest) -> DescribeConfigsResponseConfig:
    synonyms = entry.synonyms if request.include_synonyms else ()
    return DescribeConfigsResponseConfig(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        synonyms=[DescribeConfigsResponseSynonym(*synonym) for synonym in synonyms],
        config_type=entry.type,
        documentation=entry.doc if request.include_documentation else None,
    )


API = Api(32, "DescribeConfigs", 1, 4, DescribeConfigsRequest, handle)
