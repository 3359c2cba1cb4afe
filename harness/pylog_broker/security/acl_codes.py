"""What the three APIs of access rules share: codes of the protocol to rules and filters."""

from __future__ import annotations

from typing import Protocol

from harness.pylog_broker.security.acl import (
    CLUSTER_NAME,
    OPERATIONS_OF,
    Filter,
    Operation,
    Pattern,
    Permission,
    Resource,
    Rule,
)


class FilterFields(Protocol):
    """A filter as DescribeAcls and DeleteAcls carry it."""

    resource_type_filter: int
    resource_name_filter: str | None
    pattern_type_filter: int
    principal_filter: str | None
    host_filter: str | None
    operation: int
    permission_type: int


class RuleFields(Protocol):
    """A rule as CreateAcls carries it."""

    resource_type: int
    resource_name: str
    resource_pattern_type: int
    principal: str
    host: str
    operation: int
    permission_type: int


def parse_filter(fields: FilterFields) -> Filter | None:
    """The filter, or None when one of its codes is unknown."""
    try:
        asked = Filter(
            Resource(fields.resource_type_filter),
            fields.resource_name_filter,
            Pattern(fields.pattern_type_filter),
            fields.principal_filter,
            fields.host_filter,
            Operation(fields.operation),
            Permission(fields.permission_type),
        )
    except ValueError:
        return None
    codes = (asked.resource, asked.pattern, asked.operation, asked.permission)
    return asked if all(code != 0 for code in codes) else None


def parse_rule(fields: RuleFields) -> Rule | str:
    """The rule, or in words why it is none."""
    try:
        rule = Rule(
            Resource(fields.resource_type),
            fields.resource_name,
            Pattern(fields.resource_pattern_type),
            fields.principal,
            fields.host,
            Operation(fields.operation),
            Permission(fields.permission_type),
        )
    except ValueError as error:
        return str(error)
    operations = OPERATIONS_OF.get(rule.resource)
    if operations is None:
        return f"rules for {rule.resource.name} are not supported"
    if rule.pattern not in (Pattern.LITERAL, Pattern.PREFIXED):
        return f"a rule has no pattern of type {rule.pattern.name}"
    if rule.permission not in (Permission.ALLOW, Permission.DENY):
        return f"a rule has no permission {rule.permission.name}"
    if rule.operation != Operation.ALL and rule.operation not in operations:
        return f"{rule.operation.name} is no operation of {rule.resource.name}"
    if not rule.name or (rule.resource == Resource.CLUSTER and rule.name != CLUSTER_NAME):
        return f"the name of a {rule.resource.name} resource is not {rule.name!r}"
    if ":" not in rule.principal or not rule.host:
        return f"a principal is TYPE:NAME, not {rule.principal!r}, and a host is an address or *"
    return rule
