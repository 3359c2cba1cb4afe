"""AlterConfigs (key 33), versions 0 to 2.

Replaces all settings that a topic has of its own; what the request does not name goes back to its default. A null value
leaves the setting at its default, too.

Left out: broker settings, which are set at start.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.topic_settings import refuse_resource, repeated, set_overrides
from harness.pylog_broker.protocol.generated.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResponse,
    AlterConfigsResponseResource,
)


def handle(context: RequestContext, request: AlterConfigsRequest) -> AlterConfigsResponse:
    """Change each resource on its own."""
    broker = context.broker
    repeats = repeated((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    for resource in request.resources:
        kind, name = resource.resource_type, resource.resource_name
        outcome = refuse_resource(broker, kind, name, repeats)
        if outcome is None:
            overrides = {config.name: config.value for config in resource.configs if config.value is not None}
            outcome = set_overrides(broker, name, overrides, validate_only=request.validate_only)
        responses.append(AlterConfigsResponseResource(*outcome, kind, name))
    return AlterConfigsResponse(responses=responses)


API = Api(33, "AlterConfigs", 0, 2, AlterConfigsRequest, handle)
