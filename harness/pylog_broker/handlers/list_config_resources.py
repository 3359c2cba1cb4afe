"""ListConfigResources (key 74), versions 0 and 1: what has settings, or could have (KIP-714, KIP-1142).

Version 0 lists client metrics subscriptions. Version 1 names the types; none means all. Topics and this broker are there
whether they have settings of their own or not; groups and subscriptions are listed when they have some.

Left out: broker loggers.
"""

from __future__ import annotations

from harness.pylog_broker.controller.image import (
    BROKER_LOGGER_RESOURCE,
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.list_config_resources import (
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
    ListConfigResourcesResponseResource,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

ALL = (TOPIC_RESOURCE, BROKER_RESOURCE, BROKER_LOGGER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE)


def handle(context: RequestContext, request: ListConfigResourcesRequest) -> ListConfigResourcesResponse:
    """List each type that is asked for."""
    if not context.allows(Operation.DESCRIBE_CONFIGS, Resource.CLUSTER, CLUSTER_NAME):
        return ListConfigResourcesResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    asked = request.resource_types if context.version >= 1 else [CLIENT_METRICS_RESOURCE]
    if any(kind not in ALL for kind in asked):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    rows = [
        ListConfigResourcesResponseResource(name, kind)
        for kind in ALL
        if kind in asked or not asked
        for name in _names(context, kind)
    ]
    return ListConfigResourcesResponse(error_code=ErrorCode.NONE, config_resources=rows)


def _names(context: RequestContext, kind: int) -> list[str]:
    broker = context.broker
    if kind == TOPIC_RESOURCE:
        return list(broker.catalog.topics)
    if kind == BROKER_RESOURCE:
        return [str(broker.node_id)]
    return [name for (found, name) in broker.catalog.image.configs if found == kind]


API = Api(74, "ListConfigResources", 0, 1, ListConfigResourcesRequest, handle)
