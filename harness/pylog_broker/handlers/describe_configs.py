"""DescribeConfigs (key 32), versions 1 to 4.

Settings of topics (type 2) and of this broker (type 4, by its node id), with their sources, synonyms (version 1) and
documentation (version 3). Broker settings are read-only: they are set when the broker starts.

Left out: broker loggers, client metrics and groups as resources (INVALID_REQUEST); cluster-wide dynamic defaults
(broker resource with an empty name), of which there are none.
"""

from __future__ import annotations

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.config_entries import Entry, broker_entries, topic_entries
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsRequestResource,
    DescribeConfigsResponse,
    DescribeConfigsResponseConfig,
    DescribeConfigsResponseResult,
    DescribeConfigsResponseSynonym,
)

TOPIC, BROKER = 2, 4


def handle(context: RequestContext, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    """Describe each resource."""
    return DescribeConfigsResponse(
        results=[_describe(context.broker, resource, request) for resource in request.resources]
    )


def _describe(
    broker: Broker, resource: DescribeConfigsRequestResource, request: DescribeConfigsRequest
) -> DescribeConfigsResponseResult:
    kind, name = resource.resource_type, resource.resource_name
    if kind == TOPIC:
        topic = broker.catalog.topics.get(name)
        if topic is None:
            return DescribeConfigsResponseResult(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic '{name}'", kind, name
            )
        entries = topic_entries(topic, broker.config.topic)
    elif kind == BROKER and name == str(broker.node_id):
        entries = broker_entries(broker.config)
    elif kind == BROKER and not name:
        entries = []
    elif kind == BROKER:
        message = f"there is no broker '{name}'; this one is {broker.node_id}"
        return DescribeConfigsResponseResult(ErrorCode.INVALID_REQUEST, message, kind, name)
    else:
        message = f"resource type {kind} has no settings here; topics (2) and brokers (4) have"
        return DescribeConfigsResponseResult(ErrorCode.INVALID_REQUEST, message, kind, name)
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
