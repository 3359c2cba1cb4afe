"""Access rules, after Kafka's StandardAuthorizer (KIP-11, KIP-290): pure.

A rule allows or denies a principal, from a host, an operation on the resources that a pattern names. A deny wins over every
allow; what nothing allows is denied, unless no rule names the resource at all and `open_without_rule` is on. Super users
may do everything. Some operations imply DESCRIBE or DESCRIBE_CONFIGS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

WILDCARD = "*"
ANY_PRINCIPAL = "User:*"
CLUSTER_NAME = "kafka-cluster"
CLUSTER_REFUSED = "Cluster authorization failed."
RULES_MAX = 10_000


class Resource(IntEnum):
    """Kafka's ResourceType."""

    UNKNOWN = 0
    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class Pattern(IntEnum):
    """Kafka's PatternType; ANY and MATCH are for filters alone."""

    UNKNOWN = 0
    ANY = 1
    MATCH = 2
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """Kafka's AclOperation."""

    UNKNOWN = 0
    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


class Permission(IntEnum):
    """Kafka's AclPermissionType."""

    UNKNOWN = 0
    ANY = 1
    DENY = 2
    ALLOW = 3


OPERATIONS_OF: Mapping[Resource, frozenset[Operation]] = {
    Resource.TOPIC: frozenset(
        {
            Operation.READ, Operation.WRITE, Operation.CREATE, Operation.DELETE, Operation.ALTER, Operation.DESCRIBE,
            Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS,
        }
    ),
    Resource.GROUP: frozenset(
        {Operation.READ, Operation.DELETE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS}
    ),
    Resource.CLUSTER: frozenset(
        {
            Operation.CREATE, Operation.ALTER, Operation.DESCRIBE, Operation.CLUSTER_ACTION, Operation.DESCRIBE_CONFIGS,
            Operation.ALTER_CONFIGS, Operation.IDEMPOTENT_WRITE,
        }
    ),
    Resource.TRANSACTIONAL_ID: frozenset({Operation.WRITE, Operation.DESCRIBE}),
}  # fmt: skip
"""Which operations a kind of resource has; ALL stands for each of them."""

IMPLIED_BY: Mapping[Operation, frozenset[Operation]] = {
    Operation.DESCRIBE: frozenset({Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER}),
    Operation.DESCRIBE_CONFIGS: frozenset({Operation.ALTER_CONFIGS}),
}
"""An operation -> those whose permission includes it."""


class Rule(NamedTuple):
    """One access rule (Kafka's AclBinding)."""

    resource: Resource
    name: str
    pattern: Pattern
    principal: str
    host: str
    operation: Operation
    permission: Permission

    def names(self, resource: Resource, name: str) -> bool:
        """Whether the pattern covers this resource."""
        if self.resource != resource:
            return False
        if self.pattern == Pattern.PREFIXED:
            return name.startswith(self.name)
        return self.name in (name, WILDCARD)


class Filter(NamedTuple):
    """Which rules are asked for; None and ANY match everything."""

    resource: Resource
    name: str | None
    pattern: Pattern
    principal: str | None
    host: str | None
    operation: Operation
    permission: Permission

    def takes(self, rule: Rule) -> bool:
        """Whether a rule is asked for."""
        return (
            self.resource in (Resource.ANY, rule.resource)
            and self._takes_pattern(rule)
            and self.principal in (None, rule.principal)
            and self.host in (None, rule.host)
            and self.operation in (Operation.ANY, rule.operation)
            and self.permission in (Permission.ANY, rule.permission)
        )

    def _takes_pattern(self, rule: Rule) -> bool:
        if self.pattern not in (Pattern.ANY, Pattern.MATCH, rule.pattern):
            return False
        if self.name is None:
            return True
        if self.pattern == Pattern.MATCH:
            return rule.names(rule.resource, self.name)
        return self.name == rule.name


class Authorizer:
    """Decides, from an immutable set of rules. Without a rule set (`rules` is None) everything is allowed."""

    def __init__(
        self,
        rules: Iterable[Rule] | None,
        *,
        super_users: frozenset[str] = frozenset(),
        open_without_rule: bool = False,
    ) -> None:
        self.enabled = rules is not None
        self.rules: frozenset[Rule] = frozenset(rules or ())
        self._super_users = super_users
        self._open_without_rule = open_without_rule
        self._by_resource: dict[Resource, list[Rule]] = {}
        for rule in self.rules:
            self._by_resource.setdefault(rule.resource, []).append(rule)
        self._decided: dict[tuple[str, str, Operation, Resource, str], bool] = {}

    def allows(self, principal: str, host: str, operation: Operation, resource: Resource, name: str) -> bool:
        """Whether this principal, from this host, may do this to that. Decisions are remembered: rules do not change."""
        if not self.enabled or principal in self._super_users:
            return True
        key = (principal, host, operation, resource, name)
        known = self._decided.get(key)
        if known is None:
            if len(self._decided) >= RULES_MAX:
                self._decided.clear()
            known = self._decided[key] = self._decide(*key)
        return known

    def _decide(self, principal: str, host: str, operation: Operation, resource: Resource, name: str) -> bool:
        named = [rule for rule in self._by_resource.get(resource, ()) if rule.names(resource, name)]
        if not named:
            return self._open_without_rule
        wanted = {operation, Operation.ALL}
        allowing = wanted | IMPLIED_BY.get(operation, frozenset())
        mine = [
            rule for rule in named if rule.principal in (principal, ANY_PRINCIPAL) and rule.host in (host, WILDCARD)
        ]
        if any(rule.permission == Permission.DENY and rule.operation in wanted for rule in mine):
            return False
        return any(rule.permission == Permission.ALLOW and rule.operation in allowing for rule in mine)

    def allows_any(self, principal: str, host: str, operation: Operation, resource: Resource) -> bool:
        """Whether there is any resource of this kind on which the principal may do this (KIP-679's check by type)."""
        if not self.enabled or principal in self._super_users:
            return True
        mine = [
            rule
            for rule in self._by_resource.get(resource, ())
            if rule.principal in (principal, ANY_PRINCIPAL)
            and rule.host in (host, WILDCARD)
            and rule.operation in (operation, Operation.ALL)
        ]
        denied = {(rule.name, rule.pattern) for rule in mine if rule.permission == Permission.DENY}
        if (WILDCARD, Pattern.LITERAL) in denied:
            return False
        return self._open_without_rule or any(
            rule.permission == Permission.ALLOW and not _covered(rule, denied) for rule in mine
        )

    def operations(self, principal: str, host: str, resource: Resource, name: str) -> int:
        """The bit set of what the principal may do (KIP-430)."""
        return sum(
            1 << operation
            for operation in OPERATIONS_OF[resource]
            if self.allows(principal, host, operation, resource, name)
        )


def _covered(rule: Rule, denied: set[tuple[str, Pattern]]) -> bool:
    """Whether a denied pattern takes in everything that this rule names."""
    return (rule.name, rule.pattern) in denied or any(
        pattern == Pattern.PREFIXED and rule.name.startswith(name) for name, pattern in denied
    )
