"""AlterConfigs (key 33), versions 0 to 2.

Replaces all settings that a topic, a broker, a group or a client metrics subscription has of its own; what the request does not
name goes back to its default. A null value leaves the setting at its default, too. Broker settings that cannot change while the
broker runs are INVALID_REQUEST; the empty name stands for all brokers.

Left out: broker loggers.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.config_resources import Outcome, refuse, refuse_fixed, repeated, set_values
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsRequestResource,
    AlterConfigsResponse,
    AlterConfigsResponseResource,
)
from harness.pylog_broker.security.acl import Operation


def handle(context: RequestContext, request: AlterConfigsRequest) -> AlterConfigsResponse:
    """Change each resource on its own."""
    repeats = repeated((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    for resource in request.resources:
        kind, name = resource.resource_type, resource.resource_name
        if (kind, name) in repeats:
            outcome: Outcome = (ErrorCode.INVALID_REQUEST, f"'{name}' is named more than once")
        else:
            outcome = refuse(context, kind, name, Operation.ALTER_CONFIGS) or _alter(
                context, resource, request.validate_only
            )
        responses.append(AlterConfigsResponseResource(*outcome, kind, name))
    return AlterConfigsResponse(responses=responses)


def _alter(context: RequestContext, resource: AlterConfigsRequestResource, validate_only: bool) -> Outcome:
    values = {config.name: config.value for config in resource.configs if config.value is not None}
    for setting in values:
        if refusal := refuse_fixed(resource.resource_type, resource.resource_name, setting, removed=False):
            return refusal
    return set_values(
        context.broker, resource.resource_type, resource.resource_name, values, validate_only=validate_only
    )


API = Api(33, "AlterConfigs", 0, 2, AlterConfigsRequest, handle)
