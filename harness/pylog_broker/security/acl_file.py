"""The file of access rules: one rule a line, read at start and again when it has changed.

# who may do what
allow User:alice READ,DESCRIBE topic orders
allow User:alice READ group alice-*          # a name that ends in * is a prefix; * alone is everything
deny  User:bob   ALL  topic *  from 10.0.0.7
"""

from __future__ import annotations

import os

from harness.pylog_broker.security.acl import (
    CLUSTER_NAME,
    RULES_MAX,
    WILDCARD,
    Operation,
    Pattern,
    Permission,
    Resource,
    Rule,
)
from harness.pylog_broker.security.settings import SecurityFileError

_RESOURCES = {
    "topic": Resource.TOPIC,
    "group": Resource.GROUP,
    "cluster": Resource.CLUSTER,
    "transactional-id": Resource.TRANSACTIONAL_ID,
}
_OPERATIONS = {operation.name: operation for operation in Operation if operation > Operation.ANY}
_PERMISSIONS = {"allow": Permission.ALLOW, "deny": Permission.DENY}
FILE_BYTES_MAX = 4 << 20


class AclFileError(SecurityFileError):
    """A line cannot be understood, or the file cannot be read; the message names file, line and remedy."""


def parse(text: str, name: str) -> frozenset[Rule]:
    """The rules of a file's text; `name` is for messages. Raises AclFileError."""
    rules: set[Rule] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if words:
            try:
                rules.update(_rules(words))
            except ValueError as error:
                raise AclFileError(f"{name}:{number}: {error}") from None
    if len(rules) > RULES_MAX:
        raise AclFileError(f"{name}: {len(rules)} rules; at most {RULES_MAX}")
    return frozenset(rules)


def _rules(words: list[str]) -> list[Rule]:
    host = WILDCARD
    if len(words) > 2 and words[-2] == "from":
        host = words[-1]
        words = words[:-2]
    if len(words) == 4 and words[3] == "cluster":
        words = [*words, CLUSTER_NAME]
    if len(words) != 5:
        raise ValueError(
            f"a rule is: allow User:NAME OPERATION topic|group|cluster|transactional-id NAME, not {' '.join(words)!r}"
        )
    permission, principal, operations, resource, resource_name = words
    if permission not in _PERMISSIONS:
        raise ValueError(f"a rule begins with allow or deny, not {permission!r}")
    if not principal.startswith("User:"):
        raise ValueError(f"a principal is User:NAME, not {principal!r}")
    if resource not in _RESOURCES:
        raise ValueError(f"a resource is {', '.join(_RESOURCES)}, not {resource!r}")
    unknown = [operation for operation in operations.split(",") if operation not in _OPERATIONS]
    if unknown:
        raise ValueError(f"an operation is one of {', '.join(_OPERATIONS)}, not {', '.join(unknown)!r}")
    prefixed = len(resource_name) > 1 and resource_name.endswith(WILDCARD)
    return [
        Rule(
            _RESOURCES[resource],
            resource_name[:-1] if prefixed else resource_name,
            Pattern.PREFIXED if prefixed else Pattern.LITERAL,
            principal,
            host,
            _OPERATIONS[operation],
            _PERMISSIONS[permission],
        )
        for operation in operations.split(",")
    ]


def load(path: str | os.PathLike[str]) -> frozenset[Rule]:
    """Raises AclFileError."""
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_size > FILE_BYTES_MAX:
                raise AclFileError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
            return parse(file.read(), os.fspath(path))
    except (OSError, UnicodeDecodeError) as error:
        raise AclFileError(f"acl.file={path} cannot be read: {error}") from None
