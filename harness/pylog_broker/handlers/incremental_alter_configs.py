"""IncrementalAlterConfigs (key 44), versions 0 and 1.

Changes single settings of a topic, a broker, a group or a client metrics subscription (KIP-339): SET and DELETE, and for list
settings APPEND and SUBTRACT. All changes of one resource are made, or none. Broker settings that cannot change while the broker
runs are INVALID_REQUEST; the empty name stands for all brokers.

Left out: broker loggers.
"""

from __future__ import annotations

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.handlers.config_resources import (
    Outcome,
    list_value,
    own_values,
    refuse,
    refuse_fixed,
    repeated,
    set_values,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.incremental_alter_configs import (
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsRequestResource,
    IncrementalAlterConfigsResponse,
    IncrementalAlterConfigsResponseResource,
)
from harness.pylog_broker.security.acl import Operation
from harness.pylog_broker.storage.topic_config import split_list

SET, DELETE, APPEND, SUBTRACT = range(4)


def handle(context: RequestContext, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse:
    """Change each resource on its own."""
    repeats = repeated((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    for resource in request.resources:
        kind, name = resource.resource_type, resource.resource_name
        if (kind, name) in repeats:
            outcome: Outcome = (ErrorCode.INVALID_REQUEST, f"'{name}' is named more than once")
        else:
            outcome = refuse(context, kind, name, Operation.ALTER_CONFIGS) or _alter(
                context.broker, resource, validate_only=request.validate_only
            )
        responses.append(IncrementalAlterConfigsResponseResource(*outcome, kind, name))
    return IncrementalAlterConfigsResponse(responses=responses)


def _alter(broker: Broker, resource: IncrementalAlterConfigsRequestResource, *, validate_only: bool) -> Outcome:
    kind, resource_name = resource.resource_type, resource.resource_name
    values = own_values(broker, kind, resource_name)
    seen: set[str] = set()
    for config in resource.configs:
        name, operation = config.name, config.config_operation
        if name in seen:
            return ErrorCode.INVALID_REQUEST, f"'{name}' is changed more than once"
        seen.add(name)
        if refusal := refuse_fixed(kind, resource_name, name, removed=operation == DELETE):
            return refusal
        if operation == DELETE:
            values.pop(name, None)
            continue
        if config.value is None:
            return ErrorCode.INVALID_REQUEST, f"'{name}' has no value"
        if operation == SET:
            values[name] = config.value
        elif operation in (APPEND, SUBTRACT):
            effective = list_value(broker, kind, resource_name, name)
            if effective is None:
                return ErrorCode.INVALID_CONFIG, f"'{name}' is not a list: it cannot be appended to"
            before = split_list(values.get(name, effective))
            values[name] = _changed_list(before, split_list(config.value), operation)
        else:
            return ErrorCode.INVALID_REQUEST, f"unknown operation {operation}"
    return set_values(broker, kind, resource_name, values, validate_only=validate_only)


def _changed_list(before: list[str], values: list[str], operation: int) -> str:
    if operation == APPEND:
        return ",".join([*before, *(value for value in values if value not in before)])
    return ",".join(value for value in before if value not in values)


API = Api(44, "IncrementalAlterConfigs", 0, 1, IncrementalAlterConfigsRequest, handle)
