"""IncrementalAlterConfigs (key 44), versions 0 and 1.

Changes single settings of a topic (KIP-339): SET and DELETE, and for list settings APPEND and SUBTRACT. All changes of
one resource are made, or none.

Left out: broker settings, which are set at start.
"""

from __future__ import annotations

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.topic_settings import Outcome, refuse_resource, repeated, set_overrides
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.incremental_alter_configs import (
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsRequestResource,
    IncrementalAlterConfigsResponse,
    IncrementalAlterConfigsResponseResource,
)
from harness.pylog_broker.storage.topic_config import LIST, SETTINGS, format_value

SET, DELETE, APPEND, SUBTRACT = range(4)


def handle(context: RequestContext, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse:
    """Change each resource on its own."""
    broker = context.broker
    repeats = repeated((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    for resource in request.resources:
        kind, name = resource.resource_type, resource.resource_name
        outcome = refuse_resource(broker, kind, name, repeats)
        if outcome is None:
            outcome = _alter(broker, resource, validate_only=request.validate_only)
        responses.append(IncrementalAlterConfigsResponseResource(*outcome, kind, name))
    return IncrementalAlterConfigsResponse(responses=responses)


def _alter(broker: Broker, resource: IncrementalAlterConfigsRequestResource, *, validate_only: bool) -> Outcome:
    topic = broker.catalog.topics[resource.resource_name]
    overrides = dict(topic.config_overrides)
    seen: set[str] = set()
    for config in resource.configs:
        name, operation = config.name, config.config_operation
        if name in seen:
            return ErrorCode.INVALID_REQUEST, f"'{name}' is changed more than once"
        seen.add(name)
        if operation == DELETE:
            overrides.pop(name, None)
            continue
        if config.value is None:
            return ErrorCode.INVALID_REQUEST, f"'{name}' has no value"
        if operation == SET:
            overrides[name] = config.value
        elif operation in (APPEND, SUBTRACT):
            if name not in SETTINGS or SETTINGS[name].type != LIST:
                return ErrorCode.INVALID_CONFIG, f"'{name}' is not a list: it cannot be appended to"
            effective = format_value(getattr(topic.partitions[0].config, SETTINGS[name].field))
            before = overrides.get(name, effective).split(",")
            overrides[name] = _changed_list(before, config.value.split(","), operation)
        else:
            return ErrorCode.INVALID_REQUEST, f"unknown operation {operation}"
    return set_overrides(broker, resource.resource_name, overrides, validate_only=validate_only)


def _changed_list(before: list[str], values: list[str], operation: int) -> str:
    if operation == APPEND:
        return ",".join([*before, *(value for value in values if value not in before)])
    return ",".join(value for value in before if value not in values)


API = Api(44, "IncrementalAlterConfigs", 0, 1, IncrementalAlterConfigsRequest, handle)
